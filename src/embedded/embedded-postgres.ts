import { execFile, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { keptSecret } from './kept-secret.js';
import {
  canReach,
  makePassableDirectory,
  postgresAccount,
  type PostgresAccount,
} from './postgres-account.js';
import { postgresBinaries } from './postgres-binaries.js';
import { findPostmaster, pollMs, spawnPostmaster, stopPostmaster } from './postmaster.js';

export interface EmbeddedPostgres {
  /** Owns everything: `postgres://parley:<password>@127.0.0.1:<port>/parley`. */
  readonly url: string;
  /** Of the role `parley_app`, which may do what it was granted. */
  readonly applicationUrl: string;
  /** The cluster and its password: `<dataDirectory>/postgres`, or below /var/lib/parley (see `placeFor`). */
  readonly directory: string;
  /** Stops the server, unless another live process uses it: ends all sessions and writes all data. */
  stop(): Promise<void>;
}

/** Where a cluster is and what runs it. */
interface Cluster {
  readonly directory: string;
  readonly data: string;
  readonly account: PostgresAccount;
  readonly durable: boolean;
}

/** Crash recovery of a large database takes a while, ms. */
const startTimeoutMs = 60_000;

/** Held by the session of every live process that uses the server; sessions, unlike pids, end with their process. */
const usage = `hashtext('parley.embedded-postgres.usage')`;

const creation = `hashtext('parley.embedded-postgres.creation')`;

const draftSuffix = '.new-';

/**
 * Starts a Postgres 18 on a free port of 127.0.0.1, with its data below `dataDirectory`.
 *
 * Live processes share one server (a second replica, the command line): the first starts it, the last one out stops it.
 * A server that outlived all of them (kill −9) is adopted.
 * @param durable false, for tests, trades surviving a power cut for speed
 * @throws ConfigurationError when embedded-postgres is not installed
 * @throws Error when Postgres fails, with the end of its log
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDirectory: string;
  readonly durable?: boolean;
  readonly log: (message: string) => void;
}): Promise<EmbeddedPostgres> {
  const { durable = true, log } = options;
  const account = await postgresAccount();
  const binaries = await postgresBinaries(account);
  const directory = await placeFor(options.dataDirectory, account);
  const cluster: Cluster = { directory, data: path.join(directory, 'data'), account, durable };

  if (!existsSync(directory)) await initialise(cluster, binaries.initdb);
  const password = await readFile(path.join(directory, 'password'), 'utf8');
  const { session, port, adopted } = await startOrAdopt(cluster, binaries.postgres, password);
  let stopping = false;
  session.on('error', (error) => {
    if (!stopping) log(`The embedded Postgres ended the session that guards it: ${error.message}`);
  });
  await removeDrafts(directory);
  const applicationPassword = await createDatabase(session, directory);
  log(
    `${adopted ? 'Adopted the running' : 'Started the'} embedded Postgres in ${directory} on port ${port}.`,
  );

  return {
    url: `postgres://parley:${password}@127.0.0.1:${port}/parley`,
    applicationUrl: `postgres://parley_app:${applicationPassword}@127.0.0.1:${port}/parley`,
    directory,
    async stop() {
      stopping = true;
      if (await isLastUser(session)) await stopPostmaster(cluster.data);
      await session.end();
    },
  };
}

/**
 * `<dataDirectory>/postgres`; or, when the account of Postgres may not pass through the parents (a checkout of root
 * under /root), a directory of /var/lib/parley keyed by the path of the data directory.
 */
async function placeFor(dataDirectory: string, account: PostgresAccount): Promise<string> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o711 });
  const real = await realpath(dataDirectory);
  if (await canReach(account, real)) return path.join(real, 'postgres');
  const key = createHash('sha256').update(real).digest('hex').slice(0, 12);
  return path.join(await makePassableDirectory('/var/lib/parley', key), 'postgres');
}

/** Makes the cluster under another name and renames it, so that an interrupted initdb is never taken for a cluster. */
async function initialise({ directory, account, durable }: Cluster, initdb: string): Promise<void> {
  const draft = await mkdtemp(directory + draftSuffix);
  try {
    const passwordFile = path.join(draft, 'password');
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });
    if (account) for (const owned of [draft, passwordFile]) await chown(owned, account.uid, account.gid);
    const flags = [
      ...['--username=parley', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(durable ? [] : ['--no-sync']),
    ];
    await promisify(execFile)(initdb, ['-D', path.join(draft, 'data'), ...flags], {
      ...account,
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC' },
    });
    await rename(draft, directory);
  } catch (error) {
    // A simultaneous start may have been first: then there is one cluster, and both use it.
    if (!existsSync(directory)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Connects to the server of the cluster, and starts one when there is none. */
async function startOrAdopt(
  { directory, data, account, durable }: Cluster,
  postgres: string,
  password: string,
): Promise<{ session: pg.Client; port: number; adopted: boolean }> {
  const logFile = path.join(directory, 'log');
  const deadline = performance.now() + startTimeoutMs;
  let child: ChildProcess | undefined;
  for (;;) {
    const postmaster = await findPostmaster(data);
    if (postmaster) {
      const session = await tryConnect(postmaster.port, password);
      if (session) return { session, port: postmaster.port, adopted: child?.pid !== postmaster.pid };
    } else {
      child ??= await spawnPostmaster({ postgres, data, account, logFile, settings: settingsFor(durable) });
    }
    const failed = !postmaster && (child?.exitCode ?? child?.signalCode ?? null) !== null;
    if (failed || performance.now() > deadline) {
      const tail = (await readFile(logFile, 'utf8').catch(() => '')).slice(-1000);
      throw new Error(
        `The embedded Postgres in ${directory} ${failed ? 'failed' : 'is not ready'}:\n${tail}`,
      );
    }
    await delay(pollMs);
  }
}

function settingsFor(durable: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    // The life of the server, but no statements: they hold what people wrote.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

/** A session that counts as a user, or undefined while the server is starting or stopping. */
async function tryConnect(port: number, password: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'parley',
    password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 5_000,
  });
  try {
    await client.connect();
    await client.query(`SELECT pg_advisory_lock_shared(${usage})`);
    return client;
  } catch (error) {
    // Class 28 is a wrong password; anything else passes.
    if (error instanceof pg.DatabaseError && error.code?.startsWith('28')) throw error;
    return undefined;
  }
}

/** What interrupted starts left behind. */
async function removeDrafts(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  const drafts = (await readdir(parent)).filter((name) =>
    name.startsWith(path.basename(directory) + draftSuffix),
  );
  await Promise.all(
    drafts.map((name) => rm(path.join(parent, name), { recursive: true, force: true, maxRetries: 5 })),
  );
}

/**
 * Waits half a second for the sessions of processes that were just killed to end. False too when our session is broken:
 * a server left running is adopted at the next start.
 */
async function isLastUser(session: pg.Client): Promise<boolean> {
  try {
    // Ours first, or two that stop at once would wait for each other.
    await session.query(`SELECT pg_advisory_unlock_shared(${usage})`);
    await session.query(`SET lock_timeout = '500ms'`);
    await session.query(`SELECT pg_advisory_lock(${usage})`);
    return true;
  } catch {
    return false;
  }
}

/** The database, and the role that serves from it: answers its password, which is kept beside that of the owner. */
async function createDatabase(session: pg.Client, directory: string): Promise<string> {
  await session.query(`SELECT pg_advisory_lock(${creation})`);
  const { rowCount } = await session.query(`SELECT FROM pg_database WHERE datname = 'parley'`);
  if (!rowCount) await session.query('CREATE DATABASE parley');
  const file = path.join(directory, 'application-password');
  const password = await keptSecret(file, () => randomBytes(24).toString('base64url'));
  const role = await session.query(`SELECT FROM pg_roles WHERE rolname = 'parley_app'`);
  if (!role.rowCount) await session.query('CREATE ROLE parley_app LOGIN');
  await session.query(`ALTER ROLE parley_app PASSWORD ${pg.escapeLiteral(password)}`);
  await session.query(`SELECT pg_advisory_unlock(${creation})`);
  return password;
}
