import { randomBytes } from 'node:crypto';
import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';

// eslint-disable-next-line no-restricted-properties -- the only channel from Jest's global setup to its workers
const environment = process.env;

const dataDirectoryName = /^parley-test-(\d+)-/;

/** Where data directories of tests are, of this run or of one that was killed. */
export const dataRoots: readonly string[] = ['/dev/shm', tmpdir()];

/** The cluster of a run takes 0.1 GB. What has ten times as much free, of memory too, is no small container. */
const roomyBytes = 2 ** 30;

/**
 * Memory where there is plenty (Linux). A database is hundreds of files, and ext4 takes ever longer to make files where
 * many were removed in the last seconds: half a second of CPU for each database, in a run of all tests.
 */
async function roomiestRoot(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  const free = Math.min((memory?.bavail ?? 0) * (memory?.bsize ?? 0), process.availableMemory() / 2);
  return free > roomyBytes ? '/dev/shm' : tmpdir();
}

/** A new data directory for this process; when it is killed, a later run removes it with what still runs in it. */
export async function makeDataDirectory(): Promise<string> {
  const name = `parley-test-${process.pid}-${randomBytes(4).toString('hex')}`;
  const directory = path.join(await roomiestRoot(), name);
  await mkdir(directory, { mode: 0o711 });
  return directory;
}

/** The id of the process that made the data directory with this name. */
export function makerOf(directoryName: string): number | undefined {
  const pid = dataDirectoryName.exec(directoryName)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** A database of one test file. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A server, by the URL of a superuser, and the database on it to clone. */
export interface Template {
  readonly adminUrl: string;
  readonly name: string;
}

/** The server that the developer names for tests (TEST_DATABASE_URL, a superuser), instead of an embedded one. */
export function givenServer(): string | undefined {
  return environment['TEST_DATABASE_URL'];
}

/** Tells the workers where global setup answers with the `Template` as JSON. */
export function announceTemplates(url: string): void {
  environment['PARLEY_TEST_TEMPLATES'] = url;
}

/** Names a template for this run. It is made by the first worker that asks: migrations need the transform of Jest. */
export function nameTemplate(adminUrl: string): Template {
  return { adminUrl, name: `parley_test_${randomBytes(6).toString('hex')}_template` };
}

export async function dropTemplate({ adminUrl, name }: Template): Promise<void> {
  await administer(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS ${name}`));
}

/** A fresh clone of the template: migrated, empty, seen by nobody else. Its maker drops it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = await announcedTemplate();
  const name = template.name.replace('template', randomBytes(6).toString('hex'));
  await administer(template.adminUrl, async (admin) => {
    await ensureTemplate(template, admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template.name}`);
  });
  return {
    url: databaseUrl(template.adminUrl, name),
    drop: () => administer(template.adminUrl, (admin) => admin.query(`DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

/** The first of many workers makes it, the others wait for that. Nobody can connect to it: that would make cloning fail. */
async function ensureTemplate({ adminUrl, name }: Template, admin: pg.Client): Promise<void> {
  const { withMigrator } = await import('../../src/infrastructure/database/migrate-database.js');
  await admin.query('SELECT pg_advisory_lock(1)');
  try {
    const ready = 'SELECT FROM pg_database WHERE datname = $1 AND NOT datallowconn';
    if ((await admin.query(ready, [name])).rowCount === 1) return;
    await admin.query(`DROP DATABASE IF EXISTS ${name}`); // Left half-way by a worker whose migrations failed.
    await admin.query(`CREATE DATABASE ${name}`);
    await withMigrator({ 'database.url': databaseUrl(adminUrl, name) }, (migrator) => migrator.up());
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(1)');
  }
}

async function announcedTemplate(): Promise<Template> {
  const url = environment['PARLEY_TEST_TEMPLATES'];
  if (!url) throw new Error('No test databases: run the tests with `npm test`.');
  const response = await fetch(url);
  if (!response.ok) throw new Error(`No test databases: ${await response.text()}`);
  return (await response.json()) as Template; // By our own global setup.
}

function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(adminUrl: string, work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
