import pg from 'pg';
import { DataSource } from 'typeorm';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { BootConfiguration } from '../../config/registry.js';
import { dataSourceOptions } from './data-source-options.js';
import { Migrator } from './migrator.js';

/**
 * Work on the schema over connections of its own, before or without the application, and without a statement time-out: as the
 * role of `database.migrationUrl`, where that is set; then moving up grants the role of `database.url` what it needs.
 * @throws ConfigurationError as `Migrator` does
 */
export async function withMigrator<Result>(
  config: Pick<BootConfiguration, 'database.url'> & Partial<Pick<BootConfiguration, 'database.migrationUrl'>>,
  work: (migrator: Migrator) => Promise<Result>,
): Promise<Result> {
  const { 'database.url': url, 'database.migrationUrl': ownerUrl } = config;
  const dataSource = new DataSource(
    dataSourceOptions({
      'database.url': ownerUrl ?? url,
      'database.poolSize': 2,
      'database.statementTimeoutMs': 0,
    }),
  );
  await dataSource.initialize();
  try {
    return await work(new Migrator(dataSource, ownerUrl === undefined ? undefined : roleOf(url)));
  } finally {
    await dataSource.destroy();
  }
}

/** The role that a URL logs in as, by the rules of the driver: an absent user name is the account's. */
function roleOf(url: string): string {
  const { user } = new pg.Client({ connectionString: url });
  if (user === undefined) {
    throw new ConfigurationError([{ key: 'database.url', expected: 'a URL that names its role' }]);
  }
  return user;
}
