import pg from 'pg';
import type { DataSourceOptions } from 'typeorm';
import { migrations } from '../../../migrations/all.js';
import type { BootConfiguration } from '../../config/registry.js';
import { silentLogger } from './silent-logger.js';
import { SnakeCaseNaming } from './snake-case-naming.js';

/** What a statement that was cancelled at its time-out may take to say so. */
const answerLatencyMs = 2000;
/** For Postgres to answer a new connection. */
const connectTimeoutMs = 5000;
/** For a connection that others use: a thousand requests at once are no database that is away. */
const poolPatienceMs = 30_000;

/** pg has one time-out for both of them. */
class Client extends pg.Client {
  constructor(options: pg.ClientConfig) {
    super({ ...options, connectionTimeoutMillis: connectTimeoutMs });
  }
}

/** How Parley talks to Postgres. Never `synchronize`: the schema comes from migrations alone. */
export function dataSourceOptions(
  config: Pick<BootConfiguration, 'database.url' | 'database.poolSize' | 'database.statementTimeoutMs'>,
): DataSourceOptions {
  const statementTimeoutMs = config['database.statementTimeoutMs'];
  return {
    type: 'postgres',
    url: config['database.url'],
    applicationName: 'parley',
    poolSize: config['database.poolSize'],
    connectTimeoutMS: poolPatienceMs,
    namingStrategy: new SnakeCaseNaming(),
    migrations,
    migrationsTableName: 'migrations',
    installExtensions: false,
    logger: silentLogger,
    extra: {
      Client,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      // A database that is frozen, or behind a network that is gone, cancels nothing: then we stop waiting ourselves.
      ...(statementTimeoutMs > 0 ? { query_timeout: statementTimeoutMs + answerLatencyMs } : {}),
      keepAlive: true,
    },
  };
}
