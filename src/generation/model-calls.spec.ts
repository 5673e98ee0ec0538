import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
import type { EmbeddedValues } from '../config/registry.js';
import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { LoadProgress } from '../llm-providers/contract/model-info.js';
import type { ProviderErrorOptions } from '../llm-providers/contract/provider-error.js';
import type { ModelRoute, RouteTarget } from '../models/model-route.js';
import {
  answer,
  failure,
  finish,
  modelCalls,
  ScriptedModels,
  start,
  text,
  type Calls,
  type Step,
} from './__fixtures__/scripted-models.js';
import type { CallStatus } from './model-call.js';

let models: ScriptedModels;
let rig: Calls;

const down: readonly Step[] = [failure('overloaded', { status: 503 })];
const limited = (retryAfterMs?: number): readonly Step[] => [
  failure('rate_limit', { status: 429, retryAfterMs }),
];

beforeEach(() => {
  models = new ScriptedModels();
  rig = modelCalls();
});

/** Fails when it is stopped. */
class BadLoser extends ScriptedModels {
  override async *stream(
    ...[request, context]: Parameters<ScriptedModels['stream']>
  ): AsyncGenerator<GenerateEvent> {
    this.will(request.model, ['silence']);
    try {
      yield* super.stream(request, context);
    } catch (error) {
      throw failure('network', { cause: error });
    }
  }
}

interface Told {
  readonly events: GenerateEvent[];
  readonly statuses: CallStatus[];
  /** The model of the target that was asked last. */
  target: string | undefined;
  error: unknown;
}

/** A call, and everything that was told of it. */
async function call(route: ModelRoute, abort = new AbortController(), calls = rig.calls): Promise<Told> {
  const told: Told = { events: [], statuses: [], target: undefined, error: undefined };
  const stream = calls.stream({
    route,
    requestOf: ({ model }: RouteTarget) => ({ model: model.id, messages: [] }),
    requestId: 'req_test',
    signal: abort.signal,
    onStatus: (status) => told.statuses.push(status),
    onTarget: ({ model }) => {
      told.target = model.id;
    },
  });
  try {
    for await (const event of stream) told.events.push(event);
  } catch (error) {
    told.error = error;
  }
  return told;
}

function said({ statuses }: Told): string[] {
  return statuses.map(({ status, modelId }) => `${status} ${modelId}`);
}

describe('a call of one model', () => {
  it('tells the start once, with the first output, whatever was tried before', async () => {
    models.will('a', [start, failure('network')], down, answer);
    const told = await call(models.route(['a']));
    expect(told.events).toEqual([start, text('Hi'), finish]);
    expect(said(told)).toEqual(['retrying a', 'retrying a']);
    expect(told.target).toBe('a');
  });

  it('is made three times at most', async () => {
    models.will('a', down, down, down, answer);
    expect((await call(models.route(['a']))).error).toMatchObject({ code: 'overloaded' });
    expect(models.called).toEqual(['a', 'a', 'a']);
  });

  it('fails when the stream ends without a finish', async () => {
    models.will('a', [start, text('Hi')]);
    expect((await call(models.route(['a']))).error).toMatchObject({
      code: 'invalid_response',
      truncated: true,
    });
  });

  it('ends with the reason of the signal, also while it waits', async () => {
    models.will('a', [failure('overloaded', { retryAfterMs: 1500 })]);
    const abort = new AbortController();
    const told = call(models.route(['a']), abort);
    while (models.called.length === 0) await new Promise(setImmediate);
    const reason = new Error('enough');
    abort.abort(reason);
    expect((await told).error).toBe(reason);
    expect(models.called).toEqual(['a']);
  });
});

describe('a fallback', () => {
  it.each<[string, readonly Step[], string]>([
    ['429', limited(), 'ab'],
    ['429 with a long Retry-After', limited(1001), 'ab'],
    ['429 of a moment, three times', limited(2), 'aaab'],
    ['no credit left', [failure('rate_limit', { status: 402, retryable: false })], 'ab'],
    ['5xx, three times', [failure('unknown', { status: 500, retryable: true })], 'aaab'],
    ['5xx with a long Retry-After', [failure('overloaded', { retryAfterMs: 1001 })], 'ab'],
    ['overloaded, three times', down, 'aaab'],
    ['a time-out', [failure('timeout')], 'ab'],
    ['the network, three times', [failure('network')], 'aaab'],
    ['a forbidden destination', [failure('network', { retryable: false })], 'ab'],
    ['an answer that is not valid', [failure('invalid_response')], 'ab'],
    ['an end before anything was said', [start], 'ab'],
  ])('follows %s', async (_name, steps, expected) => {
    models.will('a', steps, steps, steps);
    models.will('b', answer);
    const told = await call(models.route(['a', 'b']));
    expect(models.called.join('')).toBe(expected);
    expect(told.events).toEqual([start, text('Hi'), finish]);
    expect(said(told).at(-1)).toBe('falling_back b');
    expect(told.target).toBe('b');
  });

  it('follows silence', async () => {
    const quick = modelCalls({ settings: { 'generation.firstTokenTimeoutMs': 100 } });
    models.will('a', ['silence']);
    models.will('b', answer);
    expect((await call(models.route(['a', 'b']), undefined, quick.calls)).error).toBeUndefined();
    expect(models.called).toEqual(['a', 'b']);
  });

  it.each<[ProviderErrorOptions['code'], number]>([
    ['invalid_request', 400],
    ['authentication', 401],
    ['permission', 403],
    ['not_found', 404],
    ['invalid_request', 422],
    ['unsupported', 400],
    ['content_filter', 400],
    ['context_length', 400],
  ])('does not follow %s (%i)', async (code, status) => {
    models.will('a', [failure(code, { status })]);
    const told = await call(models.route(['a', 'b']));
    expect(told.error).toMatchObject({ code });
    expect(models.called).toEqual(['a']);
    expect(told.statuses).toEqual([]);
  });

  it('does not follow a defect of an adapter', async () => {
    models.will('a', [new TypeError('oops')]);
    expect((await call(models.route(['a', 'b']))).error).toBeInstanceOf(TypeError);
    expect(models.called).toEqual(['a']);
  });

  it.each<[string, readonly Step[]]>([
    ['breaks off', [failure('invalid_response', { truncated: true, retryable: true })]],
    ['is cut', [failure('network')]],
    ['ends', []],
  ])('does not follow an answer that begins and %s', async (_name, rest) => {
    models.will('a', [start, text('Hel'), ...rest]);
    const told = await call(models.route(['a', 'b']));
    expect(told.error).toBeDefined();
    expect(told.events).toEqual([start, text('Hel')]);
    expect(models.called).toEqual(['a']);
  });

  it.each<ProviderErrorOptions['code']>(['authentication', 'permission'])(
    'does not follow %s of a personal key, nor is the model tried last then',
    async (code) => {
      const own = models.target('a', { personalKeyId: 'key' });
      models.will('a', [failure(code, { retryable: false })], answer);
      const route = models.route([own, 'b'], { cooldownMs: 60_000 });
      expect((await call(route)).error).toMatchObject({ code });
      await call(route);
      expect(models.called).toEqual(['a', 'a']);
    },
  );

  it.each<ProviderErrorOptions['code']>(['timeout', 'rate_limit'])(
    'follows %s of a personal key',
    async (code) => {
      models.will('a', [failure(code)]);
      models.will('b', answer);
      await call(models.route([models.target('a', { personalKeyId: 'key' }), 'b']));
      expect(models.called).toEqual(['a', 'b']);
    },
  );

  it('goes no further than the most targets, and tells the last failure', async () => {
    models.will('a', limited());
    models.will('b', limited(), limited(), limited(40_000));
    const told = await call(models.route(['a', 'b', 'c'], { maxTargets: 2 }));
    expect(told.error).toMatchObject({ code: 'rate_limit', retryAfterMs: 40_000 });
    expect(models.called.join('')).toBe('abbb');
    expect(told.target).toBe('b');
  });

  it('lets who failed be asked last for the cooldown, but never refuses unasked', async () => {
    const clock = new StillClock();
    rig = modelCalls({ clock });
    const route = models.route(['a', 'b'], { cooldownMs: 60_000 });
    models.will('a', limited(), answer, answer);
    models.will('b', answer, limited());
    await call(route);
    expect((await call(route)).error).toBeUndefined();
    clock.ms += 60_000;
    await call(route);
    expect(models.called.join('')).toBe('ab' + 'ba' + 'a');
  });

  it('has nobody asked last who has answered since', async () => {
    const route = models.route(['a', 'b'], { cooldownMs: 60_000 });
    models.will('a', limited(), answer, answer);
    models.will('b', answer);
    await call(route);
    await call(models.route(['a']));
    await call(route);
    expect(models.called.join('')).toBe('ab' + 'a' + 'a');
  });
});

describe('a breaker', () => {
  const settings: EmbeddedValues = { 'breaker.failures': 3, 'generation.maxAttempts': 1 };
  let clock: StillClock;

  beforeEach(() => {
    clock = new StillClock();
    rig = modelCalls({ clock, settings });
    models.will('a', down, down, down);
  });

  async function open(): Promise<void> {
    for (let count = 0; count < 3; count++) await call(models.route(['a']));
    models.called.length = 0;
  }

  it('keeps calls from a model that fails, and tells when to come again', async () => {
    await open();
    clock.ms += 10_000;
    const told = await call(models.route(['a']));
    expect(told.error).toMatchObject({ code: 'overloaded', retryable: true, retryAfterMs: 20_000 });
    expect(models.called).toEqual([]);
    expect(told.statuses).toEqual([]);
  });

  it('lets a router go to the next model at once, however few it may try', async () => {
    await open();
    models.will('b', answer);
    const told = await call(models.route(['a', 'b'], { maxTargets: 1 }));
    expect(told.error).toBeUndefined();
    expect(models.called).toEqual(['b']);
    expect(said(told)).toEqual(['falling_back b']);
  });

  it('ends the retries when it opens', async () => {
    rig = modelCalls({ clock, settings: { 'breaker.failures': 2 } });
    const told = await call(models.route(['a']));
    expect(told.error).toMatchObject({ status: 503 });
    expect(models.called).toEqual(['a', 'a']);
    expect(said(told)).toEqual(['retrying a']);
  });

  it('ends the retries also when others open it meanwhile', async () => {
    rig = modelCalls({ clock, settings: { 'breaker.failures': 2 } });
    models.will('b', [failure('overloaded', { retryAfterMs: 100 })], down);
    const waiting = call(models.route(['b']));
    while (models.called.length === 0) await new Promise(setImmediate);
    await call(models.route(['b']));
    expect((await waiting).error).toMatchObject({ retryAfterMs: 100 });
    expect(models.called).toEqual(['b', 'b']);
  });

  it('tells when the first of several may be asked again', async () => {
    await open();
    clock.ms += 10_000;
    models.will('b', down, down, down);
    for (let count = 0; count < 3; count++) await call(models.route(['b']));
    const told = await call(models.route(['b', 'a']));
    expect(told.error).toMatchObject({ code: 'overloaded', retryAfterMs: 20_000 });
  });

  it('has a model retried that is the last one because the others are open', async () => {
    rig = modelCalls({ clock, settings: { 'breaker.failures': 3 } });
    await call(models.route(['a']));
    models.will('b', limited(), answer);
    await call(models.route(['b', 'a']));
    expect(models.called).toEqual(['a', 'a', 'a', 'b', 'b']);
  });

  it('lets one of ten through when half-open', async () => {
    await open();
    clock.ms += 30_000;
    models.will('a', [start, 'silence']);
    const abort = new AbortController();
    models.will('a', answer);
    const route = models.route(['a']);
    const ten = Array.from({ length: 10 }, () => call(route, abort));
    const refused = await Promise.all(ten.slice(1));
    expect(refused.map(({ error }) => (error as { code: string }).code)).toEqual(
      Array.from({ length: 9 }, () => 'overloaded'),
    );
    expect(models.called).toEqual(['a']);
    abort.abort(new Error('enough'));
    await ten[0];
    // Whoever stops a probe gives its place free.
    expect(rig.breakers.state('c', 'a')).toBe('half_open');
    expect((await call(route)).error).toBeUndefined();
    expect(rig.breakers.state('c', 'a')).toBe('closed');
  });

  it('counts neither what people stop nor what the request is at fault for', async () => {
    models = new ScriptedModels();
    const route = models.route(['a']);
    for (let count = 0; count < 5; count++) {
      models.will('a', ['silence'], [failure('invalid_request', { status: 400 })], limited(90_000));
      const abort = new AbortController();
      const stopped = call(route, abort);
      abort.abort(new Error('enough'));
      await stopped;
      await call(route);
      await call(route);
    }
    expect(rig.breakers.state('c', 'a')).toBe('closed');
  });

  it('closes with the first output of the probe', async () => {
    await open();
    clock.ms += 30_000;
    models.will('a', [start, text('Hel'), 'silence'], answer);
    const abort = new AbortController();
    const probe = call(models.route(['a']), abort);
    while (rig.breakers.state('c', 'a') !== 'closed') await new Promise(setImmediate);
    expect((await call(models.route(['a']))).error).toBeUndefined();
    abort.abort(new Error('enough'));
    await probe;
  });

  it('counts nothing that an adapter says of a call that was stopped', async () => {
    const provider = new BadLoser();
    for (let count = 0; count < 3; count++) {
      const abort = new AbortController();
      const stopped = call(models.route([models.target('b', { provider })]), abort);
      abort.abort(new Error('enough'));
      expect((await stopped).error).toMatchObject({ code: 'network' });
    }
    expect(rig.breakers.state('c', 'b')).toBe('closed');
  });

  it('counts answers that begin and break off', async () => {
    models = new ScriptedModels();
    models.will('a', ...Array.from({ length: 3 }, () => [start, text('Hel'), failure('network')]));
    await open();
    expect(rig.breakers.state('c', 'a')).toBe('open');
  });
});

describe('a local model', () => {
  const local = (): RouteTarget => {
    const target = models.target('a');
    return { ...target, model: { ...target.model, requiresLoading: true } };
  };

  it('is loaded first, and each whole percent is told once', async () => {
    async function* load(): AsyncGenerator<LoadProgress, void, undefined> {
      yield await Promise.resolve({ state: 'loading' });
      for (const progress of [0.501, 0.502, 0.51]) yield { state: 'loading', progress };
      yield { state: 'loaded' };
    }
    rig = modelCalls({ load });
    models.will('a', answer);
    const told = await call(models.route([local()]));
    expect(told.statuses).toEqual([
      { status: 'loading', modelId: 'a' },
      { status: 'loading', modelId: 'a', progress: 0.501 },
      { status: 'loading', modelId: 'a', progress: 0.51 },
    ]);
    expect(told.events).toEqual([start, text('Hi'), finish]);
  });

  it.each<ProviderErrorOptions['code']>(['not_found', 'network', 'timeout', 'unknown'])(
    'that cannot be loaded (%s) is fallen back from, without loading it again',
    async (code) => {
      let loads = 0;
      async function* load(): AsyncGenerator<LoadProgress, void, undefined> {
        loads++;
        yield await Promise.resolve({ state: 'loading' });
        throw failure(code);
      }
      const failing = modelCalls({ load });
      const told = await call(models.route([local(), local()]), undefined, failing.calls);
      expect(told.error).toMatchObject({ code });
      expect(loads).toBe(2);
      expect(models.called).toEqual([]);
      expect(said(told)).toEqual(['loading a', 'falling_back a', 'loading a']);
    },
  );
});
