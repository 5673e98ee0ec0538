import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import pg from 'pg';
import { migrations, writersOrder } from '../../migrations/all.js';
import { createApp } from '../../src/create-app.js';
import { withMigrator } from '../../src/infrastructure/database/migrate-database.js';
import { Migrator } from '../../src/infrastructure/database/migrator.js';
import { testConfiguration } from '../support/test-configuration.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let config: { 'database.url': string };

beforeEach(async () => {
  database = await createTestDatabase();
  config = { 'database.url': database.url };
});

afterEach(() => database.drop());

async function tables(): Promise<string[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' ORDER BY 1`,
  );
  await client.end();
  return rows.map(({ name }) => name);
}

describe('migrations', () => {
  it('go all the way down and up again', async () => {
    const before = await tables();
    expect(before).toContain('messages');
    await withMigrator(config, (migrator) => migrator.down('all'));
    expect(await tables()).toEqual([]);
    await withMigrator(config, (migrator) => migrator.up());
    expect(await tables()).toEqual(before);
  });

  it('are applied once when many replicas start together', async () => {
    await withMigrator(config, (migrator) => migrator.down('all'));
    const applied = await Promise.all(
      Array.from({ length: 5 }, () => withMigrator(config, (migrator) => migrator.up())),
    );
    expect(applied.flat().sort()).toEqual(migrations.map(({ name }) => name).sort());
  });

  it('wait for those who write, and lock nobody out', async () => {
    let reverted: string[] = [];
    while (!reverted.includes('AddMessageBranches1795305606500')) {
      reverted = await withMigrator(config, (migrator) => migrator.down('one'));
      expect(reverted).toHaveLength(1);
    }
    let writes = 0;
    let isOver = false;
    const writers = Array.from({ length: 4 }, async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      while (!isOver) {
        await client.query('BEGIN');
        for (const table of writersOrder) {
          await client.query(`LOCK TABLE ${table} IN ROW EXCLUSIVE MODE`);
          await client.query('SELECT pg_sleep(0.01)');
        }
        await client.query('COMMIT');
        writes++;
      }
      await client.end();
    });
    while (writes < 4) await new Promise(setImmediate);
    await withMigrator(config, (migrator) => migrator.up());
    isOver = true;
    await Promise.all(writers);
  });

  it('leave the schema as it was when one of them fails', async () => {
    const all = await tables();
    let before = all;
    let undone = 0;
    // Not every migration makes a table.
    for (; before.length === all.length; undone++) {
      await withMigrator(config, (migrator) => migrator.down('one'));
      before = await tables();
    }
    const last = all.find((name) => !before.includes(name)) ?? '';
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(`CREATE TABLE ${last} (in_the_way integer)`);
    await expect(withMigrator(config, (migrator) => migrator.up())).rejects.toThrow(last);
    await client.query(`DROP TABLE ${last}`);
    await client.end();
    expect(await tables()).toEqual(before);
    const status = await withMigrator(config, (migrator) => migrator.status());
    expect(status.filter(({ applied }) => !applied)).toHaveLength(undone);
  });

  it('make the schema that the entities describe', async () => {
    const app = await createApp(testConfiguration({ 'database.url': database.url }));
    const { up } = await app.get(Migrator).drift();
    await app.close();
    expect(up).toEqual([]);
  });

  it('are all listed, in the order of their time', () => {
    const files = readdirSync('migrations').filter((file) => /^\d/.test(file));
    expect(migrations.map(({ name }) => name)).toEqual(
      files.map((file) => file.replace(/^(\d+)-(\w+)\.ts$/, '$2$1')),
    );
  });
});
