import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { Gate } from '../../bench/upstream/gate.js';
import { dataSourceOptions } from '../../src/infrastructure/database/data-source-options.js';
import {
  isDatabaseUnavailable,
  isRetryable,
  violatesUnique,
} from '../../src/infrastructure/database/database-errors.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import { eventually } from '../support/parley.js';
import { testConfiguration } from '../support/test-configuration.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let dataSource: DataSource;
let transactions: Transactions;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = new DataSource(dataSourceOptions(testConfiguration({ 'database.url': database.url })));
  await dataSource.initialize();
  await dataSource.query('CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL)');
  await dataSource.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
  transactions = new Transactions(dataSource);
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

async function valueOf(id: number, db: EntityManager = dataSource.manager): Promise<number> {
  const rows = await db.query<{ value: number }[]>('SELECT value FROM counters WHERE id = $1', [id]);
  return rows[0]?.value ?? NaN;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a transaction', () => {
  it('leaves nothing behind when it throws', async () => {
    const failed = transactions.run(async (db) => {
      await db.query('UPDATE counters SET value = 99 WHERE id = 1');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await valueOf(1)).not.toBe(99);
  });

  it('is run again when it loses a race, and loses no update', async () => {
    let runs = 0;
    const bothHaveRead = new Gate();
    const increment = async (db: EntityManager): Promise<void> => {
      await db.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      const value = await valueOf(1, db);
      if (++runs === 2) bothHaveRead.open();
      await bothHaveRead.opened;
      await db.query('UPDATE counters SET value = $1 WHERE id = 1', [value + 1]);
    };
    const before = await valueOf(1);
    await Promise.all([transactions.run(increment), transactions.run(increment)]);
    expect(await valueOf(1)).toBe(before + 2);
    expect(runs).toBe(3);
  });

  it('is run again after a deadlock', async () => {
    const bothHold = [new Gate(), new Gate()] as const;
    const touch = (first: number, second: number, own: Gate, other: Gate) => (db: EntityManager) =>
      db.query('UPDATE counters SET value = value + 1 WHERE id = $1', [first]).then(async () => {
        own.open();
        await other.opened;
        await db.query('UPDATE counters SET value = value + 1 WHERE id = $1', [second]);
      });
    const before = await valueOf(2);
    await Promise.all([
      transactions.run(touch(1, 2, bothHold[0], bothHold[1])),
      transactions.run(touch(2, 1, bothHold[1], bothHold[0])),
    ]);
    expect(await valueOf(2)).toBe(before + 2);
  });

  it('is not run again for anything else', async () => {
    let runs = 0;
    const failed = transactions.run((db) => {
      runs++;
      return db.query('INSERT INTO counters VALUES (1, 0)');
    });
    const error = await failureOf(failed);
    expect(runs).toBe(1);
    expect(violatesUnique(error, 'counters_pkey')).toBe(true);
    expect(violatesUnique(error, 'another_constraint')).toBe(false);
    expect(isRetryable(error)).toBe(false);
    expect(isDatabaseUnavailable(error)).toBe(false);
  });
});

describe('a database that is away', () => {
  it('is known by a refused connection', async () => {
    const away = new DataSource({ type: 'postgres', url: 'postgres://nobody@127.0.0.1:1/none' });
    expect(isDatabaseUnavailable(await failureOf(away.initialize()))).toBe(true);
  });

  it('is known by a session that was ended', async () => {
    const sleeping = failureOf(dataSource.query('SELECT pg_sleep(30)'));
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    let ended = 0;
    while (ended === 0) {
      const { rows } = await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'`,
      );
      ended = rows.length;
    }
    expect(isDatabaseUnavailable(await sleeping)).toBe(true);
    await admin.end();
    // The pool may hand the dying connection out once more before it notices; then it makes a new one.
    expect(await eventually(() => valueOf(1).catch(() => undefined))).toEqual(expect.any(Number));
  });

  it('is known by five seconds of silence, and is not one that has other things to do for longer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const frozen = new DataSource(
      dataSourceOptions(testConfiguration({ 'database.url': `postgres://nobody@127.0.0.1:${port}/none` })),
    );
    const busy = await new DataSource(
      dataSourceOptions(testConfiguration({ 'database.url': database.url, 'database.poolSize': 1 })),
    ).initialize();
    const [failure, , one] = await Promise.all([
      failureOf(frozen.initialize()),
      busy.query<unknown>('SELECT pg_sleep(5.5)'),
      busy.query<unknown>('SELECT 1 AS one'),
    ]);
    expect(isDatabaseUnavailable(failure)).toBe(true);
    expect(one).toEqual([{ one: 1 }]);
    await busy.destroy();
    silent.close();
  });
});
