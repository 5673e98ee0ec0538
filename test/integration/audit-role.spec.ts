import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { prepareSurroundings } from '../../src/boot.js';
import { withMigrator } from '../../src/infrastructure/database/migrate-database.js';
import { Migrator } from '../../src/infrastructure/database/migrator.js';
import { Parley, type Person } from '../support/parley.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const suffix = randomBytes(6).toString('hex');
const owner = `parley_owner_${suffix}`;
const application = `Parley app "${suffix}"`;
const quoted = pg.escapeIdentifier(application);
const name = `parley_test_${suffix}_roles`;

let server: TestDatabase;
let admin: pg.Client;
let urls: { 'database.url': string; 'database.migrationUrl': string };
let parley: Parley;
let ada: Person;

function urlOf(role: string): string {
  const url = new URL(server.url);
  url.username = encodeURIComponent(role);
  url.password = suffix;
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs statements in a session of the role. */
async function as(role: string, ...statements: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: urlOf(role) });
  await client.connect();
  try {
    for (const statement of statements.slice(0, -1)) await client.query(statement);
    return await client.query(statements.at(-1) ?? '');
  } finally {
    await client.end();
  }
}

async function auditRows(): Promise<unknown[]> {
  const { rows } = await as(owner, 'SELECT * FROM audit_events ORDER BY tenant_id, seq');
  return rows as unknown[];
}

beforeAll(async () => {
  server = await createTestDatabase();
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`CREATE ROLE ${owner} LOGIN PASSWORD '${suffix}'`);
  await admin.query(`CREATE ROLE ${quoted} LOGIN PASSWORD '${suffix}'`);
  await admin.query(`CREATE DATABASE ${name} OWNER ${owner}`);
  await admin.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
  urls = { 'database.url': urlOf(application), 'database.migrationUrl': urlOf(owner) };
  await withMigrator(urls, (migrator) => migrator.up());
  parley = await Parley.start(urls);
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
});

afterAll(async () => {
  await parley.stop();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${owner}, ${quoted}`);
  await admin.end();
  await server.drop();
});

describe('the role of the application', () => {
  it('serves: people log in, talk, and what they do is recorded', async () => {
    const thread = await ada.createThread('Plans');
    expect((await ada.post(thread, 'demo', { content: 'Hi' })).status).toBe(200);
    expect((await ada.ask('DELETE', `/api/threads/${thread}`)).status).toBe(200);
    await ada.post(await ada.createThread(), 'demo', { content: 'Hi' });
    expect(await as(application, 'SELECT FROM pgboss.job')).toMatchObject({ rowCount: 1 });
    const { data } = await ada.ask<{ action: string }[]>('GET', '/api/audit');
    expect(data.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['thread.deleted', 'login.succeeded']),
    );
  });

  it.each([
    ['change what was recorded', ['UPDATE audit_events SET ip = NULL']],
    ['remove what was recorded', ['DELETE FROM audit_events']],
    ['empty the log', ['TRUNCATE audit_events']],
    ['disable the triggers', ['ALTER TABLE audit_events DISABLE TRIGGER ALL']],
    ['pass the triggers by', [`SET session_replication_role = 'replica'`]],
    ['drop the triggers', ['DROP TRIGGER audit_events_append_only ON audit_events']],
    [
      'replace what the triggers do',
      [
        'CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$',
      ],
    ],
    ['drop the table', ['DROP TABLE audit_events']],
    ['drop the schema', ['DROP SCHEMA public CASCADE']],
    ['rename the table', ['ALTER TABLE audit_events RENAME TO elsewhere']],
    ['add a rule', ['CREATE RULE quiet AS ON INSERT TO audit_events DO INSTEAD NOTHING']],
    ['become the owner', [`SET ROLE ${owner}`]],
    ['grant itself more', ['GRANT ALL ON audit_events TO CURRENT_USER', 'UPDATE audit_events SET ip = NULL']],
    ['remove the head', ['DELETE FROM audit_heads']],
    ['pretend migrations', [`INSERT INTO migrations (timestamp, name) VALUES (1, 'x')`]],
    ['remove a person with what they did', ['TRUNCATE users CASCADE']],
  ])('cannot %s', async (_name, statements) => {
    const before = await auditRows();
    expect(before).not.toEqual([]);
    await expect(as(application, ...statements)).rejects.toMatchObject({ code: '42501' });
    expect(await auditRows()).toEqual(before);
  });

  it('keeps its rights, and no others, when the schema moves up again', async () => {
    await as(owner, `GRANT ALL ON audit_events TO ${quoted}, PUBLIC`);
    await withMigrator(urls, (migrator) => migrator.up());
    await expect(as(application, 'DELETE FROM audit_events')).rejects.toMatchObject({ code: '42501' });
    await as(owner, 'CREATE TABLE later (id integer GENERATED BY DEFAULT AS IDENTITY, n serial)');
    await as(application, 'INSERT INTO later DEFAULT VALUES', 'UPDATE later SET id = 2', 'DELETE FROM later');
    await as(owner, 'DROP TABLE later');
  });

  it('sees a schema that agrees with the entities', async () => {
    expect((await parley.first.app.get(Migrator).drift()).up).toEqual([]);
  });

  it('leaves the rows of a person who is deleted', async () => {
    await parley.first.logIn('leaving');
    const before = await auditRows();
    await as(application, `DELETE FROM users WHERE subject = 'leaving'`);
    expect(await auditRows()).toEqual(before);
    expect((await ada.ask('GET', '/api/audit/verify')).data).toMatchObject({ intact: true });
  });
});

describe('migrations', () => {
  /** What the boot is refused for. */
  async function refusal(url: string): Promise<unknown> {
    const booting = withMigrator({ ...urls, 'database.url': url }, (migrator) => migrator.up());
    return booting.then(
      () => 'done',
      (error: unknown) => error,
    );
  }
  const refused = { name: 'ConfigurationError', problems: [{ key: 'database.url' }] };

  it('refuse an application that is the owner, a superuser, or nobody', async () => {
    expect(await refusal(urlOf(owner))).toMatchObject(refused);
    expect(await refusal(server.url)).toMatchObject(refused);
    expect(await refusal(urlOf('nobody_like_this'))).toMatchObject(refused);
  });

  it('refuse the owner of a database of which the application knows nothing', async () => {
    const environment = {
      PARLEY_DATABASE_MIGRATION_URL: urls['database.migrationUrl'],
      PARLEY_EMBEDDED_DATA_DIRECTORY: '/dev/null/none',
    };
    const preparing = prepareSurroundings({ arguments: [], environment, workingDirectory: '/' });
    await expect(preparing).rejects.toMatchObject(refused);
  });

  it.each([
    ['may become the owner', owner],
    ['may write everywhere', 'pg_write_all_data'],
  ])('refuse an application that %s', async (_name, group) => {
    await admin.query(`GRANT ${group} TO ${quoted}`);
    expect(await refusal(urlOf(application))).toMatchObject(refused);
    await admin.query(`REVOKE ${group} FROM ${quoted}`);
    expect(await refusal(urlOf(application))).toBe('done');
  });
});
