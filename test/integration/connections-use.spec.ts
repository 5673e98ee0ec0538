import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { cut, json } from '../../bench/upstream/scripts.js';
import type { ConnectionDto } from '../../src/models/connections/dto/connection.dto.js';
import type { Logger } from 'typeorm';
import { fromWireId, toWireId } from '../../src/common/ids.js';
import { silentLogger } from '../../src/infrastructure/database/silent-logger.js';
import { ConnectionsRepository } from '../../src/models/connections/connections.repository.js';
import { ProviderRegistry } from '../../src/llm-providers/provider-registry.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { createConnection, listsModels, refuses } from '../support/connections.js';
import { answers, eventually, Parley, type Answer, type Person, type Replica } from '../support/parley.js';
import {
  announcing,
  auditOf,
  createTenant,
  logInAdmin,
  openDefaultTenant,
  soonMs,
  tenantClaim,
} from '../support/people.js';

const key = 'sk-of-the-organisation';

let parley: Parley;
let second: Replica;
let vendor: ScriptedUpstream;
let root: Person;
let amy: Person;
let acme: string;
let made: string[];

beforeAll(async () => {
  parley = await Parley.start({
    'identity.tenantClaim': tenantClaim,
    'providers.anthropic.personalKeys': 'required',
    'providers.anthropic.models': ['claude-own'],
  });
  second = await parley.addReplica();
  vendor = await ScriptedUpstream.start();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  acme = await createTenant(parley, root, 'acme');
  amy = await logInAdmin(parley.first, 'amy', { org: 'acme' });
});

afterAll(async () => {
  await parley.stop();
  await vendor.stop();
});

beforeEach(() => {
  made = [];
  vendor.reset();
  parley.upstream.reset();
  vendor.route('GET', '/models', listsModels('m1', 'm2'));
});

/** So that no test finds the models of another one. */
afterEach(async () => {
  for (const id of made) {
    const gone = await root.browser.fetch(`/api/providers/${id}`, { method: 'DELETE' });
    expect(gone.status).toBe(204);
  }
  await eventually(async () => ((await modelsOf(root)).includes('m1') ? undefined : true), soonMs);
});

async function connect(fields: object = {}): Promise<ConnectionDto> {
  const connection = await createConnection(root, { baseUrl: vendor.url, credential: key, ...fields });
  made.push(connection.id);
  return connection;
}

function patch(id: string, change: object): Promise<Answer<ConnectionDto>> {
  return root.ask('PATCH', `/api/providers/${id}`, change);
}

async function get(id: string): Promise<ConnectionDto> {
  return (await root.ask<ConnectionDto>('GET', `/api/providers/${id}`)).data;
}

function verify(id: string): Promise<Answer> {
  return root.ask('POST', `/api/providers/${id}/verify`, {});
}

function sync(id: string): Promise<Answer> {
  return root.ask('POST', `/api/providers/${id}/sync`, {});
}

async function modelsOf(person: Person): Promise<string[]> {
  return (await person.ask<{ id: string }[]>('GET', '/api/models')).data.map(({ id }) => id);
}

/** Waits until somebody's list of models has these, or has them no more. */
function offers(person: Person, ids: readonly string[], isOffered = true): Promise<true> {
  return eventually(async () => {
    const models = await modelsOf(person);
    return ids.every((id) => models.includes(id) === isOffered) ? true : undefined;
  }, soonMs);
}

/** Makes the credential of a connection unreadable, on every replica from the next change on. */
async function spoil(name: string): Promise<void> {
  const { database } = parley.first;
  await database.query(
    `UPDATE sealed_secrets SET sealed = '\\x00' WHERE id = (SELECT credential_id FROM connections WHERE name = $1)`,
    [name],
  );
  await database.query('UPDATE connections SET version = version + 1 WHERE name = $1', [name]);
}

const credentialsAt = ({ requests }: ScriptedUpstream): unknown[] =>
  requests.map(({ headers }) => [headers.authorization, headers['x-secret']]);

it.each(['verify', 'sync'])(
  '%s of a connection of the settings is for the default tenant',
  async (action) => {
    const answer = await amy.ask('POST', `/api/providers/compatible/${action}`, {});
    expect(answer).toMatchObject({ status: 403, error: { code: 'FORBIDDEN' } });
    expect(parley.upstream.requests).toEqual([]);
  },
);

describe('verifying a connection', () => {
  it('tells that the vendor takes the credential, and when', async () => {
    const { id } = await connect();
    const { status, data } = await verify(id);
    expect([status, data]).toEqual([200, { verified: true, code: null, latencyMs: expect.any(Number) }]);
    expect(await get(id)).toMatchObject({ verifiedAt: expect.any(String), failureCode: null });
    expect(credentialsAt(vendor)).toEqual([[`Bearer ${key}`, undefined]]);
    expect((await auditOf(parley, id)).at(-1)).toMatchObject({ action: 'provider.verified', details: {} });
  });

  it.each([
    ['a refused credential', refuses(401, 'what the vendor says'), 'PROVIDER_AUTHENTICATION_FAILED'],
    ['a refused account', refuses(403, 'what the vendor says'), 'PROVIDER_PERMISSION_DENIED'],
    ['a cut connection', cut, 'PROVIDER_UNREACHABLE'],
    ['an answer of something else', json(['what the vendor says']), 'PROVIDER_INVALID_RESPONSE'],
  ])('answers %s, and nothing that the vendor said', async (_name, script, code) => {
    const { id } = await connect();
    vendor.route('GET', '/models', script);
    const response = await root.browser.fetch(`/api/providers/${id}/verify`, { method: 'POST' });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toMatchObject([200, { data: { verified: false, code } }]);
    expect(text).not.toContain('what the vendor says');
    expect(await get(id)).toMatchObject({ verifiedAt: expect.any(String), failureCode: code });
    const record = (await auditOf(parley, id)).at(-1);
    expect(record).toMatchObject({ action: 'provider.verified', details: { code } });
    expect((await patch(id, { credential: 'sk-other' })).data).toMatchObject({
      ...{ verifiedAt: null, failureCode: null },
    });
  });

  it('answers that nobody listens there', async () => {
    const { id } = await connect({ baseUrl: 'http://127.0.0.1:1' });
    expect((await verify(id)).data).toMatchObject({ verified: false, code: 'PROVIDER_UNREACHABLE' });
  });

  it('also asks connections of the settings, and those that are switched off', async () => {
    parley.upstream.route('GET', '/models', listsModels('scripted'));
    expect((await verify('compatible')).data).toMatchObject({ verified: true });
    const { id } = await connect({ enabled: false });
    expect((await verify(id)).data).toMatchObject({ verified: true });
  });
});

describe('synchronising a connection', () => {
  it('reads the list of the vendor, and tells what came and went, on every replica', async () => {
    const { id } = await connect();
    const there = root.at(second);
    expect((await sync(id)).data).toEqual({ models: 2, added: 2, removed: 0 });
    await Promise.all([offers(root, ['m1', 'm2']), offers(there, ['m1', 'm2'])]);
    vendor.route('GET', '/models', listsModels('m2', 'm3', 'm4'));
    expect((await sync(id)).data).toEqual({ models: 3, added: 2, removed: 1 });
    await Promise.all([offers(root, ['m3', 'm4']), offers(there, ['m3', 'm4'])]);
    await Promise.all([offers(root, ['m1'], false), offers(there, ['m1'], false)]);
    expect(await get(id)).toMatchObject({ syncedAt: expect.any(String) });
    expect((await auditOf(parley, id)).at(-1)).toMatchObject({
      action: 'provider.synchronised',
      details: { models: 3, added: 2, removed: 1 },
    });
  });

  it('leaves what is known when the vendor fails, and says how', async () => {
    const { id } = await connect();
    await sync(id);
    for (const [script, status, code] of [
      [refuses(401), 502, 'PROVIDER_AUTHENTICATION_FAILED'],
      [refuses(429), 429, 'PROVIDER_RATE_LIMITED'],
      [cut, 502, 'PROVIDER_UNREACHABLE'],
    ] as const) {
      vendor.route('GET', '/models', script);
      expect(await sync(id)).toMatchObject({ status, error: { code } });
    }
    await offers(root, ['m1', 'm2']);
    await offers(root.at(second), ['m1', 'm2']);
  });

  it('gives a replica models whose vendor never answered it', async () => {
    const { id } = await connect({ enabled: false });
    await sync(id);
    vendor.route('GET', '/models', cut);
    await patch(id, { enabled: true });
    await offers(root.at(second), ['m1', 'm2']);
  });

  it('also asks connections of the settings', async () => {
    parley.upstream.route('GET', '/models', listsModels('scripted', 'x', 'y'));
    const { data } = await sync('compatible');
    expect(data).toMatchObject({ models: 3 });
    const records = await auditOf(parley, 'compatible');
    expect(records).toContainEqual(
      expect.objectContaining({ action: 'provider.synchronised', details: data }),
    );
  });
});

describe('a connection in use', () => {
  it('answers messages with its credential and headers, on every replica at once', async () => {
    const { id } = await connect({ headers: { 'x-secret': 'hidden' } });
    const there = root.at(second);
    await offers(there, ['m1']);
    vendor.route('POST', '/chat/completions', answers('Hi'));
    const { status } = await there.post(await there.createThread(), 'm1', { content: 'Hi' });
    expect(status).toBe(200);
    expect(new Set(credentialsAt(vendor).map((sent) => JSON.stringify(sent)))).toEqual(
      new Set([JSON.stringify([`Bearer ${key}`, 'hidden'])]),
    );
    await patch(id, { enabled: false });
    await offers(there, ['m1'], false);
    await patch(id, { enabled: true });
    await offers(there, ['m1']);
  });

  it('takes neither credential nor headers to another address', async () => {
    const moved = await ScriptedUpstream.start();
    moved.route('GET', '/models', listsModels('m1'));
    moved.route('POST', '/chat/completions', answers('Hi'));
    const { id } = await connect({ headers: { 'x-secret': 'hidden' } });
    await sync(id);
    await offers(root, ['m1', 'm2']);
    expect((await patch(id, { baseUrl: moved.url })).data).toMatchObject({ syncedAt: null });
    const known = 'SELECT known_models FROM connections';
    expect(await parley.first.database.query(known)).toEqual([{ known_models: null }]);
    await offers(root, ['m2'], false);
    await offers(root, ['m1']);
    const { status } = await root.post(await root.createThread(), 'm1', { content: 'Hi' });
    expect(status).toBe(200);
    await verify(id);
    expect(moved.requests.length).toBeGreaterThan(2);
    expect(credentialsAt(moved)).toEqual(moved.requests.map(() => [undefined, undefined]));
    await moved.stop();
  });

  it('is used by the tenants that it is shared with, and by no other', async () => {
    const { id } = await connect({ tenants: [acme] });
    await offers(amy, ['m1']);
    await offers(amy.at(second), ['m1']);
    await patch(id, { tenants: [] });
    await offers(amy, ['m1'], false);
    await offers(root, ['m1']);
    await patch(id, { tenants: 'all' });
    await offers(amy, ['m1']);
  });

  it('is not called without secrets that cannot be read, nor does another answer in its place', async () => {
    const { id, name } = await connect();
    await offers(root, ['m1', 'm2']);
    const other = await connect({ models: ['m1', 'm3'], credential: 'sk-of-the-other' });
    await offers(root, ['m1', 'm3']);
    await spoil(name);
    const refused = { status: 503, error: { code: 'CONNECTION_UNREADABLE' } };
    const asked = async (model: string): Promise<Answer> =>
      root.post(await root.createThread(), model, { content: 'Hi' });
    vendor.route('POST', '/chat/completions', answers('Hi'));
    await eventually(
      async () => ((await asked('m1')).error?.code === 'CONNECTION_UNREADABLE' ? true : undefined),
      soonMs,
    );
    const before = vendor.requests.length;
    expect(await asked('m1')).toMatchObject(refused);
    const thread = await root.createThread();
    const response = await root.browser.fetch(`/api/threads/${thread}/models/m1/messages`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ content: 'Hi' }),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    await offers(root, ['m1', 'm2', 'm3']);
    expect(vendor.requests.slice(before)).toEqual([]);
    expect((await get(id)).credential).toMatchObject({ configured: true, readable: false });
    expect((await get(other.id)).credential).toMatchObject({ configured: true, readable: true });
    expect((await verify(id)).data).toMatchObject({ verified: false, code: 'CONNECTION_UNREADABLE' });
    expect(await sync(id)).toMatchObject(refused);
    expect(vendor.requests.slice(before)).toEqual([]);
    const targets = [{ model: 'm1' }, { model: 'm3' }];
    const router = await root.ask('POST', '/api/models', { kind: 'router', id: 'pool', name: 'P', targets });
    expect(router.status).toBe(201);
    expect((await asked('pool')).status).toBe(200);
    expect(credentialsAt(vendor).slice(before)).toEqual([['Bearer sk-of-the-other', undefined]]);
    await root.browser.fetch('/api/models/pool', { method: 'DELETE' });
    await patch(id, { credential: key });
    await eventually(async () => ((await asked('m1')).status === 200 ? true : undefined), soonMs);
    expect(credentialsAt(vendor).at(-1)).toEqual([`Bearer ${key}`, undefined]);
  });

  it('of which nothing is known, and whose secrets cannot be read, is a failure and no absence', async () => {
    const { name } = await connect({ enabled: false });
    await spoil(name);
    await parley.first.database.query('UPDATE connections SET enabled = true WHERE name = $1', [name]);
    const post = async (): Promise<Answer> => root.post(await root.createThread(), 'm1', { content: 'Hi' });
    await eventually(async () => ((await post()).status === 502 ? true : undefined), soonMs);
    expect(vendor.requests).toEqual([]);
  });

  it('works with keys of people also when its own secrets cannot be read', async () => {
    const { name } = await connect({ personalKeys: 'required', models: ['m1'], name: 'personal' });
    await spoil(name);
    await offers(root, ['m1']);
    expect((await root.ask('POST', '/api/profile/api-keys', { personal: 'sk-of-root' })).data).toMatchObject({
      updated: ['personal'],
    });
    vendor.route('POST', '/chat/completions', answers('Hi'));
    const { status } = await root.post(await root.createThread(), 'm1', { content: 'Hi' });
    expect(status).toBe(200);
    expect(credentialsAt(vendor).at(-1)).toEqual(['Bearer sk-of-root', undefined]);
  });

  it("never has the organisation's key where people must bring their own", async () => {
    const { id } = await connect({ personalKeys: 'required' });
    await sync(id);
    await offers(root, ['m1', 'claude-own']);
    const registry = parley.first.app.get(ProviderRegistry, { strict: false });
    for (const model of ['m1', 'claude-own']) {
      const found = await registry.resolve(defaultTenantId, model);
      expect([found?.connection.personalKeys, found?.connection.credential]).toEqual(['required', undefined]);
    }
  });

  it('is read once for each version, however often it is asked for', async () => {
    const { id } = await connect();
    const { database, app } = parley.first;
    const repository = app.get(ConnectionsRepository);
    const reads: string[] = [];
    const logQuery: Logger['logQuery'] = (query) => {
      if (query.includes('known_models')) reads.push(query);
    };
    const ids = async (): Promise<unknown[]> =>
      (await repository.usable(defaultTenantId)).map((row) => [toWireId('connection', row.id), row.name]);
    const usable = await ids();
    database.logger = { ...silentLogger, logQuery };
    expect(await ids()).toEqual(usable);
    expect(reads).toEqual([]);
    await database.query(`UPDATE connections SET version = version + 1, name = 'Renamed' WHERE id = $1`, [
      fromWireId('connection', id),
    ]);
    expect(await ids()).toContainEqual([id, 'Renamed']);
    await database.query('UPDATE connections SET enabled = false WHERE id = $1', [
      fromWireId('connection', id),
    ]);
    expect(await ids()).not.toContainEqual([id, 'Renamed']);
    expect(reads.filter((query) => query.startsWith('SELECT'))).toHaveLength(1);
    database.logger = silentLogger;
  });

  it('is decrypted once for each version', async () => {
    const { name } = await connect({ models: ['m1'] });
    await offers(root, ['m1']);
    const registry = parley.first.app.get(ProviderRegistry, { strict: false });
    const first = await registry.resolve(defaultTenantId, 'm1');
    const { database } = parley.first;
    await database.query(
      `UPDATE sealed_secrets SET sealed = '\\x00' WHERE id = (SELECT credential_id FROM connections WHERE name = $1)`,
      [name],
    );
    await announcing(parley, () =>
      database.query(`SELECT pg_notify('parley', 'models'), pg_notify('parley', 'access')`),
    );
    expect((await registry.resolve(defaultTenantId, 'm1'))?.connection).toBe(first?.connection);
  });

  it('is told by name to those who may use it, and to nobody else', async () => {
    const { name } = await connect();
    await offers(root, ['m1']);
    const health = async (person: Person): Promise<string> =>
      (await person.browser.fetch('/api/health')).text();
    expect(JSON.parse(await health(root))).toMatchObject({
      data: { services: { providers: { [name]: 'reachable' } } },
    });
    expect(await health(amy)).not.toContain(name);
    expect(await (await fetch(`${parley.first.url}/api/health`)).text()).not.toContain(name);
  });
});
