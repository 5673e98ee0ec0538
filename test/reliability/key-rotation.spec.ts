import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SealedSecret } from '../../src/secrets/sealed-secret.entity.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { eventually } from '../support/parley.js';
import {
  makeKeyFilePath,
  startSecretsProcess,
  writeKeyFile,
  type SecretsProcess,
} from '../support/secrets-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

jest.setTimeout(90_000);

/** Enough that a run can be killed halfway. */
const rows = 2000;

let database: TestDatabase;
let keyFile: string;
let readers: readonly SecretsProcess[];
const children: ChildProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  keyFile = await makeKeyFilePath();
  writeKeyFile(keyFile, ['k1']);
  const settings = { 'database.url': database.url, 'encryption.keyFile': keyFile };
  readers = [await startSecretsProcess(settings), await startSecretsProcess(settings)];
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

afterAll(async () => {
  for (const { dataSource } of readers) await dataSource.destroy();
  await database.drop();
  await rm(path.dirname(keyFile), { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** A built program, in a process of its own. */
function run(script: string, words: readonly string[]): Running {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', path.resolve('dist/src', script), ...words],
    {
      // Where no .env of a developer lies.
      cwd: path.dirname(keyFile),
      env: {
        DATABASE_URL: database.url,
        PARLEY_SESSION_SECRETS: 'pX3vN8qKzR5tYw2mLb7dHs4fJc9gVa6e',
        PARLEY_ENCRYPTION_KEY_FILE: keyFile,
        PARLEY_LOGIN_LOCAL: 'on',
        PARLEY_SERVER_PORT: '0',
      },
    },
  );
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  return { child, output: () => output };
}

async function exitOf({ child }: Running): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function count(condition: string): Promise<number> {
  const [first] = await reader().dataSource.query<{ count: number }[]>(
    `SELECT count(*)::int FROM sealed_secrets WHERE ${condition}`,
  );
  return first?.count ?? 0;
}

function reader(): SecretsProcess {
  const [first] = readers;
  if (first === undefined) throw new Error('nobody reads');
  return first;
}

const binding = { tenantId: defaultTenantId, ownerId: randomUUID(), provider: 'conn' };

async function seed(): Promise<string[]> {
  const { secrets, dataSource } = reader();
  const sealed: SealedSecret[] = [];
  for (let n = 0; n < rows; n++) sealed.push(await secrets.seal(binding, `sk-${n}`));
  await dataSource.transaction(async (db) => {
    for (const secret of sealed) await secrets.insert(secret, db);
  });
  return sealed.map(({ id }) => id);
}

describe('kill -9 during a rotation', () => {
  it('loses nothing: everything opens all the while, and the next run does what is left', async () => {
    const ids = await seed();
    writeKeyFile(keyFile, ['k2', 'k1']);
    let isDone = false;
    let opened = 0;
    const reading = readers.map(async (reader) => {
      while (!isDone) {
        const n = Math.floor(Math.random() * rows);
        expect(await reader.secrets.open(ids[n] ?? '', binding)).toBe(`sk-${n}`);
        if (opened++ % 50 === 0) await reader.store(binding, 'new');
      }
    });
    const killed = run('cli.js', ['keys', 'rotate']);
    await eventually(async () => (await count('rewrapped_at IS NOT NULL')) > 0 || undefined, 30_000);
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    const halfway = await count('rewrapped_at IS NOT NULL');
    expect(halfway).toBeLessThan(rows);

    const next = run('cli.js', ['keys', 'rotate']);
    expect(await exitOf(next)).toBe(0);
    isDone = true;
    await Promise.all(reading);
    expect(next.output()).toContain('file:k2 wraps now');
    expect(await count(`key_id <> 'file:k2'`)).toBe(0);
    expect(await count('rewrapped_at IS NOT NULL')).toBe(rows);
    writeKeyFile(keyFile, ['k2']);
    for (const [n, id] of ids.entries()) {
      expect(await reader().secrets.open(id, binding)).toBe(`sk-${n}`);
    }
    const recorded = await reader().dataSource.query<{ sum: number }[]>(
      `SELECT sum((details->>'rewrapped')::int)::int FROM audit_events WHERE action = 'encryption.rotated'`,
    );
    expect(recorded).toEqual([{ sum: rows }]);
    await reader().dataSource.query('DELETE FROM sealed_secrets');
  });
});

describe('a server', () => {
  it('wraps anew when the key file changes, and starts, with an error in its log, when a key is gone', async () => {
    writeKeyFile(keyFile, ['k1']);
    await reader().store(binding, 'kept');
    const server = run('main.js', []);
    await eventually(
      () => Promise.resolve(server.output().includes('Parley is listening') || undefined),
      40_000,
    );
    writeKeyFile(keyFile, ['k2', 'k1']);
    await eventually(async () => (await count(`key_id = 'file:k2'`)) === 1 || undefined, 20_000);
    server.child.kill('SIGTERM');
    expect(await exitOf(server)).toBe(0);

    writeKeyFile(keyFile, ['k3']);
    const forgetful = run('main.js', []);
    const line = await eventually(
      () =>
        Promise.resolve(
          forgetful
            .output()
            .split('\n')
            .find((text) => text.includes('secrets cannot be read')),
        ),
      40_000,
    );
    expect(JSON.parse(line)).toMatchObject({ level: 'error', rows: { 'file:k2': 1 } });
    await eventually(() => Promise.resolve(forgetful.output().includes('listening') || undefined), 40_000);
    const rotate = run('cli.js', ['keys', 'rotate']);
    expect(await exitOf(rotate)).toBe(1);
    expect(rotate.output()).toContain('1 secrets cannot be read: file:k2');
  });

  it('refuses to start on a key file that is none, names the line and not what stands there', async () => {
    await writeFile(keyFile, '# keys\nk1 kanarienvogel\n');
    const server = run('main.js', []);
    expect(await exitOf(server)).toBe(1);
    expect(server.output()).toMatch(/^ {2}encryption\.keyFile .*line 2.*$/m);
    expect(server.output()).not.toContain('kanarienvogel');
  });
});
