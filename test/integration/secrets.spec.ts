import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { DomainError } from '../../src/common/domain-error.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import { KeyFile } from '../../src/secrets/key-wrappers/key-file.js';
import type { KeyWrapper } from '../../src/secrets/key-wrappers/key-wrapper.js';
import { KeyWrappers } from '../../src/secrets/key-wrappers/key-wrappers.js';
import { SecretUnreadableError } from '../../src/secrets/secrets.errors.js';
import type { SecretBinding } from '../../src/secrets/secrets.service.js';
import {
  makeKeyFilePath,
  startSecretsProcess,
  writeKeyFile,
  type SecretsProcess,
} from '../support/secrets-process.js';
import { testConfiguration } from '../support/test-configuration.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const text = 'sk-kanarienvogel ✓';
const unreadable = { name: 'SecretUnreadableError' };

let database: TestDatabase;
let keyFile: string;
let one: SecretsProcess;
let otherTenant: string;
let binding: SecretBinding;

beforeAll(async () => {
  database = await createTestDatabase();
  keyFile = await makeKeyFilePath();
  writeKeyFile(keyFile, ['k1']);
  one = await startSecretsProcess({ 'database.url': database.url, 'encryption.keyFile': keyFile });
  otherTenant = randomUUID();
  await one.dataSource.query(
    `INSERT INTO tenants SELECT (jsonb_populate_record(tenant, jsonb_build_object('id', $1::uuid, 'slug', 'other'))).*
       FROM tenants tenant WHERE id = $2`,
    [otherTenant, defaultTenantId],
  );
});

afterAll(async () => {
  await one.dataSource.destroy();
  await database.drop();
  await rm(path.dirname(keyFile), { recursive: true });
});

beforeEach(() => {
  binding = { tenantId: defaultTenantId, ownerId: randomUUID(), provider: 'conn' };
});

function rows(): Promise<{ id: string; key_id: string; sealed: Buffer; wrapped_key: Buffer }[]> {
  return one.dataSource.query('SELECT * FROM sealed_secrets ORDER BY id');
}

describe('a secret', () => {
  it('does not open for another tenant, owner or provider', async () => {
    const id = await one.store(binding, text);
    const { ownerId, provider } = binding;
    for (const other of [
      { ...binding, tenantId: otherTenant },
      { ...binding, ownerId: randomUUID() },
      { ...binding, provider: 'other' },
      { ...binding, ownerId: provider, provider: ownerId },
    ]) {
      await expect(one.secrets.open(id, other)).rejects.toMatchObject(unreadable);
    }
    expect(await one.secrets.open(id, binding)).toBe(text);
  });

  it('does not open for another tenant that its row was moved to', async () => {
    const id = await one.store(binding, text);
    await one.dataSource.query('UPDATE sealed_secrets SET tenant_id = $2 WHERE id = $1', [id, otherTenant]);
    const moved = { ...binding, tenantId: otherTenant };
    await expect(one.secrets.open(id, moved)).rejects.toMatchObject(unreadable);
  });

  it.each([
    ['all of the row', ['sealed', 'wrapped_key']],
    ['the text', ['sealed']],
    ['the data key', ['wrapped_key']],
  ])('does not open when %s is that of another secret of the same owner', async (_what, columns) => {
    const mine = await one.store(binding, text);
    const other = await one.store(binding, 'another');
    // Both known, so that a data key that is remembered for the record cannot help.
    await one.secrets.open(mine, binding);
    await one.secrets.open(other, binding);
    const set = columns.map((column) => `${column} = source.${column}`).join(', ');
    await one.dataSource.query(
      `UPDATE sealed_secrets target SET ${set} FROM sealed_secrets source WHERE target.id = $1 AND source.id = $2`,
      [mine, other],
    );
    await expect(one.secrets.open(mine, binding)).rejects.toMatchObject(unreadable);
  });

  it('does not open in the place of another even where the wrapper binds nothing', async () => {
    const wrapper: KeyWrapper = {
      kind: 'file',
      currentKeyId: () => Promise.resolve('file:k1'),
      wrap: (dataKey) => Promise.resolve({ keyId: 'file:k1', bytes: dataKey }),
      unwrap: ({ bytes }) => Promise.resolve(bytes),
    };
    const other = await startSecretsProcess({ 'database.url': database.url }, new KeyWrappers(wrapper, []));
    const mine = await other.store(binding, text);
    const another = await other.store(binding, 'another');
    expect(await other.secrets.open(mine, binding)).toBe(text);
    await other.dataSource.query(
      `UPDATE sealed_secrets target SET sealed = source.sealed, wrapped_key = source.wrapped_key
         FROM sealed_secrets source WHERE target.id = $1 AND source.id = $2`,
      [mine, another],
    );
    await expect(other.secrets.open(mine, binding)).rejects.toMatchObject(unreadable);
    await other.dataSource.destroy();
  });

  it('is not there for another tenant', async () => {
    const id = await one.store(binding, text);
    await expect(one.secrets.open(id, { ...binding, tenantId: otherTenant })).rejects.toThrow(
      'it is not there',
    );
  });

  it('does not open when its row has another id', async () => {
    const id = await one.store(binding, text);
    const other = randomUUID();
    await one.dataSource.query('UPDATE sealed_secrets SET id = $2 WHERE id = $1', [id, other]);
    await expect(one.secrets.open(other, binding)).rejects.toMatchObject(unreadable);
    await expect(one.secrets.open(id, binding)).rejects.toMatchObject(unreadable);
  });

  it.each(['sealed', 'wrapped_key'])('does not open when %s was changed or cut', async (column) => {
    for (const change of [
      `set_bit(${column}, 5, 1 - get_bit(${column}, 5))`,
      `set_bit(${column}, 130, 1 - get_bit(${column}, 130))`,
      `substring(${column} FROM 1 FOR length(${column}) - 1)`,
      `substring(${column} FROM 1 FOR 20)`,
      `''::bytea`,
    ]) {
      const id = await one.store(binding, text);
      await one.dataSource.query(`UPDATE sealed_secrets SET ${column} = ${change} WHERE id = $1`, [id]);
      await expect(one.secrets.open(id, binding)).rejects.toMatchObject(unreadable);
    }
  });

  it('does not open when its key or its wrapper is gone, and the error tells no more than its ids', async () => {
    const id = await one.store(binding, text);
    for (const keyId of ['file:gone', 'vault:transit/parley:v1', 'nothing']) {
      await one.dataSource.query('UPDATE sealed_secrets SET key_id = $2 WHERE id = $1', [id, keyId]);
      const error: unknown = await one.secrets.open(id, binding).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ ...unreadable, message: expect.stringContaining(keyId) });
    }
  });

  it('is nowhere in the row, not even alike in two', async () => {
    await one.store(binding, text);
    await one.store(binding, text);
    const stored = (await rows()).slice(-2);
    expect(JSON.stringify(stored.map(({ sealed }) => sealed.toString('latin1')))).not.toContain(
      'kanarienvogel',
    );
    expect(new Set(stored.map(({ wrapped_key }) => wrapped_key.toString('hex'))).size).toBe(2);
    expect(new Set(stored.map(({ sealed }) => sealed.toString('hex'))).size).toBe(2);
  });

  it('is stored with the transaction of whoever stores it, or not at all', async () => {
    const before = await rows();
    const sealed = await one.secrets.seal(binding, text);
    expect(await rows()).toEqual(before);
    const failing = one.dataSource.transaction(async (db) => {
      await one.secrets.insert(sealed, db);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(one.secrets.open(sealed.id, binding)).rejects.toMatchObject(unreadable);
    await one.dataSource.transaction((db) => one.secrets.insert(sealed, db));
    expect(await one.secrets.open(sealed.id, binding)).toBe(text);
  });

  it('is removed, others stay, and none is no error', async () => {
    const [first, second, third] = [
      await one.store(binding, 'first'),
      await one.store(binding, 'second'),
      await one.store(binding, 'third'),
    ];
    await one.secrets.remove([first, second, randomUUID()], one.dataSource.manager);
    await one.secrets.remove([], one.dataSource.manager);
    await expect(one.secrets.open(first, binding)).rejects.toMatchObject(unreadable);
    await expect(one.secrets.open(second, binding)).rejects.toMatchObject(unreadable);
    expect(await one.secrets.open(third, binding)).toBe('third');
  });

  it('opens when its key is rotated and taken away between reading its row and asking for the key', async () => {
    const id = await one.store(binding, text);
    const write = (bytes: Buffer): Promise<unknown> =>
      one.dataSource.query('UPDATE sealed_secrets SET wrapped_key = $2 WHERE id = $1', [id, bytes]);
    const rotated = (await rows()).find((row) => row.id === id)?.wrapped_key ?? Buffer.of();
    const real = await KeyFile.open(
      keyFile,
      false,
      new Log(testConfiguration({ 'database.url': database.url })),
    );
    const wrapper: KeyWrapper = {
      kind: 'file',
      currentKeyId: () => real.currentKeyId(),
      wrap: (dataKey, recordId) => real.wrap(dataKey, recordId),
      unwrap: async (wrapped, recordId) => {
        if (wrapped.bytes.equals(rotated)) return real.unwrap(wrapped, recordId);
        await write(rotated);
        throw new SecretUnreadableError(recordId, 'its key is gone');
      },
    };
    await write(Buffer.from('by a key that is about to go'));
    const other = await startSecretsProcess({ 'database.url': database.url }, new KeyWrappers(wrapper, []));
    expect(await other.secrets.open(id, binding)).toBe(text);
    await other.dataSource.destroy();
  });

  it('goes with its tenant', async () => {
    const id = await one.store({ ...binding, tenantId: otherTenant }, text);
    await one.dataSource.query('DELETE FROM tenants WHERE id = $1', [otherTenant]);
    expect((await rows()).map((row) => row.id)).not.toContain(id);
  });
});

describe('while the wrapper cannot be asked', () => {
  it('nothing is sealed or opened, 503 is answered, and nothing has changed', async () => {
    const id = await one.store(binding, text);
    const before = await rows();
    const down = (): Promise<never> => Promise.reject(new DomainError('ENCRYPTION_UNAVAILABLE'));
    const wrapper: KeyWrapper = { kind: 'file', currentKeyId: down, wrap: down, unwrap: down };
    const other = await startSecretsProcess({ 'database.url': database.url }, new KeyWrappers(wrapper, []));
    const unavailable = { code: 'ENCRYPTION_UNAVAILABLE', status: 503 };
    await expect(other.store(binding, text)).rejects.toMatchObject(unavailable);
    await expect(other.secrets.open(id, binding)).rejects.toMatchObject(unavailable);
    await expect(other.rotation.run()).rejects.toMatchObject(unavailable);
    await other.dataSource.destroy();
    expect(await rows()).toEqual(before);
    expect(await one.secrets.open(id, binding)).toBe(text);
  });
});
