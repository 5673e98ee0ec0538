import type { DataSourceOptions } from 'typeorm';
import { migrations } from '../../../migrations/all.js';
import type { BootConfiguration } from '../../config/registry.js';
import { silentLogger } from './silent-logger.js';
import { SnakeCaseNaming } from './snake-case-naming.js';

/** How Parley talks to Postgres. Never `synchronize`: the schema comes from migrations alone. */
export function dataSourceOptions(
  config: Pick<BootConfiguration, 'database.url' | 'database.poolSize' | 'database.statementTimeoutMs'>,
): DataSourceOptions {
  return {
    type: 'postgres',
    url: config['database.url'],
    applicationName: 'parley',
    poolSize: config['database.poolSize'],
    connectTimeoutMS: 5000,
    namingStrategy: new SnakeCaseNaming(),
    migrations,
    migrationsTableName: 'migrations',
    installExtensions: false,
    logger: silentLogger,
    extra: {
      statement_timeout: config['database.statementTimeoutMs'],
      idle_in_transaction_session_timeout: config['database.statementTimeoutMs'],
      keepAlive: true,
    },
  };
}
