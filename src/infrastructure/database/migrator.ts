import { MigrationExecutor, type DataSource, type QueryRunner } from 'typeorm';
import { writersOrder } from '../../../migrations/all.js';
import { grantToApplication } from './application-role.js';

/** Any number will do as long as every replica takes the same: "parl" in ASCII. */
const migrationLock = 0x70_61_72_6c;

interface MigrationStatus {
  readonly name: string;
  readonly applied: boolean;
}

export interface SchemaDrift {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/**
 * Moves the schema up and down. Each call is one transaction that holds an advisory lock, so that of many replicas the first
 * applies and the others find nothing left to do; a failure leaves the schema as it was.
 */
export class Migrator {
  /** @param applicationRole is granted what it needs whenever the schema moves up; undefined when it owns the schema */
  constructor(
    private readonly dataSource: DataSource,
    private readonly applicationRole?: string,
  ) {}

  /**
   * Applies what is pending and answers its names.
   * @throws ConfigurationError as `grantToApplication` does
   */
  async up(): Promise<string[]> {
    return this.locked(async (executor, runner) => {
      if ((await executor.getPendingMigrations()).length > 0) await waitForWriters(runner);
      const done = await executor.executePendingMigrations();
      if (this.applicationRole !== undefined) await grantToApplication(runner.manager, this.applicationRole);
      return done.map((migration) => migration.name);
    });
  }

  /** Reverts the newest migration, or all of them, and answers their names. */
  async down(extent: 'one' | 'all'): Promise<string[]> {
    return this.locked(async (executor) => {
      const applied = await executor.getExecutedMigrations();
      const names = applied.map((migration) => migration.name);
      const reverted = extent === 'all' ? names : names.slice(0, 1);
      for (const _name of reverted) await executor.undoLastMigration();
      return reverted;
    });
  }

  async status(): Promise<MigrationStatus[]> {
    return this.locked(async (executor) => {
      const applied = new Set((await executor.getExecutedMigrations()).map(({ name }) => name));
      return executor.getAllMigrationNames().map((name) => ({ name, applied: applied.has(name) }));
    });
  }

  /** What would make the schema match the entities and back: nothing, or the two have drifted apart. */
  async drift(): Promise<SchemaDrift> {
    const { upQueries, downQueries } = await this.dataSource.driver.createSchemaBuilder().log();
    return { up: upQueries.map(({ query }) => query), down: downQueries.map(({ query }) => query).reverse() };
  }

  private async locked<Result>(
    work: (executor: LockedExecutor, runner: QueryRunner) => Promise<Result>,
  ): Promise<Result> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      await runner.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
      const executor = new LockedExecutor(this.dataSource, runner);
      executor.transaction = 'none';
      const result = await work(executor, runner);
      await runner.commitTransaction();
      return result;
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction();
      throw error;
    } finally {
      await runner.release();
    }
  }
}

/**
 * Takes what requests write to before anything is changed, in the order in which they take it: replicas of the version before go on
 * writing, and would lock each other and the migration out.
 */
async function waitForWriters(runner: QueryRunner): Promise<void> {
  const [{ tables }] = (await runner.query(
    `SELECT array_agg(format('%I', name) ORDER BY place) AS tables
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place) WHERE to_regclass(format('%I', name)) IS NOT NULL`,
    [writersOrder],
  )) as [{ tables: string[] | null }];
  if (tables !== null) await runner.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
}

class LockedExecutor extends MigrationExecutor {
  getAllMigrationNames(): string[] {
    return this.getMigrations().map(({ name }) => name);
  }
}
