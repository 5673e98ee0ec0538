import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { cut, json, silence, stream, type Script } from '../../bench/upstream/scripts.js';
import { CircuitBreakers } from '../../src/models/circuit-breakers.js';
import type { ExchangeDto } from '../../src/wire/native/dto/post-message.dto.js';
import {
  answerPieces,
  answers,
  breaksOff,
  eventually,
  Parley,
  type Answer,
  type Person,
} from '../support/parley.js';

/** Each test has three of its own: what fails is remembered. */
const models = Array.from({ length: 120 }, (_, index) => `model-${index}`);
const unused = models.values();

let parley: Parley;
let ada: Person;
let bob: Person;
let thread: string;
/** The models of a test; `a` is asked first. */
let a: string;
let b: string;
let c: string;

beforeAll(async () => {
  parley = await Parley.start({
    'providers.compatible.models': models,
    'generation.firstTokenTimeoutMs': 1500,
    'generation.idleTimeoutMs': 300,
    'breaker.failures': 4,
    'breaker.openMs': 60_000,
  });
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  bob = await parley.first.logIn('bob');
});

beforeEach(async () => {
  thread = await ada.createThread();
  [a = '', b = '', c = ''] = [...unused.take(3)];
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

async function router(targets: readonly string[], policy: object = {}): Promise<string> {
  const id = `router-of-${a}`;
  const list = targets.map((model) => ({ model }));
  const { status } = await ada.ask('POST', '/api/models', { kind: 'router', id, targets: list, ...policy });
  expect(status).toBe(201);
  return id;
}

function post(modelId: string, body: object = {}): Promise<Answer<ExchangeDto>> {
  return ada.post(thread, modelId, { content: 'Hi', ...body });
}

interface SentRequest {
  readonly model: string;
  readonly temperature?: number;
  readonly messages: readonly unknown[];
}

function sent(): SentRequest[] {
  return parley.upstream.requests.map(({ body }) => JSON.parse(body) as SentRequest);
}

/** Which model the vendor was called for, in order. */
function called(): string[] {
  return sent().map(({ model }) => model);
}

const status = (code: number, word = 'x', headers: Record<string, string> = {}): Script =>
  json({ error: { message: 'secret upstream words', type: 'x', code: word } }, { status: code, headers });

describe('a router', () => {
  it.each<[string, readonly Script[], (names: { a: string; b: string }) => string[]]>([
    ['429 with Retry-After', [status(429, 'x', { 'retry-after': '30' })], ({ a, b }) => [a, b]],
    ['429 without one', [status(429)], ({ a, b }) => [a, b]],
    ['408', [status(408)], ({ a, b }) => [a, b]],
    ['500, after two retries', [status(500), status(502), status(500)], ({ a, b }) => [a, a, a, b]],
    ['503 with Retry-After', [status(503, 'x', { 'retry-after': '30' })], ({ a, b }) => [a, b]],
    ['silence', [silence], ({ a, b }) => [a, b]],
    ['a cut before the first token, after two retries', [cut, cut, cut], ({ a, b }) => [a, a, a, b]],
    ['rubbish', [stream(['data: {"choices": 7}\n\n'])], ({ a, b }) => [a, b]],
  ])('falls back after %s', async (_name, scripts, expected) => {
    const id = await router([a, b]);
    parley.upstream.enqueue(...scripts, answers('Hello'));
    const answer = await post(id);
    expect(answer).toMatchObject({ status: 200 });
    expect(called()).toEqual(expected({ a, b }));
    expect(answer.data.assistantMessage).toMatchObject({ modelId: id, status: 'complete', content: 'Hello' });
  });

  it.each([
    ['400', status(400), 502, 'PROVIDER_REQUEST_REFUSED'],
    ['401 of our key', status(401), 502, 'PROVIDER_AUTHENTICATION_FAILED'],
    ['403 of our key', status(403), 502, 'PROVIDER_PERMISSION_DENIED'],
    ['404', status(404), 502, 'PROVIDER_MODEL_NOT_FOUND'],
    ['422', status(422), 502, 'PROVIDER_REQUEST_REFUSED'],
    ['a content filter', status(400, 'content_filter'), 422, 'CONTENT_FILTERED'],
    ['a context that is too long', status(400, 'context_length_exceeded'), 422, 'CONTEXT_LENGTH_EXCEEDED'],
  ] as const)('does not fall back after %s', async (_name, script, http, code) => {
    const id = await router([a, b]);
    parley.upstream.enqueue(script);
    expect(await post(id)).toMatchObject({ status: http, error: { code } });
    expect(called()).toEqual([a]);
  });

  it.each([
    ['is cut', 'cut', 'interrupted'],
    ['ends without its terminator', 'end', 'interrupted'],
    ['stalls', 'stall', 'error'],
  ] as const)('keeps what came of an answer that %s, and asks nobody else', async (_name, ending, kept) => {
    const id = await router([a, b]);
    parley.upstream.enqueue(breaksOff(['Hel', 'lo'], { ending }));
    expect((await post(id)).error).toBeDefined();
    expect(called()).toEqual([a]);
    expect((await ada.messages(thread)).at(-1)).toMatchObject({ status: kept, content: 'Hello' });
  });

  it('tells the person what happens, and the message which model answered', async () => {
    const id = await router([a, 'demo']);
    parley.upstream.enqueue(status(503), status(429));
    const events = await (await ada.stream(thread, id, 'Hi')).rest();
    const told = events.filter(({ type }) => type === 'status').map(({ data }) => data);
    const { messageId } = events[0]?.data ?? {};
    expect(told).toEqual([
      { messageId, status: 'retrying', modelId: a },
      { messageId, status: 'falling_back', modelId: 'demo' },
    ]);
    expect(events[0]?.data).toMatchObject({ modelId: id });
    expect(events.at(-2)?.type).toBe('message_complete');
    expect((await ada.messages(thread)).at(-1)).toMatchObject({
      modelId: id,
      provider: 'demo',
      providerModel: 'demo',
    });
  });

  it('fails with the last failure when all fail', async () => {
    const id = await router([a, b]);
    parley.upstream.enqueue(status(429), status(429, 'x', { 'retry-after': '30' }));
    const answer = await post(id);
    expect(answer).toMatchObject({ status: 429, error: { code: 'PROVIDER_RATE_LIMITED' } });
    expect(answer.headers.get('retry-after')).toBe('30');
    expect(JSON.stringify(answer)).not.toContain('secret upstream words');
    expect(called()).toEqual([a, b]);
  });

  it('asks no more targets than its policy says', async () => {
    const id = await router([a, b, c], { maxAttempts: 2 });
    const limited = status(429, 'x', { 'retry-after': '30' });
    parley.upstream.enqueue(limited, limited);
    expect((await post(id)).status).toBe(429);
    expect(called()).toEqual([a, b]);
  });

  it('asks who failed last, until its cooldown is over', async () => {
    const id = await router([a, b], { cooldownMs: 3_600_000 });
    parley.upstream.enqueue(status(429), answers('from b'), answers('from b again'));
    await post(id);
    await post(id);
    expect(called()).toEqual([a, b, b]);
    parley.upstream.enqueue(status(429), answers('from a'));
    await post(id);
    // Nobody is left out: the one that cools down is asked all the same.
    expect(called()).toEqual([a, b, b, b, a]);
  });

  it('leaves out a model that cannot take the temperature or the length of the request', async () => {
    const narrow = `narrow-${a}`;
    const preset = { parameters: { temperature: 0.3 }, contextTokens: 100 };
    await ada.ask('POST', '/api/models', { kind: 'alias', id: narrow, target: { model: a }, ...preset });
    const id = await router([narrow, b]);
    parley.upstream.enqueue(answers('short'), answers('long'));
    await post(id);
    await post(id, { content: 'word '.repeat(200) });
    expect(called()).toEqual([a, b]);
    expect(sent().map(({ temperature }) => temperature)).toEqual([0.3, undefined]);
    expect(await post(id, { temperature: 2.1 })).toMatchObject({
      status: 400,
      error: { code: 'TEMPERATURE_OUT_OF_RANGE' },
    });
    expect(await post(narrow, { content: 'word '.repeat(200) })).toMatchObject({
      status: 422,
      error: { code: 'CONTEXT_LENGTH_EXCEEDED' },
    });
  });
});

/** As of an alias that was made when its model took the parameter. */
async function aliasWithTopK(): Promise<string> {
  const id = `picky-${a}`;
  await ada.ask('POST', '/api/models', { kind: 'alias', id, target: { model: a } });
  await parley.first.database.query(`UPDATE model_aliases SET parameters = '{"topK": 5}' WHERE name = $1`, [
    id,
  ]);
  await parley.first.database.query(`SELECT pg_notify('parley', 'models')`);
  return id;
}

describe('an alias', () => {
  it('of a model that does not take what it fills in is refused, and a router leaves it out', async () => {
    const picky = await aliasWithTopK();
    await eventually(async () => {
      parley.upstream.reset();
      parley.upstream.enqueue(answers('before it is known'));
      const { status, error } = await post(picky);
      return status === 400 && error?.code === 'UNSUPPORTED_PARAMETER' && error.param === 'topK'
        ? true
        : undefined;
    });
    const id = await router([picky, b]);
    parley.upstream.reset();
    parley.upstream.enqueue(answers('b answers'));
    expect((await post(id)).status).toBe(200);
    expect(called()).toEqual([b]);
  });

  it('makes the context of a model smaller, not larger', async () => {
    const id = `small-${a}`;
    await ada.ask('POST', '/api/models', {
      kind: 'alias',
      id,
      target: { model: 'demo' },
      contextTokens: 100,
    });
    expect(await post(id, { content: 'word '.repeat(200) })).toMatchObject({
      status: 422,
      error: { code: 'CONTEXT_LENGTH_EXCEEDED' },
    });
    expect((await post('demo', { content: 'word '.repeat(200) })).status).toBe(200);
  });

  it('fills what the request leaves open, and the message says so', async () => {
    const id = `alias-${a}`;
    const preset = { parameters: { temperature: 0.3, maxOutputTokens: 50 }, systemPrompt: 'Be kind.' };
    await ada.ask('POST', '/api/models', { kind: 'alias', id, target: { model: a }, ...preset });
    await ada.ask('PATCH', '/api/profile', { systemPrompt: 'Of the profile.' });
    parley.upstream.enqueue(answers('one'), answers('two'), answers('three'));
    const { data } = await post(id);
    expect(data.assistantMessage).toMatchObject({ modelId: id, temperature: 0.3, provider: 'compatible' });
    await post(id, { temperature: 0, maxOutputTokens: 7, systemPrompt: 'Be brief.' });
    await post(a);
    expect(sent()).toMatchObject([
      { model: a, temperature: 0.3, max_tokens: 50, messages: [{ content: 'Be kind.' }, {}] },
      { model: a, temperature: 0, max_tokens: 7, messages: [{ content: 'Be brief.' }, {}, {}, {}] },
      { model: a, messages: [{ content: 'Of the profile.' }, {}] },
    ]);
    await ada.ask('PATCH', '/api/profile', { systemPrompt: null });
  });
});

describe('a circuit breaker', () => {
  interface Health {
    readonly status: string;
    readonly services: { readonly providers: Readonly<Record<string, unknown>> };
  }

  async function health(): Promise<Health> {
    return (await ada.ask<Health>('GET', '/api/health')).data;
  }

  /** Four failures. */
  async function open(): Promise<void> {
    parley.upstream.enqueue(status(500), status(500), status(500), status(500));
    await post(a);
    await post(a);
    expect(called()).toEqual([a, a, a, a]);
    parley.upstream.reset();
  }

  it('opens after failures in a row: then the vendor is not called, and a router passes over the model', async () => {
    await open();
    const refused = await post(a);
    expect(refused).toMatchObject({ status: 503, error: { code: 'PROVIDER_OVERLOADED' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(called()).toEqual([]);
    parley.upstream.enqueue(answers('Hello'));
    expect((await post(await router([a, b]))).status).toBe(200);
    expect(called()).toEqual([b]);
  });

  it('that one person has opened, whatever they asked, is closed to others', async () => {
    await open();
    parley.upstream.enqueue(answers('Hello'));
    expect((await bob.post(await bob.createThread(), a, { content: 'Hi' })).status).toBe(200);
    expect(await health()).toMatchObject({ status: 'healthy' });
  });

  it('opens for everybody after as many turns of different people', async () => {
    for (const person of [ada, bob, ada, bob]) {
      parley.upstream.enqueue(status(500), status(500));
      await person.post(await person.createThread(), a, { content: 'Hi' });
    }
    parley.upstream.reset();
    const eve = await parley.first.logIn('eve');
    const refused = await eve.post(await eve.createThread(), a, { content: 'Hi' });
    expect(refused).toMatchObject({ status: 503, error: { code: 'PROVIDER_OVERLOADED' } });
    expect(called()).toEqual([]);
    expect(await health()).toMatchObject({
      status: 'degraded',
      services: { providers: { compatible: 'circuit_open', demo: 'reachable' } },
    });
  });
});

describe('a circuit breaker that is half-open', () => {
  let own: Parley;

  beforeAll(async () => {
    own = await Parley.start({ 'breaker.failures': 1, 'breaker.openMs': 100, 'generation.maxAttempts': 1 });
  });

  afterAll(() => own.stop());

  it('lets one of ten parallel calls through, whose answer closes it', async () => {
    const eve = await own.first.logIn('eve');
    const threads = await Promise.all(Array.from({ length: 10 }, () => eve.createThread()));
    const ask = (id: string): Promise<Answer> => eve.post(id, 'scripted', { content: 'Hi' });
    own.upstream.enqueue(status(500));
    await ask(threads[0] ?? '');
    const breakers = own.first.app.get(CircuitBreakers);
    await eventually(() =>
      Promise.resolve(breakers.state('compatible', 'scripted', 'anybody') === 'half_open' || undefined),
    );
    const gate = new Gate();
    own.upstream.enqueue(stream(answerPieces('ok'), { gates: { 0: gate } }));
    let refused = 0;
    const posts = threads.map(async (id) => {
      const answer = await ask(id);
      if (answer.status === 503 && ++refused === 9) gate.open();
      return answer.status;
    });
    expect((await Promise.all(posts)).toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 503)]);
    expect(own.upstream.requests).toHaveLength(2);
    own.upstream.enqueue(...threads.map(() => answers('ok')));
    const all = await Promise.all(threads.map(ask));
    expect(all.map((answer) => answer.status)).toEqual(threads.map(() => 200));
  });
});
