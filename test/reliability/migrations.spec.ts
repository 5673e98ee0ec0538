import { describe, expect, it, jest } from '@jest/globals';
import { migrations } from '../../migrations/all.js';
import { eventually } from '../support/parley.js';
import { createTestDatabase } from '../support/test-postgres.js';
import { isLong, report, rounds } from './extent.js';
import { Installation } from './installation/installation.js';

const starts = rounds({ short: 1, long: 50 });
jest.setTimeout(300_000 + starts * 120_000);

/** Back to what an operator gives: a database with nothing in it. */
const emptying = `
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP;
    CREATE SCHEMA public;
  END $$`;

/** Five at once, in one process, are in test/integration/migrations.spec.ts. */
const inLongRuns = isLong ? describe : describe.skip;

inLongRuns('two replicas that start together on an empty database', () => {
  it('apply each migration once, and neither is ready before all are', async () => {
    for (let round = 0; round < starts; round++) {
      const database = await createTestDatabase();
      const installation = await Installation.prepare({
        databaseUrl: database.url,
        settings: { 'log.level': 'info' },
      });
      await installation.query(emptying);
      const starting = installation.replicas.map((replica) => replica.start());
      await Promise.race(starting);
      const applied = await installation.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
      expect(applied.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
      await Promise.all(starting);
      // The log is written after the first probe may succeed.
      const told = await eventually(() => {
        const names = installation.replicas.flatMap(({ output }) => appliedIn(output));
        return Promise.resolve(names.length >= migrations.length ? names : undefined);
      });
      expect(told.toSorted()).toEqual(migrations.map(({ name }) => name).toSorted());
      await installation.stop();
      await database.drop();
    }
    report('migrations by two replicas', { starts });
  });
});

/** What a replica's log says that it applied. */
function appliedIn(output: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.includes('"migrations applied"'))
    .flatMap((line) => (JSON.parse(line) as { migrations: string[] }).migrations);
}
