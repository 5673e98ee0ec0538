import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';
import { postgresAccount } from '../../src/embedded/postgres-account.js';
import { findPostmaster } from '../../src/embedded/postmaster.js';
import { makeDataDirectory } from '../support/test-postgres.js';

/** Runs in a process of its own, by Node's own TypeScript support, for which `.js` has to become `.ts`. */
const startInChild = `
  import { registerHooks } from 'node:module';
  registerHooks({ resolve: (specifier, context, next) =>
    next(context.parentURL.endsWith('.ts') ? specifier.replace(/^(\\..*)\\.js$/, '$1.ts') : specifier, context) });
  const { startEmbeddedPostgres } = await import('./src/embedded/embedded-postgres.ts');
  const { url } = await startEmbeddedPostgres({ dataDirectory: process.argv[1], durable: false, log: () => {} });
  console.log(url);`;

const nodeFlags = [
  '--input-type=module',
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
];

const children: ChildProcess[] = [];

function spawnParley(dataDirectory: string) {
  const child = spawn(process.execPath, [...nodeFlags, '-e', startInChild, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function urlFrom(child: ReturnType<typeof spawnParley>): Promise<string> {
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error('The child ended before its Postgres was ready.');
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('The condition did not come true within 10 s.');
    await delay(10);
  }
}

describe('the embedded Postgres', () => {
  let dataDirectory: string;
  let data: string;
  let postgres: EmbeddedPostgres | undefined;

  async function start(directory = dataDirectory): Promise<EmbeddedPostgres> {
    postgres = await startEmbeddedPostgres({
      dataDirectory: directory,
      durable: false,
      log: () => undefined,
    });
    return postgres;
  }

  async function stop(): Promise<void> {
    await postgres?.stop();
    postgres = undefined;
  }

  beforeAll(async () => {
    dataDirectory = await makeDataDirectory();
    data = path.join(dataDirectory, 'postgres', 'data');
    const { url } = await start();
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await stop();
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map(kill));
    await stop();
  });

  afterAll(() => rm(dataDirectory, { recursive: true }));

  it('refuses a wrong password, and keeps the right one to its owner', async () => {
    const { url, directory } = await start();
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT')).rejects.toMatchObject({ code: '28P01' });
    expect((await stat(path.join(directory, 'password'))).mode & 0o777).toBe(0o600);
  });

  it('is Postgres 18 in UTF-8 with the builtin locale, on loopback only', async () => {
    const { url } = await start();
    const facts = `SELECT current_setting('server_version_num')::int / 10000 AS version, datlocale AS locale,
      datlocprovider AS provider, pg_encoding_to_char(encoding) AS encoding,
      current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets
      FROM pg_database WHERE datname = current_database()`;
    expect(await query(url, facts)).toEqual([
      {
        version: 18,
        locale: 'C.UTF-8',
        provider: 'b',
        encoding: 'UTF8',
        listens: '127.0.0.1',
        sockets: '',
      },
    ]);
  });

  it('keeps data over stop and start', async () => {
    const { url } = await start();
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is shared by live processes, until the last one stops', async () => {
    const child = spawnParley(dataDirectory);
    const url = await urlFrom(child);
    expect((await start()).url).toBe(url);
    await stop();
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);

    await start();
    await kill(child);
    await stop();
    expect(await findPostmaster(data)).toBeUndefined();
  });

  it('is one server when two processes make it at once', async () => {
    const fresh = await makeDataDirectory();
    const [one, other] = await Promise.all([urlFrom(spawnParley(fresh)), urlFrom(spawnParley(fresh))]);
    expect(one).toBe(other);
    await start(fresh);
    await Promise.all(children.splice(0).map(kill));
    await stop();
    await rm(fresh, { recursive: true });
  });

  it('adopts the server that a killed parent left, and stops it', async () => {
    const child = spawnParley(dataDirectory);
    const url = await urlFrom(child);
    await query(url, 'CREATE TABLE left_behind AS SELECT 7 AS answer');
    const left = await findPostmaster(data);
    await kill(child);

    expect((await start()).url).toBe(url);
    expect(await findPostmaster(data)).toEqual(left);
    expect(await query(url, 'SELECT answer FROM left_behind')).toEqual([{ answer: 7 }]);
    await stop();
    expect(await findPostmaster(data)).toBeUndefined();
    expect(existsSync(path.join(data, 'postmaster.pid'))).toBe(false);
  });

  it('starts over a pid file whose pid is now another process of the same account', async () => {
    const child = spawnParley(dataDirectory);
    await urlFrom(child);
    const pidFile = await readFile(path.join(data, 'postmaster.pid'), 'utf8');
    await kill(child);
    await start();
    await stop();

    const bystander = spawn('sleep', ['60'], { ...(await postgresAccount()), stdio: 'ignore' });
    children.push(bystander);
    await writeFile(path.join(data, 'postmaster.pid'), pidFile.replace(/^\d+/, String(bystander.pid)));
    const { url } = await start();
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(bystander.exitCode).toBeNull();
  });

  it('starts anew after an interrupted initdb', async () => {
    const fresh = await makeDataDirectory();
    const drafts = async () => (await readdir(fresh)).filter((name) => name.startsWith('postgres.new-'));
    const child = spawnParley(fresh);
    await until(async () => {
      const [draft] = await drafts();
      return draft !== undefined && existsSync(path.join(fresh, draft, 'data', 'PG_VERSION'));
    });
    await kill(child);
    expect(existsSync(path.join(fresh, 'postgres'))).toBe(false);

    const { url } = await start(fresh);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await drafts()).toEqual([]);
    await stop();
    await rm(fresh, { recursive: true });
  });
});
