import type { Logger } from 'typeorm';

/** TypeORM prints migrations and their failures to the console whatever `logging` says; errors reach our log as errors. */
export const silentLogger: Logger = {
  log: nothing,
  logMigration: nothing,
  logQuery: nothing,
  logQueryError: nothing,
  logQuerySlow: nothing,
  logSchemaBuild: nothing,
};

function nothing(): void {
  return;
}
