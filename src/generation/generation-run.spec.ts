import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../common/clock.js';
import type { GenerateEvent } from '../llm-providers/contract/generate-event.js';
import type { CallContext, ModelProvider } from '../llm-providers/contract/model-provider.js';
import { ProviderError, type ProviderErrorOptions } from '../llm-providers/contract/provider-error.js';
import type { GenerationLimits } from './generation-call.js';
import type { JournalEvent } from './generation-event.js';
import { GenerationRun, type Outcome } from './generation-run.js';

const limits: GenerationLimits = {
  firstTokenTimeoutMs: 2000,
  idleTimeoutMs: 2000,
  maxDurationMs: 5000,
  maxAnswerCharacters: 100,
  maxAttempts: 3,
  retryBaseDelayMs: 1,
};

const start: GenerateEvent = { type: 'start', model: 'test-2026' };
const text = (words: string): GenerateEvent => ({ type: 'text', text: words });
const finish: GenerateEvent = {
  type: 'finish',
  reason: 'stop',
  rawReason: 'stop',
  usage: { inputTokens: 3, outputTokens: 2 },
};

/** What one call of the provider does, step by step: an event, a failure, or silence until the signal aborts. */
type Step = GenerateEvent | ProviderError | 'silence';

function failure(
  code: ProviderErrorOptions['code'],
  more: Partial<ProviderErrorOptions> = {},
): ProviderError {
  return new ProviderError({ provider: 'demo', code, ...more });
}

class ScriptedProvider implements ModelProvider {
  readonly kind = 'demo';
  calls = 0;

  constructor(private readonly script: readonly (readonly Step[])[]) {}

  async *stream(_request: unknown, { signal }: CallContext): AsyncGenerator<GenerateEvent> {
    const steps = this.script[this.calls++] ?? [];
    for (const step of steps) {
      if (step instanceof ProviderError) throw step;
      if (step === 'silence') await silence(signal);
      else yield step;
    }
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }

  listModels(): Promise<[]> {
    return Promise.resolve([]);
  }

  describeModel(id: string): ReturnType<ModelProvider['describeModel']> {
    return {
      id,
      name: id,
      provider: 'demo',
      capabilities: [],
      temperature: { min: 0, max: 2, step: 0.1, default: 1 },
    };
  }
}

function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

interface Rig {
  readonly provider: ScriptedProvider;
  readonly run: GenerationRun;
  readonly events: JournalEvent[];
}

function rig(script: readonly (readonly Step[])[], changes: Partial<GenerationLimits> = {}): Rig {
  const provider = new ScriptedProvider(script);
  const events: JournalEvent[] = [];
  const timeouts = { connectMs: 1, headersMs: 1, idleMs: 1 };
  const run = new GenerationRun(
    {
      target: {
        provider,
        model: provider.describeModel('test'),
        connection: { id: 'c', version: 1, kind: 'demo', name: 'c', baseUrl: '', timeouts },
      },
      request: { model: 'test', messages: [] },
      requestId: 'req_test',
      onEvent: (event) => events.push(event),
    },
    { ...limits, ...changes },
    new SystemClock(),
  );
  return { provider, run, events };
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

  it('is an error after a failure behind the first token, and is not tried again', async () => {
    const { run, provider } = rig([[start, text('Hel'), failure('overloaded')]]);
    const outcome = await run.run();
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_OVERLOADED' });
    expect(textIn(outcome)).toBe('Hel');
    expect(provider.calls).toBe(1);
  });

  it('is tried again before the first token, and says so', async () => {
    const { run, provider, events } = rig([
      [failure('overloaded')],
      [start, failure('network')],
      [start, text('Hi'), finish],
    ]);
    const outcome = await run.run();
    expect(outcome.answer.status).toBe('complete');
    expect(provider.calls).toBe(3);
    expect(events.map(({ type }) => type)).toEqual(['status', 'status', 'token']);
  });

  it('is tried at most three times', async () => {
    const { run, provider } = rig([
      [failure('rate_limit')],
      [failure('rate_limit')],
      [failure('rate_limit')],
    ]);
    const outcome = await run.run();
    expect(provider.calls).toBe(3);
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_RATE_LIMITED' });
  });

  it.each(['authentication', 'invalid_request', 'context_length', 'content_filter', 'not_found'] as const)(
    'is not tried again after %s',
    async (code) => {
      const { run, provider } = rig([[failure(code)]]);
      expect((await run.run()).answer.status).toBe('error');
      expect(provider.calls).toBe(1);
    },
  );

  it('does not wait longer for a retry than for a silent model', async () => {
    const { run, provider } = rig([[failure('rate_limit', { retryAfterMs: 60_000 })]]);
    const outcome = await run.run();
    expect(provider.calls).toBe(1);
    expect(outcome.failure?.retryAfterMs).toBe(60_000);
  });

  it('waits as long as the provider asks', async () => {
    const { run } = rig([[failure('rate_limit', { retryAfterMs: 150 })], [start, text('Hi'), finish]]);
    const { answer } = await run.run();
    expect(answer.status).toBe('complete');
    expect(answer.durationMs).toBeGreaterThanOrEqual(149);
  });

  it('times out when the first token does not come, after retries', async () => {
    const { run, provider } = rig([['silence'], ['silence'], ['silence']], { firstTokenTimeoutMs: 10 });
    expect((await run.run()).answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_TIMEOUT' });
    expect(provider.calls).toBe(3);
  });

  it('times out when the model stalls, and keeps what arrived', async () => {
    const { run, provider } = rig([[start, text('Hel'), 'silence']], { idleTimeoutMs: 10 });
    const outcome = await run.run();
    expect(outcome.answer).toMatchObject({ status: 'error', errorCode: 'PROVIDER_TIMEOUT' });
    expect(textIn(outcome)).toBe('Hel');
    expect(provider.calls).toBe(1);
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
    const { run, events, provider } = rig([[failure('overloaded', { retryAfterMs: 1500 })]]);
    const ended = run.run();
    while (events.length === 0) await new Promise(setImmediate);
    run.stop('cancelled');
    expect((await ended).answer.status).toBe('cancelled');
    expect(provider.calls).toBe(1);
  });

  it('is cut off when the answer grows beyond its limit', async () => {
    const outcome = await rig([[start, text('x'.repeat(101)), finish]]).run.run();
    expect(outcome.answer).toMatchObject({ status: 'interrupted', errorCode: 'ANSWER_TOO_LONG' });
  });

  it('is cut off when it takes longer than its limit', async () => {
    const outcome = await rig([[start, text('x'), 'silence']], { maxDurationMs: 10 }).run.run();
    expect(outcome.answer).toMatchObject({ status: 'interrupted', errorCode: 'ANSWER_TOO_LONG' });
  });

  it('is interrupted, and not tried again, when a tool call breaks off', async () => {
    const { run, provider } = rig([
      [
        start,
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-delta', id: 'a', input: '{"at":' },
        failure('invalid_response', { truncated: true, retryable: true }),
      ],
    ]);
    expect((await run.run()).answer.status).toBe('interrupted');
    expect(provider.calls).toBe(1);
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
});
