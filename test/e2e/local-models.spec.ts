import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Gate } from '../../bench/upstream/gate.js';
import type { Exchange } from '../../bench/upstream/exchange.js';
import { cut, json, silence, type Script } from '../../bench/upstream/scripts.js';
import { fromWireId, toWireId } from '../../src/common/ids.js';
import { CircuitBreakers } from '../../src/models/circuit-breakers.js';
import type { ModelLoadDto, ModelStatusDto } from '../../src/models/local-models/dto/model-status.dto.js';
import {
  eventually,
  OpenStream,
  Parley,
  upstreamModel,
  type Person,
  type Replica,
  type StreamEvent,
} from '../support/parley.js';
import { logInAdmin } from '../support/people.js';
import { ScriptedOllama } from '../support/scripted-ollama.js';

/** One model for each test, so that no test depends on what another has loaded. */
const names = Array.from({ length: 40 }, (_nothing, index) => `model-${index}`);
const failure = json({ error: 'the runner has gone' }, { status: 500 });

let ollama: ScriptedOllama;
let parley: Parley;
let second: Replica;
let ada: Person;
let root: Person;

beforeAll(async () => {
  ollama = await ScriptedOllama.start();
  parley = await Parley.start({
    'providers.ollama.baseUrl': ollama.url,
    'providers.ollama.models': [...names],
  });
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
  root = await logInAdmin(parley.first, 'root');
});

afterAll(async () => {
  // First, so that a load which nobody stopped keeps nobody waiting.
  await ollama.stop();
  await parley.stop();
});

/** A model that the server has, and that is not in memory. */
function newModel(): string {
  const name = names.pop();
  if (name === undefined) throw new Error('more models, please');
  ollama.stored.add(name);
  return name;
}

/** Loads that begin now wait for the gate. */
function held(): { gate: Gate; script: Script } {
  const gate = new Gate();
  return {
    gate,
    script: async (exchange) => {
      await gate.opened;
      await ollama.loads(exchange);
    },
  };
}

async function statusOf(model: string, person = ada): Promise<ModelStatusDto> {
  const { status, data } = await person.ask<ModelStatusDto>('GET', `/api/models/${model}/status`);
  expect(status).toBe(200);
  return data;
}

async function load(model: string, person = ada): Promise<string> {
  const { status, data } = await person.ask<ModelLoadDto>('POST', `/api/models/${model}/load`);
  expect(status).toBe(202);
  return data.jobId;
}

async function follow(model: string, jobId: string, person = ada): Promise<OpenStream> {
  const abort = new AbortController();
  const path = `/api/models/${model}/load/stream?jobId=${jobId}`;
  const response = await person.browser.fetch(path, { signal: abort.signal });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return new OpenStream(response, abort);
}

/** Shows that ada does not find the load. */
async function findsNot(model: string, jobId: string): Promise<void> {
  const response = await ada.browser.fetch(`/api/models/${model}/load/stream?jobId=${jobId}`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: 'MODEL_LOAD_NOT_FOUND' } });
}

async function followed(model: string, jobId: string, person = ada): Promise<StreamEvent[]> {
  return (await follow(model, jobId, person)).rest();
}

interface Row {
  readonly state: string;
  readonly error_code: string | null;
  readonly attempts: number;
}

async function rowOf(jobId: string): Promise<Row | undefined> {
  const rows = await parley.first.database.query<Row[]>(
    'SELECT state, error_code, attempts FROM model_loads WHERE id = $1',
    [fromWireId('load', jobId)],
  );
  return rows[0];
}

/** A load that another replica carries out for everybody, last heard of so many seconds ago. */
async function foreignLoad(model: string, secondsAgo: number, connection = 'ollama'): Promise<string> {
  const id = randomUUID();
  await parley.first.database.query(
    `INSERT INTO model_loads (id, tenant_ids, connection_id, model, state, requested, progress, attempts, started_at, updated_at)
     SELECT $1, array_agg(id), $2, $3, 'loading', true, 0.25, 1, now(), now() - make_interval(secs => $4) FROM tenants`,
    [id, connection, model, secondsAgo],
  );
  return toWireId('load', id);
}

describe('the status of a model', () => {
  it('is not told of what does not exist', async () => {
    const { status, error } = await ada.ask('GET', '/api/models/nothing/status');
    expect([status, error?.code]).toEqual([404, 'MODEL_NOT_FOUND']);
  });

  it('is not_loaded when the server has it', async () => {
    const model = newModel();
    const status = await statusOf(model);
    const target = {
      modelId: model,
      provider: 'ollama',
      status: 'not_loaded',
      circuit: 'closed',
      progress: null,
      jobId: null,
      memoryBytes: null,
      loadedAt: null,
      expiresAt: null,
      errorCode: null,
    };
    expect(status).toEqual({ id: model, ...target, targets: [target] });
  });

  it('is loaded when it is in memory, whoever loaded it, with what it takes and how long it stays', async () => {
    const model = newModel();
    ollama.loaded.add(model);
    expect(await statusOf(model)).toMatchObject({
      status: 'loaded',
      memoryBytes: 6_591_830_464,
      expiresAt: '2036-11-12T16:47:07.000Z',
      loadedAt: null,
    });
  });

  it('is unavailable when the server does not have it', async () => {
    const model = newModel();
    ollama.stored.delete(model);
    expect(await statusOf(model)).toMatchObject({ status: 'unavailable' });
  });

  it('is unavailable, and no failure, when the server cannot be reached', async () => {
    const model = newModel();
    ollama.everything = cut;
    try {
      expect(await statusOf(model)).toMatchObject({ status: 'unavailable', errorCode: null });
    } finally {
      ollama.everything = undefined;
    }
  });

  it('is error when the server does not let us ask', async () => {
    const model = newModel();
    ollama.everything = json({}, { status: 401 });
    try {
      expect(await statusOf(model)).toMatchObject({
        status: 'error',
        errorCode: 'PROVIDER_AUTHENTICATION_FAILED',
      });
    } finally {
      ollama.everything = undefined;
    }
  });

  it('is no longer asked for when nobody waits for it any more', async () => {
    const arrived = Promise.withResolvers<Exchange>();
    ollama.everything = async (exchange) => {
      arrived.resolve(exchange);
      await silence(exchange);
    };
    const abort = new AbortController();
    const path = `/api/models/${newModel()}/status`;
    const asked = ada.browser.fetch(path, { signal: abort.signal });
    asked.catch(() => undefined);
    let isOpen = true;
    try {
      const { closed } = await arrived.promise;
      void closed.then(() => (isOpen = false));
      abort.abort();
      // Sooner than its patience ends.
      await eventually(() => Promise.resolve(isOpen ? undefined : true), 3000);
    } finally {
      ollama.everything = undefined;
    }
  });

  it('is loading, with the progress, on every replica', async () => {
    const model = newModel();
    const jobId = await foreignLoad(model, 0);
    expect(await statusOf(model)).toMatchObject({ status: 'loading', progress: 0.25, jobId });
    expect(await statusOf(model, ada.at(second))).toMatchObject({ status: 'loading', progress: 0.25, jobId });
  });

  it('is that of the circuit for a model that needs no loading', async () => {
    expect(await statusOf(upstreamModel)).toMatchObject({ status: 'loaded', circuit: 'closed' });
    const breakers = parley.first.app.get(CircuitBreakers);
    while (breakers.state('compatible', upstreamModel, 'anybody') === 'closed') {
      for (const user of ['x', 'y']) breakers.admit('compatible', upstreamModel, user)?.ended('failed');
    }
    expect(await statusOf(upstreamModel)).toMatchObject({ status: 'unavailable', circuit: 'open' });
  });
});

/** A name of the tenant for one or several models. */
async function leadTo(id: string, ...models: readonly string[]): Promise<string> {
  const targets = models.map((model) => ({ model }));
  const kind = targets.length === 1 ? { kind: 'alias', target: targets[0] } : { kind: 'router', targets };
  const { status } = await root.ask('POST', '/api/models', { id, scope: 'tenant', ...kind });
  expect(status).toBe(201);
  return id;
}

describe('a name that leads elsewhere', () => {
  it('has the status of its model', async () => {
    const model = newModel();
    ollama.loaded.add(model);
    const status = await statusOf(await leadTo('to-one', model));
    expect(status).toMatchObject({ id: 'to-one', modelId: model, status: 'loaded' });
    expect(status.targets.map(({ modelId }) => modelId)).toEqual([model]);
  });

  it('has the status of its most usable model, and tells that of each', async () => {
    const [gone, cold, loading, warm] = [newModel(), newModel(), newModel(), newModel()];
    ollama.stored.delete(gone);
    ollama.loaded.add(warm);
    const jobId = await foreignLoad(loading, 0);
    const status = await statusOf(await leadTo('to-many', gone, cold, loading, warm));
    expect(status).toMatchObject({ id: 'to-many', modelId: warm, status: 'loaded', jobId: null });
    expect(status.targets).toMatchObject([
      { modelId: warm, status: 'loaded', jobId: null },
      { modelId: loading, status: 'loading', progress: 0.25, jobId },
      { modelId: cold, status: 'not_loaded', jobId: null },
      { modelId: gone, status: 'unavailable', jobId: null },
    ]);
  });

  it('loads its model, and the job is found by either name and no other', async () => {
    const [model, other] = [newModel(), newModel()];
    const alias = await leadTo('to-load', model);
    const elsewhere = await leadTo('elsewhere', other);
    const jobId = await load(alias);
    expect((await followed(alias, jobId)).at(-2)?.type).toBe('loaded');
    expect((await followed(model, jobId)).at(-2)?.type).toBe('loaded');
    for (const name of [other, elsewhere]) {
      await findsNot(name, jobId);
    }
    expect(ollama.asked('/api/generate', model)).toBe(1);
    expect(ollama.asked('/api/generate', other)).toBe(0);
  });

  it('loads the first of its models that can be, and finds the jobs of all', async () => {
    const [first, next] = [newModel(), newModel()];
    const router = await leadTo('to-several', upstreamModel, first, next);
    const jobIds = [await load(router), await load(next)];
    for (const jobId of jobIds) expect((await followed(router, jobId)).at(-2)?.type).toBe('loaded');
    expect(ollama.asked('/api/generate', first)).toBe(1);
    expect(ollama.asked('/api/generate', next)).toBe(1);
  });
});

describe('loading a model', () => {
  it('is refused for what does not exist', async () => {
    const { status, error } = await ada.ask('POST', '/api/models/nothing/load');
    expect([status, error?.code]).toEqual([404, 'MODEL_NOT_FOUND']);
  });

  it('is refused for what needs no loading', async () => {
    const { status, error } = await ada.ask('POST', `/api/models/${upstreamModel}/load`);
    expect([status, error?.code]).toEqual([422, 'MODEL_NEEDS_NO_LOADING']);
  });

  it('takes no body', async () => {
    const { status, error } = await ada.ask('POST', `/api/models/${newModel()}/load`, { force: true });
    expect([status, error?.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('is answered at once, and its stream tells how it goes on', async () => {
    const model = newModel();
    const { gate, script } = held();
    ollama.nextLoadsOf(model, script);
    const jobId = await load(model);
    expect(jobId).toMatch(/^load_/);
    const open = await follow(model, jobId);
    expect(await open.next()).toEqual({
      id: '',
      type: 'progress',
      data: { jobId, status: 'loading', progress: null },
    });
    gate.open();
    expect(await open.rest()).toEqual([
      { id: '', type: 'loaded', data: { jobId, status: 'loaded' } },
      { id: '', type: 'close', data: {} },
    ]);
    expect(await statusOf(model)).toMatchObject({ status: 'loaded', loadedAt: expect.any(String) });
    // Whoever comes late is told the end.
    expect((await followed(model, jobId)).map(({ type }) => type)).toEqual(['loaded', 'close']);
  });

  it('is tried again with backoff when it fails, until it succeeds', async () => {
    const model = newModel();
    ollama.nextLoadsOf(model, failure, failure);
    const jobId = await load(model);
    expect((await followed(model, jobId)).at(-2)?.type).toBe('loaded');
    expect(await rowOf(jobId)).toEqual({ state: 'loaded', error_code: null, attempts: 3 });
  });

  it('fails after three attempts, which the status tells', async () => {
    const model = newModel();
    ollama.nextLoadsOf(model, failure, failure, failure);
    const jobId = await load(model);
    expect((await followed(model, jobId)).slice(-2)).toEqual([
      {
        id: '',
        type: 'error',
        data: { jobId, code: 'PROVIDER_FAILED', message: expect.any(String) },
      },
      { id: '', type: 'close', data: {} },
    ]);
    expect(ollama.asked('/api/generate', model)).toBe(3);
    expect(await rowOf(jobId)).toEqual({ state: 'error', error_code: 'unknown', attempts: 3 });
    expect(await statusOf(model)).toMatchObject({ status: 'error', errorCode: 'PROVIDER_FAILED', jobId });
  });

  it('is not tried again when that cannot help', async () => {
    const model = newModel();
    ollama.stored.delete(model);
    const jobId = await load(model);
    expect((await followed(model, jobId)).at(-2)?.data).toMatchObject({ code: 'PROVIDER_MODEL_NOT_FOUND' });
    expect(ollama.asked('/api/show', model)).toBe(1);
  });

  it('happens once, however many ask for it on whatever replica, and every replica tells of it', async () => {
    const model = newModel();
    const { gate, script } = held();
    ollama.nextLoadsOf(model, script);
    const atSecond = ada.at(second);
    const jobIds = await Promise.all([
      load(model),
      load(model, atSecond),
      load(model),
      load(model, atSecond),
    ]);
    expect(new Set(jobIds).size).toBe(1);
    const [jobId] = jobIds;
    const streams = await Promise.all([follow(model, jobId), follow(model, jobId, atSecond)]);
    for (const open of streams) expect((await open.next()).type).toBe('progress');
    gate.open();
    for (const open of streams) {
      expect((await open.rest()).map(({ type }) => type)).toEqual(['loaded', 'close']);
    }
    expect(ollama.asked('/api/generate', model)).toBe(1);
  });

  it('goes on when its reader goes away', async () => {
    const model = newModel();
    const { gate, script } = held();
    ollama.nextLoadsOf(model, script);
    const jobId = await load(model);
    const open = await follow(model, jobId);
    await open.next();
    open.leave();
    gate.open();
    expect((await followed(model, jobId)).map(({ type }) => type)).toContain('loaded');
  });

  it('that is done already only makes it stay longer', async () => {
    const model = newModel();
    ollama.loaded.add(model);
    expect((await followed(model, await load(model))).at(-2)?.type).toBe('loaded');
    expect(ollama.asked('/api/generate', model)).toBe(1);
  });

  it('forgets what ended more than a day ago', async () => {
    const jobId = await foreignLoad('long-gone', 0);
    await parley.first.database.query(
      `UPDATE model_loads SET state = 'loaded', finished_at = now() - interval '25 hours' WHERE id = $1`,
      [fromWireId('load', jobId)],
    );
    await load(newModel());
    expect(await rowOf(jobId)).toBeUndefined();
  });
});

describe('the stream of a load', () => {
  it.each([
    ['nobody began', toWireId('load', randomUUID())],
    ['is no id of a load', toWireId('thread', randomUUID())],
    ['is nothing', ''],
  ])('is not there for a job that %s', async (_name, jobId) => {
    await findsNot(newModel(), jobId);
  });

  it('is not there for the job of another model, nor of a connection that the caller does not have', async () => {
    const model = newModel();
    for (const jobId of [
      await foreignLoad(newModel(), 0),
      await foreignLoad(model, 0, 'of-another-tenant'),
    ]) {
      await findsNot(model, jobId);
    }
  });

  it('follows the progress that another replica writes', async () => {
    const model = newModel();
    const jobId = await foreignLoad(model, 0);
    const open = await follow(model, jobId);
    expect((await open.next()).data).toEqual({ jobId, status: 'loading', progress: 0.25 });
    await parley.first.database.query(
      'UPDATE model_loads SET progress = 0.5, updated_at = now() WHERE id = $1',
      [fromWireId('load', jobId)],
    );
    expect((await open.next()).data).toEqual({ jobId, status: 'loading', progress: 0.5 });
    await parley.first.database.query(
      `UPDATE model_loads SET state = 'loaded', finished_at = now() WHERE id = $1`,
      [fromWireId('load', jobId)],
    );
    expect((await open.rest()).map(({ type }) => type)).toEqual(['loaded', 'close']);
  });

  it('ends as interrupted when the replica has died, and the model can be loaded anew', async () => {
    const model = newModel();
    const jobId = await foreignLoad(model, 0);
    const open = await follow(model, jobId);
    expect((await open.next()).type).toBe('progress');
    await parley.first.database.query(
      `UPDATE model_loads SET updated_at = now() - interval '11 seconds' WHERE id = $1`,
      [fromWireId('load', jobId)],
    );
    expect((await open.rest())[0]?.data).toMatchObject({ jobId, code: 'MODEL_LOAD_INTERRUPTED' });
    const again = await load(model);
    expect(again).not.toBe(jobId);
    expect((await followed(model, again)).at(-2)?.type).toBe('loaded');
  });

  it('is cut off when the session ends, and the load goes on', async () => {
    const eve = await parley.first.logIn('eve');
    const model = newModel();
    const { gate, script } = held();
    ollama.nextLoadsOf(model, script);
    const jobId = await load(model, eve);
    const open = await follow(model, jobId, eve);
    expect((await open.next()).type).toBe('progress');
    await eve.at(second).browser.fetch('/api/logout', { method: 'POST' });
    const events = await open.rest();
    expect(events.map(({ type }) => type)).toEqual(['error', 'close']);
    expect(events[0]?.data['code']).toBe('SESSION_ENDED');
    gate.open();
    await eventually(async () => ((await rowOf(jobId))?.state === 'loaded' ? true : undefined));
  });
});
