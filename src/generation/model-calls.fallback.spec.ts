import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
import type { ProviderErrorOptions } from '../llm-providers/contract/provider-error.js';
import type { ModelRoute } from '../models/model-route.js';
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
import { down, limited, said, tell, type Told } from './__fixtures__/told-call.js';

const personalKey = { id: 'key', tenantId: 'tenant', userId: 'user', provider: 'openai' };

let models: ScriptedModels;
let rig: Calls;

beforeEach(() => {
  models = new ScriptedModels();
  rig = modelCalls();
});

function call(route: ModelRoute, abort?: AbortController, calls = rig): Promise<Told> {
  return tell(calls, route, abort);
}

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
    expect((await call(models.route(['a', 'b']), undefined, quick)).error).toBeUndefined();
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
    expect((await call(models.route(['a', 'b']))).error).toMatchObject({ code: 'unknown' });
    expect(models.called).toEqual(['a']);
    const stack = expect.stringContaining('model-calls.fallback.spec');
    expect(rig.lines).toMatchObject([{ level: 'error', connectionId: 'c', type: 'TypeError', stack }]);
    expect(JSON.stringify(rig.lines)).not.toContain('oops');
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
      const own = models.target('a', { personalKey });
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
      await call(models.route([models.target('a', { personalKey }), 'b']));
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
