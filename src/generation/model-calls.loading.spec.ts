import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
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
} from './__fixtures__/scripted-models.js';
import { said, tell, type Told } from './__fixtures__/told-call.js';

let models: ScriptedModels;
let rig: Calls;

beforeEach(() => {
  models = new ScriptedModels();
  rig = modelCalls();
});

function call(route: ModelRoute, abort?: AbortController, calls = rig): Promise<Told> {
  return tell(calls, route, abort);
}

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
      const told = await call(models.route([local(), local()]), undefined, failing);
      expect(told.error).toMatchObject({ code });
      expect(loads).toBe(2);
      expect(models.called).toEqual([]);
      expect(said(told)).toEqual(['loading a', 'falling_back a', 'loading a']);
    },
  );

  it.each<[ProviderErrorOptions['code'], number]>([
    ['authentication', 401],
    ['permission', 403],
    ['invalid_request', 400],
    ['content_filter', 400],
  ])('is not fallen back from when it is refused to load it (%s, %i)', async (code, status) => {
    rig = modelCalls({ load: () => failing(failure(code, { status })) });
    const told = await call(models.route([local(), 'b']));
    expect(told.error).toMatchObject({ code });
    expect(models.called).toEqual([]);
    expect(said(told)).toEqual(['loading a']);
  });

  it('has a load that fails counted by its breaker, which stops the loading', async () => {
    let loads = 0;
    rig = modelCalls({
      settings: { 'breaker.failures': 2 },
      load: () => {
        loads++;
        return failing(failure('network'));
      },
    });
    for (let count = 0; count < 3; count++) await call(models.route([local()]));
    expect(rig.breakers.state('c', 'a', 'u')).toBe('open');
    expect(loads).toBe(2);
  });

  it('keeps nobody from it while it is loaded as a probe', async () => {
    const clock = new StillClock();
    const loaded = Promise.withResolvers<undefined>();
    async function* load(): AsyncGenerator<LoadProgress, void, undefined> {
      await loaded.promise;
      yield { state: 'loaded' };
    }
    rig = modelCalls({ load, clock, settings: { 'breaker.failures': 1 } });
    rig.breakers.admit('c', 'a', 'u')?.ended('failed');
    clock.ms += 30_000;
    const waiting = call(models.route([local()]));
    await new Promise(setImmediate);
    expect(rig.breakers.refusedForMs('c', 'a', 'u')).toBeUndefined();
    models.will('a', answer);
    loaded.resolve(undefined);
    expect((await waiting).error).toBeUndefined();
    expect(rig.breakers.state('c', 'a', 'u')).toBe('closed');
  });
});

async function* failing(error: Error): AsyncGenerator<LoadProgress, void, undefined> {
  yield await Promise.resolve({ state: 'loading' });
  throw error;
}
