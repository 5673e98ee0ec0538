import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { json } from '../../bench/upstream/scripts.js';
import { fromWireId } from '../../src/common/ids.js';
import type { ModelLoadDto, ModelStatusDto } from '../../src/models/local-models/dto/model-status.dto.js';
import { createConnection } from '../support/connections.js';
import { eventually, Parley, type Person } from '../support/parley.js';
import { createTenant, logInAdmin, openDefaultTenant, soonMs, tenantClaim } from '../support/people.js';
import { ScriptedOllama } from '../support/scripted-ollama.js';

const organisation = 'key-of-the-organisation';
const adasKey = 'key-of-ada-herself';
const loadable = ['one', 'two', 'three', 'four', 'five'];

let ollama: ScriptedOllama;
let parley: Parley;
let root: Person;
let ada: Person;
let bob: Person;
/** Of another tenant, which shares the connection. */
let sam: Person;

beforeAll(async () => {
  ollama = await ScriptedOllama.start();
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  const acme = await createTenant(parley, root, 'acme');
  [ada, bob, sam] = await Promise.all([
    parley.first.logIn('ada'),
    parley.first.logIn('bob'),
    parley.first.logIn('sam', { org: 'acme' }),
  ]);
  const server = { kind: 'ollama', baseUrl: ollama.url, credential: organisation };
  await createConnection(root, { ...server, name: 'shared', models: loadable, tenants: [acme] });
  await createConnection(root, { ...server, name: 'may', models: ['may', 'paid'], personalKeys: 'allowed' });
  await createConnection(root, { ...server, name: 'must', models: ['must'], personalKeys: 'required' });
  for (const name of [...loadable, 'may', 'paid', 'must']) ollama.stored.add(name);
  const keys = { may: adasKey, must: adasKey };
  expect((await ada.ask('POST', '/api/profile/api-keys', keys)).status).toBe(200);
});

beforeEach(() => {
  ollama.upstream.requests.length = 0;
});

afterAll(async () => {
  // First, so that a load which nobody stopped keeps nobody waiting.
  await ollama.stop();
  await parley.stop();
});

async function statusOf(person: Person, model: string): Promise<ModelStatusDto> {
  const { status, data } = await person.ask<ModelStatusDto>('GET', `/api/models/${model}/status`);
  expect(status).toBe(200);
  return data;
}

async function load(person: Person, model: string): Promise<string> {
  const { status, data } = await person.ask<ModelLoadDto>('POST', `/api/models/${model}/load`);
  expect(status).toBe(202);
  return data.jobId;
}

/** Shows that somebody does not find the load. */
async function findsNot(person: Person, model: string, jobId: string): Promise<void> {
  const response = await person.browser.fetch(`/api/models/${model}/load/stream?jobId=${jobId}`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: 'MODEL_LOAD_NOT_FOUND' } });
}

/** Whether somebody may follow the load, and what its end is. */
async function followed(person: Person, model: string, jobId: string): Promise<string | undefined> {
  const response = await person.browser.fetch(`/api/models/${model}/load/stream?jobId=${jobId}`);
  expect(response.status).toBe(200);
  return /event: (loaded|error)\n/.exec(await response.text())?.[1];
}

/** Holds the next load of the model back. */
function hold(model: string): Gate {
  const gate = new Gate();
  ollama.nextLoadsOf(model, async (exchange) => {
    await gate.opened;
    await ollama.loads(exchange);
  });
  return gate;
}

async function ended(jobId: string): Promise<void> {
  await eventually(async () => {
    const [row] = await parley.first.database.query<{ state: string }[]>(
      'SELECT state FROM model_loads WHERE id = $1',
      [fromWireId('load', jobId)],
    );
    return row?.state === 'loading' ? undefined : true;
  }, soonMs);
}

/** The credentials that the server was shown. */
function shown(): Set<string | undefined> {
  return new Set(
    ollama.upstream.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', '')),
  );
}

describe('a load of a connection that tenants share', () => {
  it('is not there for another tenant, neither while it goes on nor when it has ended', async () => {
    const gate = hold('one');
    const jobId = await load(ada, 'one');
    try {
      expect(await statusOf(sam, 'one')).toMatchObject({ status: 'not_loaded', progress: null, jobId: null });
      await findsNot(sam, 'one', jobId);
    } finally {
      gate.open();
    }
    expect(await followed(bob, 'one', jobId)).toBe('loaded');
    await findsNot(sam, 'one', jobId);
    expect(await statusOf(sam, 'one')).toMatchObject({ status: 'loaded', loadedAt: null });
    expect(await statusOf(bob, 'one')).toMatchObject({ status: 'loaded', loadedAt: expect.any(String) });
  });

  it('does not tell another tenant that it failed', async () => {
    ollama.nextLoadsOf('two', json({}, { status: 401 }));
    await ended(await load(ada, 'two'));
    expect(await statusOf(ada, 'two')).toMatchObject({ status: 'error' });
    expect(await statusOf(sam, 'two')).toMatchObject({ status: 'not_loaded', errorCode: null, jobId: null });
  });

  it('is one for all tenants that ask for it, each of which may follow it', async () => {
    const gate = hold('three');
    const jobIds = [await load(ada, 'three'), await load(sam, 'three'), await load(sam, 'three')];
    gate.open();
    expect(new Set(jobIds).size).toBe(1);
    for (const person of [ada, sam]) expect(await followed(person, 'three', jobIds[0] ?? '')).toBe('loaded');
    expect(ollama.asked('/api/generate', 'three')).toBe(1);
  });

  it('belongs to a tenant whose message waits for it, too', async () => {
    const gate = hold('four');
    const jobId = await load(ada, 'four');
    const open = await sam.stream(await sam.createThread(), 'four', 'Hi');
    await eventually(async () => ((await statusOf(sam, 'four')).jobId === jobId ? true : undefined), soonMs);
    gate.open();
    expect(await followed(sam, 'four', jobId)).toBe('loaded');
    expect((await open.rest()).at(-1)?.type).toBe('close');
  });
});

describe('the status of a local model', () => {
  it.each([
    ['ada', 'may', adasKey],
    ['bob', 'may', organisation],
    ['ada', 'must', adasKey],
    ['bob', 'must', undefined],
  ])('is asked for %s and %s with nobody else’s key', async (name, model, key) => {
    const status = await statusOf(name === 'ada' ? ada : bob, model);
    expect(status).toMatchObject({ status: 'not_loaded', errorCode: null });
    expect([...shown()]).toEqual([key]);
  });

  it('is asked without a key where an admin says that this model needs one', async () => {
    await root.ask('PATCH', '/api/models/paid', { apiKeyRequired: true });
    await eventually(async () => {
      ollama.upstream.requests.length = 0;
      await statusOf(bob, 'paid');
      return [...shown()].includes(organisation) ? undefined : true;
    }, soonMs);
    expect([...shown()]).toEqual([undefined]);
  });

  it('of a server that lets nobody in without a key is not known', async () => {
    ollama.everything = json({}, { status: 401 });
    try {
      expect(await statusOf(bob, 'must')).toMatchObject({
        status: 'error',
        errorCode: 'PROVIDER_AUTHENTICATION_FAILED',
      });
    } finally {
      ollama.everything = undefined;
    }
  });
});

describe('loading a model', () => {
  it('is refused to whoever lacks the key that it needs, and nobody is asked', async () => {
    const { status, error } = await bob.ask('POST', '/api/models/must/load');
    expect([status, error?.code]).toEqual([422, 'API_KEY_REQUIRED']);
    expect(ollama.upstream.requests).toEqual([]);
  });

  it.each([
    ['ada', 'may', adasKey],
    ['bob', 'may', organisation],
    ['ada', 'must', adasKey],
  ])('is done for %s and %s with nobody else’s key', async (name, model, key) => {
    await ended(await load(name === 'ada' ? ada : bob, model));
    expect(ollama.asked('/api/generate', model)).toBe(1);
    expect([...shown()]).toEqual([key]);
  });

  it('with a key of somebody’s own is not there for others', async () => {
    const jobId = await load(ada, 'must');
    await findsNot(bob, 'must', jobId);
    expect(await followed(ada, 'must', jobId)).toBe('loaded');
  });
});
