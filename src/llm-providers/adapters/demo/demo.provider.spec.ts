import { describe, expect, it } from '@jest/globals';
import { collect } from '../../contract/collect.js';
import type { Connection } from '../../contract/connection.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateMessage, GenerateRequest } from '../../contract/generate-request.js';
import { DemoProvider } from './demo.provider.js';
import { demoTokens } from './demo-tokens.js';

const connection: Connection = {
  id: 'demo',
  version: 1,
  kind: 'demo',
  name: 'Demo',
  baseUrl: 'demo:',
  timeouts: { connectMs: 5, headersMs: 5, idleMs: 5 },
};

const provider = new DemoProvider({ tokenDelayMs: 0 });
const call = { connection, signal: new AbortController().signal, requestId: 'r' };

function user(text: string): GenerateMessage {
  return { role: 'user', parts: [{ type: 'text', text }] };
}

function ask(text: string, fields: Partial<GenerateRequest> = {}): AsyncIterable<GenerateEvent> {
  return provider.stream({ model: 'demo', messages: [user(text)], ...fields }, call);
}

/** What came, as types, and the failure that ended it. */
async function outcome(
  events: AsyncIterable<GenerateEvent>,
): Promise<{ types: readonly string[]; error: unknown }> {
  const types: string[] = [];
  try {
    for await (const { type } of events) types.push(type);
    return { types, error: undefined };
  } catch (error) {
    return { types, error };
  }
}

describe('DemoProvider', () => {
  it('says that it is a demo, and what it was told', async () => {
    const { text } = await collect(ask('What is 東京?'));
    expect(text).toContain('demo');
    expect(text).toContain('What is 東京?');
  });

  it('answers the same to the same', async () => {
    expect(await collect(ask('Hello'))).toEqual(await collect(ask('Hello')));
  });

  it('counts what it reads and writes', async () => {
    const { text, usage } = await collect(ask('one two three', { systemPrompt: 'be brief' }));
    expect(usage).toEqual({ inputTokens: 5, outputTokens: demoTokens(text).length });
    expect(demoTokens(text).join('')).toBe(text);
  });

  it('stops at the maximum output', async () => {
    const result = await collect(ask('/long 10', { maxOutputTokens: 3 }));
    expect(result).toMatchObject({
      text: 'word1 word2 word3 ',
      reason: 'length',
      usage: { outputTokens: 3 },
    });
  });

  it.each(['/fail nonsense', '/dance', '/fail-after x overloaded', '/long -1', 'see /stall', '/delay'])(
    'takes %j for text',
    async (text) => {
      expect((await collect(ask(text))).text).toContain(`You said: ${text}`);
    },
  );

  it('fails before output', async () => {
    const { types, error } = await outcome(ask('/fail overloaded'));
    expect(types).toEqual([]);
    expect(error).toMatchObject({
      name: 'ProviderError',
      code: 'overloaded',
      retryable: true,
      truncated: false,
    });
  });

  it('fails after some words', async () => {
    const { types, error } = await outcome(ask('/fail-after 3 rate_limit'));
    expect(types).toEqual(['start', 'text', 'text', 'text']);
    expect(error).toMatchObject({ code: 'rate_limit', truncated: false });
  });

  it('breaks off without an end', async () => {
    const { types, error } = await outcome(ask('/truncate 2'));
    expect(types).toEqual(['start', 'text', 'text']);
    expect(error).toMatchObject({ code: 'invalid_response', truncated: true });
  });

  it('stalls until the idle time-out of the connection', async () => {
    const { types, error } = await outcome(ask('/stall'));
    expect(types).toEqual([]);
    expect(error).toMatchObject({ code: 'timeout' });
  });

  it('stalls until the signal aborts', async () => {
    const controller = new AbortController();
    const patient = { ...connection, timeouts: { ...connection.timeouts, idleMs: 60_000 } };
    const request = { model: 'demo', messages: [user('/long 1\n/stall')] };
    const events = provider.stream(request, { ...call, connection: patient, signal: controller.signal });
    const reason = new Error('enough');
    const { types, error } = await outcome(
      (async function* () {
        for await (const event of events) {
          yield event;
          if (event.type === 'text') setImmediate(() => controller.abort(reason));
        }
      })(),
    );
    expect(types).toEqual(['start', 'text']);
    expect(error).toBe(reason);
  });

  it('thinks first when told to, or always as demo-reasoning', async () => {
    for (const events of [ask('/reason\nWhy?'), ask('Why?', { model: 'demo-reasoning' })]) {
      const { parts, usage } = await collect(events);
      expect(parts.map(({ type }) => type)).toEqual(['reasoning', 'text']);
      expect(usage?.reasoningTokens).toBeGreaterThan(0);
    }
  });

  it('calls a tool, and reads its result', async () => {
    const called = await collect(ask('/tool search blue whales'));
    expect(called).toMatchObject({ reason: 'tool_calls', parts: [{ type: 'tool-call', name: 'search' }] });
    const [part] = called.parts;
    if (part?.type !== 'tool-call') throw new TypeError('no tool call');
    expect(JSON.parse(part.input)).toEqual({ query: 'blue whales' });

    const messages: readonly GenerateMessage[] = [
      user('/tool search blue whales'),
      { role: 'assistant', parts: called.parts },
      { role: 'tool', parts: [{ type: 'tool-result', callId: part.id, output: '30 metres' }] },
    ];
    expect((await collect(ask('', { messages }))).text).toContain('30 metres');
  });

  it('waits before each word as long as the connection says', async () => {
    const slow = { ...call, connection: { ...connection, options: { tokenDelayMs: 10 } } };
    const request = { model: 'demo', messages: [user('/long 5')] };
    const before = performance.now();
    await collect(provider.stream(request, slow));
    // Timers may fire up to a millisecond early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(45);
  });

  it('embeds texts with the same words near each other', async () => {
    const inputs = ['The blue whale', 'the BLUE whale!', 'quarterly tax report', ''];
    const { vectors, inputTokens } = await provider.embed({ model: 'demo-embedding', inputs });
    const [whale = [], same = [], other = [], empty = []] = vectors;
    expect(inputTokens).toBe(9);
    expect(same).toEqual(whale);
    expect(Math.hypot(...whale)).toBeCloseTo(1);
    expect(dot(whale, other)).toBeLessThan(0.5);
    expect(Math.hypot(...empty)).toBe(0);
  });
});

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
