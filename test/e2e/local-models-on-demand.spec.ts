import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import type { Exchange } from '../../bench/upstream/exchange.js';
import { json, silence, stream } from '../../bench/upstream/scripts.js';
import type { LoadProgress } from '../../src/llm-providers/contract/model-info.js';
import type { LoadTarget } from '../../src/models/local-models/load-attempts.js';
import { LocalModels } from '../../src/models/local-models/local-models.service.js';
import { ModelLoads } from '../../src/models/local-models/model-loads.service.js';
import { ModelRoutes } from '../../src/models/model-routes.service.js';
import { eventually, Parley, type Person, type Replica } from '../support/parley.js';
import { soonMs } from '../support/people.js';
import { ScriptedOllama } from '../support/scripted-ollama.js';

/** One model for each test, so that no test depends on what another has loaded. */
const names = Array.from({ length: 30 }, (_nothing, index) => `model-${index}`);

let ollama: ScriptedOllama;
let parley: Parley;
let second: Replica;
let ada: Person;

beforeAll(async () => {
  ollama = await ScriptedOllama.start();
  parley = await Parley.start({
    'providers.ollama.baseUrl': ollama.url,
    'providers.ollama.models': [...names],
  });
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
});

afterAll(async () => {
  // First, so that a load which nobody stopped keeps nobody waiting.
  await ollama.stop();
  await parley.stop();
});

function newModel(): string {
  const name = names.pop();
  if (name === undefined) throw new Error('more models, please');
  ollama.stored.add(name);
  return name;
}

/** What the name leads to for ada. */
async function targetOf(model: string): Promise<LoadTarget> {
  const [user] = await parley.first.database.query<{ tenantId: string; userId: string }[]>(
    `SELECT tenant_id AS "tenantId", id AS "userId" FROM users WHERE subject = 'ada'`,
  );
  if (user === undefined) throw new Error('no ada');
  const credential = { kind: 'session', sessionId: '', authenticatedAt: null } as const;
  const route = await parley.first.app.get(ModelRoutes).resolve({ ...user, role: 'user', credential }, model);
  const [target] = route.targets;
  if (target === undefined) throw new Error('no target');
  return target;
}

/** Somebody who waits for a model, as messages do. */
class Waiter {
  readonly heard: LoadProgress[] = [];
  readonly done: Promise<void>;
  private readonly leaving = new AbortController();

  constructor(target: LoadTarget, replica: Replica = parley.first) {
    this.done = this.wait(target, replica);
    // Looked at later, if at all.
    this.done.catch(() => undefined);
  }

  /** Hears that it is loading. */
  async begun(): Promise<void> {
    await eventually(() => Promise.resolve(this.heard.length > 0 ? true : undefined));
  }

  leave(): void {
    this.leaving.abort(new Error('gone'));
  }

  private async wait(target: LoadTarget, { app }: Replica): Promise<void> {
    const call = { signal: this.leaving.signal, requestId: 'req_waiter' };
    for await (const progress of app.get(LocalModels).ensureLoaded(target, call)) this.heard.push(progress);
  }
}

/** Whoever breaks the code shall see what fails, and not wait for it. */
function soon<Result>(promise: Promise<Result>): Promise<Result> {
  const late = AbortSignal.timeout(soonMs);
  const never = new Promise<never>((_fulfil, reject) => {
    late.addEventListener('abort', () => reject(new Error('it never came to be')));
  });
  return Promise.race([promise, never]);
}

/** The request to load the model. */
async function loadOf(model: string): Promise<Exchange> {
  for (;;) {
    const exchange = await ollama.upstream.nextExchange();
    const { path, body } = exchange.request;
    if (path === '/api/generate' && body.includes(`"${model}"`)) return exchange;
  }
}

async function statesOf(model: string): Promise<unknown[]> {
  return parley.first.database.query(
    'SELECT state, error_code AS code FROM model_loads WHERE model = $1 ORDER BY started_at, id',
    [model],
  );
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

describe('a message to a model that is not in memory', () => {
  it('loads it, says so meanwhile, and is answered', async () => {
    const model = newModel();
    const gate = hold(model);
    const open = await ada.stream(await ada.createThread(), model, 'Hi');
    expect((await open.next()).type).toBe('message_start');
    expect(await open.next()).toMatchObject({ type: 'status', data: { status: 'loading' } });
    gate.open();
    const rest = await open.rest();
    expect(rest.map(({ type }) => type)).toEqual(['token', 'message_complete', 'close']);
    expect(rest[0]?.data).toMatchObject({ token: 'Hello' });
    expect(await statesOf(model)).toEqual([{ state: 'loaded', code: null }]);
  });

  it('fails as the provider did when it cannot be loaded, after it was tried again', async () => {
    const model = newModel();
    const failure = json({ error: 'x' }, { status: 500 });
    ollama.nextLoadsOf(model, failure, failure, failure);
    const answer = await ada.post(await ada.createThread(), model, { content: 'Hi' });
    expect(answer.error?.code).toBe('PROVIDER_FAILED');
    expect(ollama.asked('/api/generate', model)).toBe(3);
    expect(ollama.asked('/api/chat', model)).toBe(0);
  });

  it('stops the load when it is cancelled and no other waits for it', async () => {
    const model = newModel();
    ollama.nextLoadsOf(model, silence);
    const open = await ada.stream(await ada.createThread(), model, 'Hi');
    const { messageId } = (await open.next()).data;
    const exchange = await soon(loadOf(model));
    await ada.ask('POST', `/api/messages/${String(messageId)}/cancel`);
    await soon(exchange.closed);
    await eventually(async () => {
      const [load] = (await statesOf(model)) as { state: string }[];
      return load?.state === 'error' ? true : undefined;
    });
    expect(await statesOf(model)).toEqual([{ state: 'error', code: 'interrupted' }]);
  });
});

describe('ensuring that a model is loaded', () => {
  it('asks nothing of vendors whose models need no loading', async () => {
    const waiter = new Waiter(await targetOf('demo'));
    await soon(waiter.done);
    expect(waiter.heard).toEqual([]);
  });

  it('loads nothing that is in memory, and for a while does not even ask', async () => {
    const model = newModel();
    ollama.loaded.add(model);
    const target = await targetOf(model);
    const before = ollama.asked('/api/ps');
    for (let count = 0; count < 3; count++) await soon(new Waiter(target).done);
    expect(ollama.asked('/api/ps') - before).toBe(1);
    expect(await statesOf(model)).toEqual([]);
  });

  it('is one load for all who wait, on every replica', async () => {
    const model = newModel();
    const gate = hold(model);
    const target = await targetOf(model);
    const waiters = [new Waiter(target), new Waiter(target), new Waiter(target, second)];
    for (const waiter of waiters) await waiter.begun();
    gate.open();
    for (const waiter of waiters) {
      await soon(waiter.done);
      expect(waiter.heard).toEqual([{ state: 'loading' }, { state: 'loaded' }]);
    }
    expect(ollama.asked('/api/generate', model)).toBe(1);
  });

  it('goes on for the others when one goes away, who hears why', async () => {
    const model = newModel();
    const gate = hold(model);
    const target = await targetOf(model);
    const [leaving, staying] = [new Waiter(target), new Waiter(target)];
    await leaving.begun();
    await staying.begun();
    leaving.leave();
    await expect(leaving.done).rejects.toThrow('gone');
    gate.open();
    await soon(staying.done);
    expect(await statesOf(model)).toEqual([{ state: 'loaded', code: null }]);
  });

  it('stops when the last goes away', async () => {
    const model = newModel();
    ollama.nextLoadsOf(model, silence);
    const target = await targetOf(model);
    const waiters = [new Waiter(target), new Waiter(target)];
    for (const waiter of waiters) await waiter.begun();
    const exchange = await soon(loadOf(model));
    for (const waiter of waiters) waiter.leave();
    await soon(exchange.closed);
  });

  it('goes on without anybody when it was asked for by itself', async () => {
    const model = newModel();
    const gate = hold(model);
    const waiter = new Waiter(await targetOf(model));
    await waiter.begun();
    await ada.at(second).ask('POST', `/api/models/${model}/load`);
    waiter.leave();
    await expect(waiter.done).rejects.toThrow('gone');
    gate.open();
    await eventually(() => Promise.resolve(ollama.loaded.has(model) ? true : undefined));
    await eventually(async () => {
      const [load] = (await statesOf(model)) as { state: string }[];
      return load?.state === 'loaded' ? true : undefined;
    });
  });

  it('begins anew where it is still wanted when those who began it have gone', async () => {
    const model = newModel();
    ollama.nextLoadsOf(model, silence);
    const target = await targetOf(model);
    const first = new Waiter(target);
    await first.begun();
    const other = new Waiter(target, second);
    await other.begun();
    first.leave();
    await soon(other.done);
    expect(await statesOf(model)).toEqual([
      { state: 'error', code: 'interrupted' },
      { state: 'loaded', code: null },
    ]);
  });

  it('downloads a model that is missing when the connection allows it, and tells the progress everywhere', async () => {
    const model = newModel();
    ollama.stored.delete(model);
    const gate = new Gate();
    const line = (fields: object): string => `${JSON.stringify(fields)}\n`;
    const layer = { status: 'pulling', digest: 'sha256:1', total: 100 };
    ollama.upstream.route('POST', '/api/pull', async (exchange) => {
      const pieces = [line({ ...layer, completed: 25 }), line({ status: 'success' })];
      const headers = { 'content-type': 'application/x-ndjson' };
      await stream(pieces, { headers, gates: { 1: gate } })(exchange);
    });
    const target = await targetOf(model);
    const connection = { ...target.connection, version: 2, options: { pull: true } };
    const waiter = new Waiter({ ...target, connection });
    const seen = await eventually(async () => {
      const { data } = await ada
        .at(second)
        .ask<{ status: string; progress: number | null }>('GET', `/api/models/${model}/status`);
      return data.progress === null ? undefined : data;
    });
    expect(seen).toMatchObject({ status: 'loading', progress: 0.25 });
    ollama.stored.add(model);
    gate.open();
    await soon(waiter.done);
    expect(waiter.heard).toEqual([
      { state: 'loading' },
      { state: 'loading', progress: 0.25 },
      { state: 'loaded' },
    ]);
  });
});

describe('a replica that shuts down', () => {
  it('ends its loads, so that others may load at once', async () => {
    const third = await parley.addReplica();
    const model = newModel();
    ollama.nextLoadsOf(model, silence);
    const waiter = new Waiter(await targetOf(model), third);
    await waiter.begun();
    await third.app.get(ModelLoads).beforeApplicationShutdown();
    expect(await statesOf(model)).toEqual([{ state: 'error', code: 'interrupted' }]);
  });
});
