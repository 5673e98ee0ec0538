import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DomainError } from '../../src/common/domain-error.js';
import type { KeyWrapper } from '../../src/secrets/key-wrappers/key-wrapper.js';
import { KeyWrappers } from '../../src/secrets/key-wrappers/key-wrappers.js';
import type { SecretBinding } from '../../src/secrets/secrets.service.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import {
  makeKeyFilePath,
  startSecretsProcess,
  writeKeyFile,
  type SecretsProcess,
} from '../support/secrets-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

interface Stored {
  readonly id: string;
  readonly binding: SecretBinding;
  readonly text: string;
}

const tenants = [defaultTenantId, randomUUID()] as const;

let database: TestDatabase;
let keyFile: string;
let one: SecretsProcess;
let two: SecretsProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  keyFile = await makeKeyFilePath();
  writeKeyFile(keyFile, ['k1']);
  const settings = { 'database.url': database.url, 'encryption.keyFile': keyFile };
  one = await startSecretsProcess(settings);
  two = await startSecretsProcess(settings);
  await one.dataSource.query(
    `INSERT INTO tenants SELECT (jsonb_populate_record(tenant, jsonb_build_object('id', $1::uuid, 'slug', 'other'))).*
       FROM tenants tenant WHERE id = $2`,
    [tenants[1], defaultTenantId],
  );
});

beforeEach(() => writeKeyFile(keyFile, ['k1']));

afterEach(() => one.dataSource.query('DELETE FROM sealed_secrets'));

afterAll(async () => {
  await Promise.all([one.dataSource.destroy(), two.dataSource.destroy()]);
  await database.drop();
  await rm(path.dirname(keyFile), { recursive: true });
});

async function store(from = one, tenantId: string = defaultTenantId): Promise<Stored> {
  const binding = { tenantId, ownerId: randomUUID(), provider: 'conn' };
  const text = `sk-${randomUUID()}`;
  return { id: await from.store(binding, text), binding, text };
}

async function storeMany(count: number, from = one): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (let n = 0; n < count; n++) stored.push(await store(from, tenants[n % 3 === 0 ? 1 : 0]));
  return stored;
}

async function openAll(process: SecretsProcess, stored: readonly Stored[]): Promise<void> {
  for (const { id, binding, text } of stored) expect(await process.secrets.open(id, binding)).toBe(text);
}

/** How many rows each key wraps. */
async function byKey(): Promise<Record<string, number>> {
  const rows = await one.dataSource.query<{ key: string; count: number }[]>(
    'SELECT key_id AS key, count(*)::int FROM sealed_secrets GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

async function rewrappedRows(): Promise<number> {
  const [row] = await one.dataSource.query<{ count: number }[]>(
    'SELECT count(rewrapped_at)::int FROM sealed_secrets',
  );
  return row?.count ?? 0;
}

/** How many rows each tenant's audit log says were wrapped by k2. */
async function recorded(): Promise<Record<string, number>> {
  const rows = await one.dataSource.query<{ tenant: string; count: number }[]>(
    `SELECT tenant_id AS tenant, sum((details->>'rewrapped')::int)::int AS count FROM audit_events
      WHERE action = 'encryption.rotated' AND actor_kind = 'system' AND details->'keyIds' = '["file:k2"]' GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ tenant, count }) => [tenant, count]));
}

/** Wraps as the key file does, and does something before each wrapping. */
function disturbed(before: (n: number) => Promise<unknown>): KeyWrapper {
  let wrapped = 0;
  return {
    kind: 'file',
    currentKeyId: () => Promise.resolve('file:k2'),
    unwrap: () => Promise.resolve(Buffer.alloc(32)),
    wrap: async () => {
      await before(++wrapped);
      return { keyId: 'file:k2', bytes: Buffer.from(`wrapped ${wrapped}`) };
    },
  };
}

describe('rotation', () => {
  it('leaves what the current key wraps, and records nothing', async () => {
    await storeMany(3);
    const before: unknown = await one.dataSource.query('SELECT * FROM sealed_secrets');
    const events: unknown = await one.dataSource.query('SELECT * FROM audit_events');
    expect(await one.rotation.run()).toMatchObject({ keyId: 'file:k1', rewrapped: 0 });
    expect(await one.dataSource.query('SELECT * FROM sealed_secrets')).toEqual(before);
    expect(await one.dataSource.query('SELECT * FROM audit_events')).toEqual(events);
  });

  it('passes over what nobody can read, counts it by its key, and does the rest', async () => {
    const [gone, tampered] = await storeMany(2);
    const rest = await storeMany(3);
    const set = (id: string | undefined, column: string, value: unknown): Promise<unknown> =>
      one.dataSource.query(`UPDATE sealed_secrets SET ${column} = $2 WHERE id = $1`, [id, value]);
    await set(gone?.id, 'key_id', 'file:gone');
    await set(tampered?.id, 'wrapped_key', Buffer.alloc(60));
    writeKeyFile(keyFile, ['k2', 'k1']);
    const { rewrapped, unreadable } = await one.rotation.run();
    expect([rewrapped, Object.fromEntries(unreadable)]).toEqual([3, { 'file:gone': 1, 'file:k1': 1 }]);
    expect(await byKey()).toEqual({ 'file:gone': 1, 'file:k1': 1, 'file:k2': 3 });
    await openAll(one, rest);
  });

  it('keeps what was done before the wrapper went away, and does the rest when it is back', async () => {
    await storeMany(5);
    const failing = disturbed((n) =>
      n === 3 ? Promise.reject(new DomainError('ENCRYPTION_UNAVAILABLE')) : Promise.resolve(),
    );
    const other = await startSecretsProcess({ 'database.url': database.url }, new KeyWrappers(failing, []));
    await expect(other.rotation.run()).rejects.toMatchObject({ code: 'ENCRYPTION_UNAVAILABLE' });
    expect(await byKey()).toEqual({ 'file:k1': 3, 'file:k2': 2 });
    expect(await other.rotation.run()).toMatchObject({ rewrapped: 3 });
    await other.dataSource.destroy();
  });

  it('holds no database connection while it asks the wrapper', async () => {
    await storeMany(2);
    const asking = disturbed(() => alone.dataSource.query('SELECT'));
    const alone = await startSecretsProcess(
      { 'database.url': database.url, 'database.poolSize': 1 },
      new KeyWrappers(asking, []),
    );
    expect(await alone.rotation.run()).toMatchObject({ rewrapped: 2 });
    await alone.dataSource.destroy();
  });

  it('writes over nothing that was removed or wrapped anew meanwhile', async () => {
    const [removed, rotated] = await storeMany(2);
    const racing = disturbed(async (n) => {
      if (n !== 2) return;
      await one.secrets.remove([removed?.id ?? ''], one.dataSource.manager);
      writeKeyFile(keyFile, ['k3', 'k1']);
      await one.rotation.run();
    });
    const other = await startSecretsProcess({ 'database.url': database.url }, new KeyWrappers(racing, []));
    expect(await other.rotation.run()).toMatchObject({ rewrapped: 0 });
    await other.dataSource.destroy();
    expect(await byKey()).toEqual({ 'file:k3': 1 });
    await openAll(one, rotated === undefined ? [] : [rotated]);
  });

  it('cut off halfway is ended by another replica; all the while everything opens, and new secrets come', async () => {
    const stored = await storeMany(350);
    const before = await recorded();
    writeKeyFile(keyFile, ['k2', 'k1']);
    let isDone = false;
    const added: Stored[] = [];
    const readers = [one, two].map(async (process) => {
      while (!isDone) {
        added.push(await store(process));
        await openAll(process, stored.slice(0, 30));
        await openAll(process, stored.slice(-30));
      }
    });
    const halfway = await startSecretsProcess({
      'database.url': database.url,
      'encryption.keyFile': keyFile,
    });
    const cutOff = halfway.rotation.run();
    while ((await rewrappedRows()) === 0);
    await halfway.rotation.beforeApplicationShutdown();
    const first = await cutOff;
    await halfway.dataSource.destroy();
    expect(first.rewrapped).toBeLessThan(350);

    const both = await Promise.all([one.rotation.run(), two.rotation.run()]);
    isDone = true;
    await Promise.all(readers);
    expect([first, ...both].reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(350);
    expect(await byKey()).toEqual({ 'file:k2': 350 + added.length });
    writeKeyFile(keyFile, ['k2']);
    await openAll(two, [...stored, ...added]);

    const after = await recorded();
    const recordedRows = tenants.map((tenant) => (after[tenant] ?? 0) - (before[tenant] ?? 0));
    expect(recordedRows).toEqual([233, 117]);
    const verdicts = await one.verification.verifyAll(undefined);
    expect(verdicts.filter(({ broken }) => broken !== undefined)).toEqual([]);
  });
});
