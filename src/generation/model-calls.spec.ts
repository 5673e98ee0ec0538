import { beforeEach, describe, expect, it } from '@jest/globals';
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
} from './__fixtures__/scripted-models.js';
import { down, said, tell, type Told } from './__fixtures__/told-call.js';

let models: ScriptedModels;
let rig: Calls;

beforeEach(() => {
  models = new ScriptedModels();
  rig = modelCalls();
});

function call(route: ModelRoute, abort?: AbortController, calls = rig): Promise<Told> {
  return tell(calls, route, abort);
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

  it('asks nobody, and has no target, for whoever has already left', async () => {
    const abort = new AbortController();
    const error = new Error('gone');
    abort.abort(error);
    expect(await call(models.route(['a']), abort)).toMatchObject({
      error,
      target: undefined,
    });
    expect(models.called).toEqual([]);
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
