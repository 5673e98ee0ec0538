import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import type { ConnectionDto } from '../../src/models/connections/dto/connection.dto.js';
import { Canaries } from '../support/canaries.js';
import { createConnection, everythingStored } from '../support/connections.js';
import { eventually, Parley, type Answer, type Person } from '../support/parley.js';
import { auditOf, createTenant, logInAdmin, openDefaultTenant, tenantClaim } from '../support/people.js';

const elsewhere = 'https://api.example.org/v1';
const canaries = new Canaries();
const key = canaries.plant('credential');
const headerValue = canaries.plant('header');

let parley: Parley;
let root: Person;
let amy: Person;
let acme: string;

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim, 'providers.openai.apiKey': key });
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  acme = await createTenant(parley, root, 'acme');
  amy = await logInAdmin(parley.first, 'amy', { org: 'acme' });
});

afterAll(() => parley.stop());

function stored(): Promise<unknown> {
  const { database } = parley.first;
  return Promise.all([
    database.query('SELECT * FROM connections ORDER BY id'),
    database.query('SELECT * FROM connection_tenants ORDER BY 1, 2'),
    database.query('SELECT id, key_id FROM sealed_secrets ORDER BY id'),
    database.query(
      `SELECT seq, action FROM audit_events WHERE target_kind = 'provider' ORDER BY tenant_id, seq`,
    ),
  ]);
}

async function keepsAll<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await stored();
  const result = await work();
  expect(await stored()).toEqual(before);
  return result;
}

function create(body: object, person = root): Promise<Answer<ConnectionDto>> {
  const fields = { kind: 'openai', name: 'Refused', baseUrl: elsewhere, ...body };
  return person.ask('POST', '/api/providers', fields);
}

function patch(id: string, change: object, person = root): Promise<Answer<ConnectionDto>> {
  return person.ask('PATCH', `/api/providers/${id}`, change);
}

async function versionOf({ id }: ConnectionDto): Promise<number | undefined> {
  const rows = await parley.first.database.query<{ name: string; version: number }[]>(
    'SELECT name, version FROM connections',
  );
  const { data } = await root.ask<ConnectionDto>('GET', `/api/providers/${id}`);
  return rows.find(({ name }) => name === data.name)?.version;
}

/** What each route does to a connection. */
const asks = [
  ['GET', ''],
  ['PATCH', '', { name: 'Mine now' }],
  ['DELETE', ''],
  ['POST', '/verify', {}],
  ['POST', '/sync', {}],
] as const;

describe('the connections of a tenant', () => {
  it('do not exist for admins of another one, shared or not', async () => {
    const own = await createConnection(root, { baseUrl: elsewhere });
    const shared = await createConnection(root, { baseUrl: elsewhere, tenants: [acme] });
    for (const { id } of [own, shared]) {
      for (const [method, path, body] of asks) {
        const answer = await keepsAll(() => amy.ask(method, `/api/providers/${id}${path}`, body));
        expect(answer).toMatchObject({ status: 404, error: { code: 'CONNECTION_NOT_FOUND' } });
      }
    }
    const listed = await amy.ask<ConnectionDto[]>('GET', '/api/providers');
    expect(listed.data.filter(({ source }) => source === 'api')).toEqual([]);
  });

  it('are found only where there are some', async () => {
    for (const id of [toWireId('connection', new UuidV7Ids().next()), 'conn_x', 'user_x', 'nothing', '%00']) {
      for (const [method, path, body] of asks) {
        const answer = await keepsAll(() => root.ask(method, `/api/providers/${id}${path}`, body));
        expect(answer).toMatchObject({ status: 404, error: { code: 'CONNECTION_NOT_FOUND' } });
      }
    }
  });

  it('are shared by admins of the default tenant alone, with tenants that there are', async () => {
    for (const tenants of ['all', [acme]]) {
      expect(await keepsAll(() => create({ tenants }, amy))).toMatchObject({
        status: 403,
        error: { code: 'FORBIDDEN', param: 'tenants' },
      });
    }
    const nobody = toWireId('tenant', new UuidV7Ids().next());
    expect(await keepsAll(() => create({ tenants: [nobody] }))).toMatchObject({
      status: 404,
      error: { code: 'TENANT_NOT_FOUND', param: 'tenants' },
    });
    const own = await createConnection(amy, { baseUrl: elsewhere, tenants: [] });
    expect(await keepsAll(() => patch(own.id, { tenants: 'all' }, amy))).toMatchObject({ status: 403 });
  });

  it('have names of their own, which other tenants may have too', async () => {
    const { name } = await createConnection(root, { baseUrl: elsewhere });
    const taken = { status: 409, error: { code: 'CONNECTION_NAME_TAKEN', param: 'name' } };
    expect(await keepsAll(() => create({ name }))).toMatchObject(taken);
    expect(await keepsAll(() => create({ name: 'compatible' }))).toMatchObject(taken);
    const other = await createConnection(root, { baseUrl: elsewhere });
    expect(await keepsAll(() => patch(other.id, { name }))).toMatchObject(taken);
    expect(await keepsAll(() => patch(other.id, { name: 'openai' }))).toMatchObject(taken);
    await createConnection(amy, { baseUrl: elsewhere, name });
  });

  it('are made, shown, listed, changed and deleted', async () => {
    const fields = {
      kind: 'ollama',
      name: 'Local',
      baseUrl: 'https://ollama.example.org',
      timeouts: { connectMs: 1000 },
      models: ['llama'],
      options: { num_ctx: 8192, pull: true, keep_alive: '5m' },
      headers: { 'x-team': 'blue' },
      tenants: [acme],
    };
    const made = await createConnection(root, fields);
    expect(made).toMatchObject({
      ...fields,
      source: 'api',
      personalKeys: 'none',
      enabled: true,
      headers: ['x-team'],
      credential: { configured: false, setAt: null, readable: true },
      timeouts: { connectMs: 1000, headersMs: 60_000, idleMs: 60_000 },
      ...{ syncedAt: null, verifiedAt: null, failureCode: null },
    });
    expect((await root.ask('GET', `/api/providers/${made.id}`)).data).toEqual(made);
    const listed = await root.ask<ConnectionDto[]>('GET', '/api/providers');
    expect(listed.data.find(({ id }) => id === made.id)).toEqual(made);
    const changed = await patch(made.id, {
      ...{ enabled: false, timeouts: {}, models: null, options: {}, personalKeys: 'allowed', tenants: 'all' },
      headers: {},
    });
    expect(changed.data).toMatchObject({
      ...{
        name: 'Local',
        enabled: false,
        models: null,
        options: {},
        personalKeys: 'allowed',
        tenants: 'all',
      },
      headers: [],
      timeouts: { connectMs: 10_000 },
    });
    expect(await versionOf(made)).toBe(2);
    expect((await root.ask('GET', `/api/providers/${made.id}`)).data).toEqual(changed.data);
    const secrets = 'SELECT count(*)::int AS count FROM sealed_secrets';
    expect(await parley.first.database.query(secrets)).toEqual([{ count: 0 }]);
    const gone = await root.browser.fetch(`/api/providers/${made.id}`, { method: 'DELETE' });
    expect(gone.status).toBe(204);
    expect((await root.ask('GET', `/api/providers/${made.id}`)).status).toBe(404);
  });

  it('stay as they are where a change changes nothing', async () => {
    const made = await createConnection(root, { baseUrl: elsewhere, credential: key });
    const same = { name: made.name, baseUrl: elsewhere, enabled: true, tenants: [], timeouts: {} };
    await keepsAll(async () => expect((await patch(made.id, same)).status).toBe(200));
    await keepsAll(async () => expect((await patch(made.id, {})).status).toBe(200));
    expect(await versionOf(made)).toBe(1);
  });

  it('take changes at the same time one after the other, and lose none', async () => {
    const made = await createConnection(root, { baseUrl: elsewhere });
    const changes = [
      { name: 'Renamed' },
      { models: ['m'] },
      { enabled: false },
      { timeouts: { idleMs: 5000 } },
      { credential: key },
      { credential: key },
      { headers: { 'x-a': 'b' } },
    ];
    const answers = await Promise.all(changes.map((change) => patch(made.id, change)));
    expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect((await root.ask('GET', `/api/providers/${made.id}`)).data).toMatchObject({
      ...{ name: 'Renamed', models: ['m'], enabled: false, headers: ['x-a'] },
      credential: { configured: true, readable: true },
    });
    expect(await versionOf(made)).toBe(8);
    const orphans = await parley.first.database.query<unknown[]>(
      `SELECT id FROM sealed_secrets WHERE NOT EXISTS (
         SELECT 1 FROM connections WHERE sealed_secrets.id IN (credential_id, headers_id))`,
    );
    expect(orphans).toEqual([]);
  });
});

describe('the secrets of a connection', () => {
  it.each([{ credential: key }, { headers: { 'x-secret': headerValue } }])(
    'are not stored for an address that whoever gives them has not seen: %#',
    async (secrets) => {
      const made = await createConnection(root, { baseUrl: elsewhere });
      const other = new pg.Client({ connectionString: parley.database.url });
      await other.connect();
      await other.query('BEGIN');
      await other.query(`UPDATE connections SET base_url = 'https://else.example.org' WHERE name = $1`, [
        made.name,
      ]);
      const answer = patch(made.id, secrets);
      await eventually(async () => {
        const waiting = await parley.first.database.query<unknown[]>(
          'SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()',
        );
        return waiting.length > 0 ? true : undefined;
      });
      await other.query('COMMIT');
      await other.end();
      expect(await keepsAll(() => answer)).toMatchObject({
        status: 409,
        error: { code: 'CONNECTION_CHANGED' },
      });
      const { data } = await root.ask<ConnectionDto>('GET', `/api/providers/${made.id}`);
      expect([data.credential.configured, data.headers]).toEqual([false, []]);
    },
  );

  it('go in and never come out', async () => {
    const answers: string[] = [];
    const ask = async (method: string, path: string, body?: unknown): Promise<void> => {
      const headers = { 'content-type': 'application/json' };
      const content = body === undefined ? {} : { body: JSON.stringify(body), headers };
      const response = await root.browser.fetch(path, { method, ...content });
      answers.push(`${method} ${path} ${response.status} ${await response.text()}`);
    };
    const secrets = { credential: key, headers: { 'x-secret': headerValue } };
    const body = { kind: 'openai-compatible', baseUrl: parley.upstream.url, ...secrets };
    await ask('POST', '/api/providers', { ...body, name: 'Secretive' });
    await ask('POST', '/api/providers', { ...body, name: 'Secretive' });
    await ask('POST', '/api/providers', { ...body, name: '' });
    await ask('POST', '/api/providers', { ...body, credential: [key], name: 'x' });
    await ask('POST', '/api/providers', { ...body, credential: `${key} and more`, name: 'x' });
    await ask('POST', '/api/providers', { ...body, headers: { 'x y': headerValue }, name: 'x' });
    const { data } = await root.ask<ConnectionDto[]>('GET', '/api/providers');
    const id = data.find(({ name }) => name === 'Secretive')?.id ?? '';
    await ask('GET', '/api/providers');
    await ask('GET', `/api/providers/${id}`);
    await ask('GET', '/api/providers/openai');
    await ask('PATCH', `/api/providers/${id}`, secrets);
    await ask('POST', `/api/providers/${id}/verify`, {});
    await ask('POST', `/api/providers/${id}/sync`, {});
    await ask('GET', '/api/audit?page_size=100');
    await ask('GET', '/api/health');
    expect(answers.map((answer) => canaries.in(answer))).toEqual(answers.map(() => []));
    expect(answers.filter((answer) => answer.includes(' 20'))).toHaveLength(8);
    const sent = parley.upstream.requests.map(({ headers }) => [headers.authorization, headers['x-secret']]);
    // Once more when health asks who is there.
    expect(sent.length).toBeGreaterThan(1);
    expect(sent).toEqual(sent.map(() => [`Bearer ${key}`, headerValue]));
    const everything = await everythingStored(parley);
    expect(everything).toContain('Secretive');
    expect(canaries.in(everything)).toEqual([]);
    await ask('DELETE', `/api/providers/${id}`);
  });

  it('say when the credential was set, and go when it is null', async () => {
    const made = await createConnection(root, { baseUrl: elsewhere, credential: key });
    expect(made.credential).toMatchObject({ configured: true, setAt: made.createdAt });
    const { data } = await patch(made.id, { credential: null });
    expect(data.credential).toEqual({ configured: false, setAt: null, readable: true });
  });

  it.each([
    ['origin', 'https://api.example.com/v1', true],
    ['port', 'https://api.example.org:8443/v1', true],
    ['path', 'https://api.example.org/v2', true],
    ['case of the path', 'https://api.example.org/V1', true],
    ['spelling', 'https://API.example.org:443/v1/', false],
  ])('go with another %s', async (_name, baseUrl, moves) => {
    const secrets = { credential: key, headers: { 'x-a': 'b' } };
    const made = await createConnection(root, { baseUrl: elsewhere, ...secrets });
    const { data } = await patch(made.id, { baseUrl });
    expect([data.credential.configured, data.headers]).toEqual(moves ? [false, []] : [true, ['x-a']]);
    const { data: back } = await patch(made.id, { baseUrl: elsewhere });
    expect(back.credential.configured).toBe(!moves);
    const { data: anew } = await patch(made.id, { baseUrl, credential: key });
    expect([anew.credential.configured, anew.headers]).toEqual([true, moves ? [] : ['x-a']]);
  });
});

describe('what an admin cannot make', () => {
  it.each([
    'http://api.example.org',
    'ftp://api.example.org',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user@api.example.org',
    'https://user:password@api.example.org',
    'https://api.example.org?key=1',
    'https://api.example.org/#part',
    'https://api.example.org/?',
    'https://10.0.0.1',
    'https://192.168.1.1/v1',
    'https://169.254.169.254/latest/meta-data',
    'https://0.0.0.0',
    'https://0xa9fea9fe',
    'https://2852039166',
    'https://[fd00::1]',
    'https://[fe80::1]',
    'https://[::ffff:10.0.0.1]',
    'https://[::ffff:169.254.169.254]',
    'https://[64:ff9b::a00:1]',
    'https://100.64.0.1',
    'https://224.0.0.1',
  ])('is a connection to %s', async (baseUrl) => {
    const refused = { status: 422, error: { code: 'BASE_URL_FORBIDDEN', param: 'baseUrl' } };
    expect(await keepsAll(() => create({ baseUrl }))).toMatchObject(refused);
  });

  it('is a connection that moves to where none may be', async () => {
    const made = await createConnection(root, { baseUrl: elsewhere, credential: key });
    const answer = await keepsAll(() => patch(made.id, { baseUrl: 'https://10.0.0.1' }));
    expect(answer).toMatchObject({ status: 422, error: { code: 'BASE_URL_FORBIDDEN', param: 'baseUrl' } });
  });

  it.each([
    [{ kind: 'demo' }, 'kind'],
    [{ kind: 'Openai' }, 'kind'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ name: 'a\0b' }, 'name'],
    [{ baseUrl: 'api.example.org' }, 'baseUrl'],
    [{ baseUrl: ' https://api.example.org' }, 'baseUrl'],
    [{ baseUrl: `https://api.example.org/${'x'.repeat(2000)}` }, 'baseUrl'],
    [{ credential: '' }, 'credential'],
    [{ credential: 'a b' }, 'credential'],
    [{ credential: 'a\r\nX-Evil: 1' }, 'credential'],
    [{ credential: 'ключ' }, 'credential'],
    [{ credential: 'x'.repeat(4001) }, 'credential'],
    [{ headers: { Authorization: 'Bearer x' } }, 'headers'],
    [{ headers: { 'X-API-Key': 'x' } }, 'headers'],
    [{ headers: { 'api-key': 'x' } }, 'headers'],
    [{ headers: { 'x-goog-api-key': 'x' } }, 'headers'],
    [{ headers: { Host: 'x' } }, 'headers'],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }, 'headers'],
    [{ headers: { 'Content-Length': '1' } }, 'headers'],
    [{ headers: { Connection: 'close' } }, 'headers'],
    [{ headers: { Upgrade: 'x' } }, 'headers'],
    [{ headers: { Cookie: 'x=y' } }, 'headers'],
    [{ headers: { 'x-a': 'b\r\nX-Evil: 1' } }, 'headers'],
    [{ headers: { 'x-a\r\nX-Evil': '1' } }, 'headers'],
    [{ headers: { 'x a': '1' } }, 'headers'],
    [{ headers: { '': '1' } }, 'headers'],
    [{ headers: { 'x-a': '' } }, 'headers'],
    [{ headers: { 'x-a': 1 } }, 'headers'],
    [{ headers: { 'x-a': '1', 'X-A': '2' } }, 'headers'],
    [
      { headers: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`x-${index}`, '1'])) },
      'headers',
    ],
    [{ tenants: 'some' }, 'tenants'],
    [{ tenants: ['tenant_x'] }, 'tenants'],
    [{ tenants: [null] }, 'tenants'],
    [{ timeouts: { connectMs: 999 } }, 'timeouts.connectMs'],
    [{ name: 'x ' }, 'name'],
    [{ name: ' x' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a\u200bb' }, 'name'],
    [{ timeouts: { idleMs: 86_400_001 } }, 'timeouts.idleMs'],
    [{ timeouts: { headersMs: 1.5 } }, 'timeouts.headersMs'],
    [{ timeouts: { headersMs: null } }, 'timeouts.headersMs'],
    [{ timeouts: { totalMs: 1000 } }, 'timeouts.totalMs'],
    [{ personalKeys: 'sometimes' }, 'personalKeys'],
    [{ models: [] }, 'models'],
    [{ models: ['m', 'm'] }, 'models'],
    [{ models: [''] }, 'models'],
    [{ options: { 'a b': 1 } }, 'options'],
    [{ options: { a: {} } }, 'options'],
    [{ options: { a: null } }, 'options'],
    [{ options: { a: 'x'.repeat(201) } }, 'options'],
    [{ id: 'conn_1' }, 'id'],
    [{ tenantId: 'tenant_1' }, 'tenantId'],
    [{ version: 5 }, 'version'],
    [{ verifiedAt: '2026-01-01' }, 'verifiedAt'],
    [{ knownModels: [] }, 'knownModels'],
  ])('is %j', async (body, param) => {
    const answer = await keepsAll(() => create(body));
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
  });

  it.each([
    ['openai', { x: 1 }, 'x'],
    ['openai', { api: 'chat', keep_alive: '5m' }, 'keep_alive'],
    ['openai', { api: 'completions' }, 'api'],
    ['openai', { apiVersion: '2024-10-21' }, 'apiVersion'],
    ['openai', { reasoningSummary: true }, 'reasoningSummary'],
    ['openai-compatible', { api: 1 }, 'api'],
    ['azure-openai', { apiVersion: 'latest' }, 'apiVersion'],
    ['azure-openai', { apiVersion: 20241021 }, 'apiVersion'],
    ['ollama', { num_ctx: '8192' }, 'num_ctx'],
    ['ollama', { num_ctx: 0 }, 'num_ctx'],
    ['ollama', { num_ctx: 0.5 }, 'num_ctx'],
    ['ollama', { keep_alive: 'forever' }, 'keep_alive'],
    ['ollama', { keep_alive: true }, 'keep_alive'],
    ['ollama', { pull: 'yes' }, 'pull'],
    ['ollama', { truncate: 1 }, 'truncate'],
    ['ollama', { shift: 'true' }, 'shift'],
    ['anthropic', { api: 'chat' }, 'api'],
    ['google', { tokenDelayMs: 0 }, 'tokenDelayMs'],
  ])('is a connection to %s with options %j', async (kind, options, option) => {
    const refused = {
      status: 422,
      error: { code: 'CONNECTION_OPTION_INVALID', param: `options.${option}` },
    };
    expect(await keepsAll(() => create({ kind, options, models: ['m'] }))).toMatchObject(refused);
  });

  it('is a connection with options of another kind, by a change', async () => {
    const made = await createConnection(root, { kind: 'ollama', baseUrl: elsewhere });
    const answer = await keepsAll(() => patch(made.id, { options: { api: 'chat' } }));
    expect(answer).toMatchObject({
      status: 422,
      error: { code: 'CONNECTION_OPTION_INVALID', param: 'options.api' },
    });
  });

  it('is a connection to Azure that does not name its models', async () => {
    const refused = { status: 422, error: { code: 'CONNECTION_MODELS_REQUIRED', param: 'models' } };
    const azure = { kind: 'azure-openai', baseUrl: elsewhere };
    expect(await keepsAll(() => create(azure))).toMatchObject(refused);
    expect(await keepsAll(() => create({ ...azure, models: null }))).toMatchObject(refused);
    const made = await createConnection(root, { ...azure, models: ['m'] });
    expect(await keepsAll(() => patch(made.id, { models: null }))).toMatchObject(refused);
    expect((await patch(made.id, { enabled: false })).status).toBe(200);
    expect((await patch(made.id, { models: ['n'] })).data.models).toEqual(['n']);
  });

  it('is one with headers that people call with keys of their own', async () => {
    const refused = (param: string): object => ({
      status: 422,
      error: { code: 'CONNECTION_HEADERS_WITH_PERSONAL_KEYS', param },
    });
    const headers = { 'x-secret': headerValue };
    for (const personalKeys of ['allowed', 'required']) {
      expect(await keepsAll(() => create({ headers, personalKeys }))).toMatchObject(refused('headers'));
      const headed = await createConnection(root, { baseUrl: elsewhere, headers });
      expect(await keepsAll(() => patch(headed.id, { personalKeys }))).toMatchObject(refused('personalKeys'));
      const open = await createConnection(root, { baseUrl: elsewhere, personalKeys });
      expect(await keepsAll(() => patch(open.id, { headers }))).toMatchObject(refused('headers'));
      expect((await patch(headed.id, { personalKeys, headers: {} })).status).toBe(200);
      expect((await patch(open.id, { personalKeys: 'none', headers })).status).toBe(200);
    }
  });

  it('is another kind of the same connection', async () => {
    const made = await createConnection(root, { baseUrl: elsewhere });
    const answer = await keepsAll(() => patch(made.id, { kind: 'ollama' }));
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param: 'kind' } });
  });
});

describe('the options of a connection', () => {
  it.each([
    ['openai', { api: 'chat', reasoningSummary: 'none' }],
    ['openai-compatible', { api: 'responses' }],
    ['azure-openai', { apiVersion: '2024-10-21', api: 'chat' }],
    ['azure-openai', { apiVersion: '2025-04-01-preview' }],
    ['ollama', { keep_alive: -1, num_ctx: 8192, truncate: true, shift: false, pull: true }],
    ['ollama', { keep_alive: '1h30m' }],
    ['ollama', { keep_alive: '-1m' }],
  ])('may be, of %s, %j', async (kind, options) => {
    const made = await createConnection(root, { kind, options, baseUrl: elsewhere, models: ['m'] });
    expect(made.options).toEqual(options);
  });
});

describe('connections of the settings', () => {
  it('are not changed here', async () => {
    for (const id of ['openai', 'compatible', 'demo']) {
      const path = `/api/providers/${id}`;
      for (const answer of [
        await keepsAll(() => patch(id, { enabled: false })),
        await keepsAll(() => root.ask('DELETE', path)),
        await keepsAll(() => amy.ask('DELETE', path)),
      ]) {
        expect(answer).toMatchObject({ status: 409, error: { code: 'CONNECTION_CONFIGURED' } });
      }
    }
  });

  it('are shown to every admin, where they lead only to those who run the installation', async () => {
    const { data } = await root.ask<ConnectionDto>('GET', '/api/providers/compatible');
    expect(data).toMatchObject({
      ...{ id: 'compatible', kind: 'openai-compatible', source: 'settings', tenants: 'all' },
      baseUrl: parley.upstream.url,
      credential: { configured: false },
    });
    const { data: theirs } = await amy.ask('GET', '/api/providers/compatible');
    expect(theirs).toMatchObject({ id: 'compatible', name: data.name, baseUrl: null });
    const { data: openai } = await amy.ask<ConnectionDto>('GET', '/api/providers/openai');
    expect(openai).toMatchObject({ baseUrl: null, credential: { configured: true, setAt: null } });
  });
});

describe('the audit log', () => {
  it('tells what was done to a connection, and no secret', async () => {
    const secrets = { credential: key, headers: { 'x-secret': headerValue } };
    const { id, name } = await createConnection(root, { baseUrl: elsewhere, tenants: [acme], ...secrets });
    await patch(id, { name: 'Audited', credential: null });
    await patch(id, { name: 'Audited' });
    await patch(id, { baseUrl: 'https://api.example.com' });
    await root.browser.fetch(`/api/providers/${id}`, { method: 'DELETE' });
    const rows = await auditOf(parley, id);
    expect(rows).toMatchObject([
      {
        action: 'provider.created',
        details: { name, baseUrl: elsewhere, hasCredential: true, headerNames: ['x-secret'] },
      },
      {
        action: 'provider.changed',
        details: { old: { name }, new: { name: 'Audited' }, credential: 'removed' },
      },
      {
        action: 'provider.changed',
        details: { old: { baseUrl: elsewhere }, new: { baseUrl: 'https://api.example.com' }, headers: [] },
      },
      { action: 'provider.deleted', details: { name: 'Audited' } },
    ]);
    expect(canaries.in(JSON.stringify(rows))).toEqual([]);
  });
});
