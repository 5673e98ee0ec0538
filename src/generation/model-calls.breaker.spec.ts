import { beforeEach, describe, expect, it } from '@jest/globals';
import { StillClock } from '../../test/support/still-clock.js';
import type { EmbeddedValues } from '../config/registry.js';
import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { ModelRoute } from '../models/model-route.js';
import {
  answer,
  failure,
  modelCalls,
  ScriptedModels,
  start,
  text,
  type Calls,
} from './__fixtures__/scripted-models.js';
import { down, limited, said, tell, type Told } from './__fixtures__/told-call.js';

let models: ScriptedModels;
let rig: Calls;

beforeEach(() => {
  models = new ScriptedModels();
  rig = modelCalls();
});

function call(route: ModelRoute, abort?: AbortController, calls = rig): Promise<Told> {
  return tell(calls, route, abort);
}

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
    expect(rig.breakers.state('c', 'a', 'u')).toBe('half_open');
    expect((await call(route)).error).toBeUndefined();
    expect(rig.breakers.state('c', 'a', 'u')).toBe('closed');
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
    expect(rig.breakers.state('c', 'a', 'u')).toBe('closed');
  });

  it('closes with the first output of the probe', async () => {
    await open();
    clock.ms += 30_000;
    models.will('a', [start, text('Hel'), 'silence'], answer);
    const abort = new AbortController();
    const probe = call(models.route(['a']), abort);
    while (rig.breakers.state('c', 'a', 'u') !== 'closed') await new Promise(setImmediate);
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
    expect(rig.breakers.state('c', 'b', 'u')).toBe('closed');
  });

  it('counts answers that begin and break off', async () => {
    models = new ScriptedModels();
    models.will('a', ...Array.from({ length: 3 }, () => [start, text('Hel'), failure('network')]));
    await open();
    expect(rig.breakers.state('c', 'a', 'u')).toBe('open');
  });
});
