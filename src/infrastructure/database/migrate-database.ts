import { DataSource } from 'typeorm';
import type { BootConfiguration } from '../../config/registry.js';
import { dataSourceOptions } from './data-source-options.js';
import { Migrator } from './migrator.js';

/** Work on the schema over connections of its own, before or without the application, and without a statement time-out. */
export async function withMigrator<Result>(
  config: Pick<BootConfiguration, 'database.url'>,
  work: (migrator: Migrator) => Promise<Result>,
): Promise<Result> {
  const dataSource = new DataSource(
    dataSourceOptions({ ...config, 'database.poolSize': 2, 'database.statementTimeoutMs': 0 }),
  );
  await dataSource.initialize();
  try {
    return await work(new Migrator(dataSource));
  } finally {
    await dataSource.destroy();
  }
}
