import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { withMigrator } from '../../src/infrastructure/database/migrate-database.js';

// eslint-disable-next-line no-restricted-properties -- the only channel from Jest's global setup to its workers
const environment = process.env;

const dataDirectoryName = /^parley-test-(\d+)-/;

/** A new data directory for this process; when it is killed, a later run removes it with what still runs in it. */
export async function makeDataDirectory(): Promise<string> {
  const directory = path.join(tmpdir(), `parley-test-${process.pid}-${randomBytes(4).toString('hex')}`);
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

/** A server, by the URL of a superuser, and a database on it to clone. */
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

/**
 * Makes the database that every test database is a clone of. Called once per run, in Jest's global setup, when the
 * first test asks. Nobody can connect to it afterwards: a session in it would make CREATE DATABASE fail.
 */
export async function prepareTemplate(adminUrl: string): Promise<Template> {
  const name = `parley_test_${randomBytes(6).toString('hex')}_template`;
  await administer(adminUrl, `CREATE DATABASE ${name}`);
  await withMigrator({ 'database.url': databaseUrl(adminUrl, name) }, (migrator) => migrator.up());
  await administer(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  return { adminUrl, name };
}

export async function dropTemplate({ adminUrl, name }: Template): Promise<void> {
  await administer(adminUrl, `DROP DATABASE ${name}`);
}

/** A fresh clone of the template: migrated, empty, seen by nobody else. Its maker drops it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = await announcedTemplate();
  const name = template.name.replace('template', randomBytes(6).toString('hex'));
  await administer(template.adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template.name}`);
  return {
    url: databaseUrl(template.adminUrl, name),
    drop: () => administer(template.adminUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
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

async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
