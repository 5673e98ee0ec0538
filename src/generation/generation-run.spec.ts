import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../common/clock.js';
import type { EmbeddedValues } from '../config/registry.js';
import {
  failure,
  finish,
  modelCalls,
  quickConfiguration,
  readableLog,
  ScriptedModels,
  start,
  text,
  type Step,
} from './__fixtures__/scripted-models.js';
import type { JournalEvent } from './generation-event.js';
import { GenerationRuns, type GenerationRun, type Outcome } from './generation-run.js';

interface Rig {
  readonly models: ScriptedModels;
  readonly run: GenerationRun;
  readonly events: JournalEvent[];
  readonly lines: readonly Record<string, unknown>[];
}

type Load = NonNullable<Parameters<typeof modelCalls>[0]>['load'];

function rig(script: readonly (readonly Step[])[], changes: EmbeddedValues = {}, load?: Load): Rig {
  const models = new ScriptedModels();
  models.will('test', ...script);
  const settings = { 'generation.maxAnswerCharacters': 100, 'generation.maxDurationMs': 5000, ...changes };
  const { calls } = modelCalls({ settings, ...(load === undefined ? {} : { load }) });
  const { log, lines } = readableLog();
  const events: JournalEvent[] = [];
  const run = new GenerationRuns(calls, new SystemClock(), log, quickConfiguration(settings)).prepare({
    hasGap: () => false,
    route: models.route(['test']),
    requestOf: ({ model }) => ({ model: model.id, messages: [] }),
    temperatureOf: () => 0.5,
    tokensOf: () => ({ inputTokens: 3, maxOutputTokens: undefined }),
    requestId: 'req_test',
    onEvent: (event) => events.push(event),
  });
  return { models, run, events, lines };
}

function textIn({ answer }: Outcome): string {
  return answer.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

describe('a generation', () => {
  it('is complete only with the finish of the provider', async () => {
    const { run } = rig([[start, text('Hello '), text('there'), finish]]);
    const outcome = await run.run();
    expect(outcome.failure).toBeUndefined();
    expect(textIn(outcome)).toBe('Hello there');
    expect(outcome.answer).toMatchObject({
      status: 'complete',
      finishReason: 'stop',
      provider: 'c',
      temperature: 0.5,
      providerModel: 'test-2026',
      inputTokens: 3,
      outputTokens: 2,
      errorCode: undefined,
    });
  });

  it.each([
    ['that ends without a finish', [start, text('Hel')]],
    ['that is truncated', [start, text('Hel'), failure('invalid_response', { truncated: true })]],
  ])('is interrupted by a stream %s, and keeps what arrived', async (_name, steps: Step[]) => {
    const outcome = await rig([steps]).run.run();
    expect(outcome.answer.status).toBe('interrupted');
    expect(outcome.failure?.code).toBe('GENERATION_INTERRUPTED');
    expect(textIn(outcome)).toBe('Hel');
    expect(outcome.answer.finishReason).toBeUndefined();
  });

  it('names the model that was asked when its vendor does not say which answers', async () => {
    const { answer } = await rig([[{ type: 'start' }, text('Hi'), finish]]).run.run();
    expect(answer.providerModel).toBe('test');
  });

  it('is an error after a failure behind the first token, and is not tried again', async () => {
    const { run, models } = rig([[start, text('Hel'), failure('overloaded')]]);
    const outcome = await run.run();
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_OVERLOADED' });
    expect(textIn(outcome)).toBe('Hel');
    expect(models.called).toHaveLength(1);
  });

  it('is tried again before the first token, and says so', async () => {
    const { run, models, events } = rig([
      [failure('overloaded')],
      [start, failure('network')],
      [start, text('Hi'), finish],
    ]);
    const outcome = await run.run();
    expect(outcome.answer.status).toBe('complete');
    expect(models.called).toHaveLength(3);
    expect(events.map(({ type }) => type)).toEqual(['status', 'status', 'token']);
  });

  it('is tried at most three times', async () => {
    const { run, models } = rig([[failure('rate_limit')], [failure('rate_limit')], [failure('rate_limit')]]);
    const outcome = await run.run();
    expect(models.called).toHaveLength(3);
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_RATE_LIMITED' });
  });

  it.each(['authentication', 'invalid_request', 'context_length', 'content_filter', 'not_found'] as const)(
    'is not tried again after %s',
    async (code) => {
      const { run, models } = rig([[failure(code)]]);
      expect((await run.run()).answer.status).toBe('error');
      expect(models.called).toHaveLength(1);
    },
  );

  it('does not wait longer for a retry than for a silent model', async () => {
    const { run, models } = rig([[failure('rate_limit', { retryAfterMs: 60_000 })]]);
    const outcome = await run.run();
    expect(models.called).toHaveLength(1);
    expect(outcome.failure?.retryAfterMs).toBe(60_000);
  });

  it('waits as long as the provider asks', async () => {
    const { run } = rig([[failure('rate_limit', { retryAfterMs: 150 })], [start, text('Hi'), finish]]);
    const { answer } = await run.run();
    expect(answer.status).toBe('complete');
    expect(answer.durationMs).toBeGreaterThanOrEqual(149);
  });

  it('times out when the first token does not come, after retries', async () => {
    const { run, models } = rig([['silence'], ['silence'], ['silence']], {
      'generation.firstTokenTimeoutMs': 100,
    });
    expect((await run.run()).answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_TIMEOUT' });
    expect(models.called).toHaveLength(3);
  });

  it('times out when the model stalls, and keeps what arrived', async () => {
    const { run, models } = rig([[start, text('Hel'), 'silence']], { 'generation.idleTimeoutMs': 100 });
    const outcome = await run.run();
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_TIMEOUT' });
    expect(textIn(outcome)).toBe('Hel');
    expect(models.called).toHaveLength(1);
  });

  it.each([
    ['cancelled', 'cancelled', 'GENERATION_CANCELLED'],
    ['interrupted', 'interrupted', 'GENERATION_INTERRUPTED'],
  ] as const)('that is stopped as %s ends so, and keeps what arrived', async (reason, status, code) => {
    const { run, events } = rig([[start, text('Hel'), 'silence']]);
    const ended = run.run();
    while (events.length === 0) await new Promise(setImmediate);
    run.stop(reason);
    const outcome = await ended;
    expect(outcome.answer).toMatchObject({ status, errorCode: code });
    expect(textIn(outcome)).toBe('Hel');
  });

  it('can be stopped while it waits to try again', async () => {
    const { run, events, models } = rig([[failure('overloaded', { retryAfterMs: 1500 })]]);
    const ended = run.run();
    while (events.length === 0) await new Promise(setImmediate);
    run.stop('cancelled');
    expect((await ended).answer.status).toBe('cancelled');
    expect(models.called).toHaveLength(1);
  });

  it('is cut off when the answer grows beyond its limit', async () => {
    const outcome = await rig([[start, text('x'.repeat(101)), finish]]).run.run();
    expect(outcome.answer).toMatchObject({ status: 'interrupted', errorCode: 'ANSWER_TOO_LONG' });
  });

  it('is cut off when it takes longer than its limit', async () => {
    const outcome = await rig([[start, text('x'), 'silence']], { 'generation.maxDurationMs': 100 }).run.run();
    expect(outcome.answer).toMatchObject({ status: 'interrupted', errorCode: 'ANSWER_TOO_LONG' });
  });

  it('is interrupted, and not tried again, when a tool call breaks off', async () => {
    const { run, models } = rig([
      [
        start,
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-delta', id: 'a', input: '{"at":' },
        failure('invalid_response', { truncated: true, retryable: true }),
      ],
    ]);
    expect((await run.run()).answer.status).toBe('interrupted');
    expect(models.called).toHaveLength(1);
  });

  it('is cut off when the input of a tool call grows beyond the limit', async () => {
    const { run } = rig([
      [
        start,
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-delta', id: 'a', input: 'x'.repeat(101) },
        'silence',
      ],
    ]);
    expect((await run.run()).answer).toMatchObject({ status: 'interrupted', errorCode: 'ANSWER_TOO_LONG' });
  });

  it('tells a whole tool call at its end', async () => {
    const { run, events } = rig([
      [
        start,
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-delta', id: 'a', input: '{"at":' },
        { type: 'tool-call-delta', id: 'a', input: '"it"}' },
        { type: 'tool-call-end', id: 'a' },
        finish,
      ],
    ]);
    await run.run();
    expect(events).toEqual([{ type: 'tool_call', id: 'a', name: 'look', input: '{"at":"it"}' }]);
  });

  it.each([
    ['DATABASE_UNAVAILABLE', new Error('Connection terminated unexpectedly')],
    ['INTERNAL_ERROR', new TypeError('oops')],
  ])(
    'that fails for our own reasons is %s, is no failure of the provider, and is in the log',
    async (code, error) => {
      const { run, lines } = rig([], {}, () => {
        throw error;
      });
      const outcome = await run.run();
      expect(outcome.answer).toMatchObject({ status: 'error', errorCode: code });
      expect(outcome.failure?.code).toBe(code);
      expect(lines).toMatchObject([{ level: 'error', code, err: { stack: expect.any(String) } }]);
    },
  );

  it('says PROVIDER_FAILED of a defect of an adapter', async () => {
    const { run, lines } = rig([[new TypeError('oops')]]);
    expect((await run.run()).failure?.code).toBe('PROVIDER_FAILED');
    expect(lines).toEqual([]);
  });
});
