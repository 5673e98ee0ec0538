import { describe, expect, it } from '@jest/globals';
import { expectMessage, readMessageStream, type WireEvent } from '../../../test/support/anthropic-wire.js';
import { DomainError } from '../../common/domain-error.js';
import { collect } from '../../llm-providers/contract/collect.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import { MessageStreamEncoder } from './message-stream-encoder.js';
import { toMessage } from './message.js';

const head = { id: 'msg_1', model: 'asked' };
const start: GenerateEvent = { type: 'start', model: 'answering' };
const usage = {
  inputTokens: 10,
  outputTokens: 5,
  cachedInputTokens: 4,
  cacheWriteInputTokens: 3,
  reasoningTokens: 2,
};
const finish: GenerateEvent = { type: 'finish', reason: 'stop', rawReason: 'stop', usage };

function encoder(): MessageStreamEncoder {
  return new MessageStreamEncoder({ ...head, requestId: 'req_1', inputTokens: () => 7 });
}

function said(...events: readonly GenerateEvent[]): readonly WireEvent[] {
  const { encode } = encoder();
  return readMessageStream([start, ...events].map(encode).join(''));
}

/** What the blocks come to, as a client adds them up. */
function blocksOf(events: readonly WireEvent[]): unknown[] {
  const blocks: Record<string, unknown>[] = [];
  for (const event of events) {
    if (event.type === 'content_block_start')
      blocks.push({ ...(event['content_block'] as object), json: '' });
    if (event.type !== 'content_block_delta') continue;
    const delta = event['delta'] as Record<string, string>;
    const block = blocks[event['index'] as number] ?? {};
    for (const [from, to] of [
      ['text', 'text'],
      ['thinking', 'thinking'],
      ['partial_json', 'json'],
    ] as const) {
      if (delta[from] !== undefined) block[to] = String(block[to]) + delta[from];
    }
    if (delta['signature'] !== undefined) block['signature'] = delta['signature'];
  }
  return blocks.map(({ json, ...block }) =>
    block['type'] === 'tool_use'
      ? { ...block, input: JSON.parse(json === '' ? '{}' : String(json)) as unknown }
      : block,
  );
}

async function both(...events: readonly GenerateEvent[]): Promise<unknown[]> {
  const streamed = blocksOf(said(...events, finish));
  const message = toMessage(head, await collect([start, ...events, finish]));
  expectMessage(message);
  expect((message as { content: unknown }).content).toEqual(streamed);
  return streamed;
}

describe('an answer in the events of Anthropic', () => {
  it('begins with our count of the prompt and ends with that of the vendor, what was cached beside it', () => {
    const events = said({ type: 'text', text: 'Hi' }, finish);
    expect(events[0]).toMatchObject({
      message: {
        id: 'msg_1',
        model: 'answering',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 7, output_tokens: 0 },
      },
    });
    expect(events.at(-2)).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 3,
        output_tokens: 5,
        output_tokens_details: { thinking_tokens: 2 },
        server_tool_use: null,
      },
    });
  });

  it('is nothing but its frame when the model says nothing', () => {
    expect(said(finish).map(({ type }) => type)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  it('says text and reasoning in blocks of their own, signed where they are', async () => {
    expect(
      await both(
        { type: 'reasoning', text: 'Let me ' },
        { type: 'reasoning', text: 'see' },
        { type: 'reasoning', text: '', signature: 's1' },
        { type: 'reasoning', text: '', redacted: 'r1' },
        { type: 'reasoning', text: '', signature: 's2' },
        { type: 'reasoning', text: 'unsigned' },
        { type: 'text', text: 'One ' },
        { type: 'text', text: 'moment.' },
      ),
    ).toEqual([
      { type: 'thinking', thinking: 'Let me see', signature: 's1' },
      { type: 'redacted_thinking', data: 'r1' },
      { type: 'thinking', thinking: '', signature: 's2' },
      { type: 'thinking', thinking: 'unsigned', signature: '' },
      { type: 'text', text: 'One moment.', citations: null },
    ]);
  });

  it('says calls one after the other, though the model made them at once', async () => {
    const call = (id: string, input: unknown): object => ({
      type: 'tool_use',
      id,
      name: 'look',
      input,
      caller: { type: 'direct' },
    });
    expect(
      await both(
        { type: 'text', text: 'Look:' },
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-start', id: 'b', name: 'look' },
        { type: 'tool-call-delta', id: 'b', input: '{"b":' },
        { type: 'tool-call-delta', id: 'a', input: '{"a":' },
        { type: 'tool-call-start', id: 'c', name: 'look' },
        { type: 'tool-call-end', id: 'c' },
        { type: 'tool-call-delta', id: 'b', input: '1}' },
        { type: 'tool-call-delta', id: 'a', input: '2}' },
        { type: 'tool-call-end', id: 'b' },
        { type: 'tool-call-end', id: 'a' },
        { type: 'text', text: 'Done.' },
      ),
    ).toEqual([
      { type: 'text', text: 'Look:', citations: null },
      call('a', { a: 2 }),
      call('b', { b: 1 }),
      call('c', {}),
      { type: 'text', text: 'Done.', citations: null },
    ]);
  });

  it('gives the pieces of the first call as they come', () => {
    const { encode } = encoder();
    encode(start);
    encode({ type: 'tool-call-start', id: 'a', name: 'look' });
    expect(encode({ type: 'tool-call-delta', id: 'a', input: '{' })).toContain('"partial_json":"{"');
  });

  it('ends what nobody ended', () => {
    const events = said(
      { type: 'tool-call-start', id: 'a', name: 'look' },
      { type: 'tool-call-start', id: 'b', name: 'look' },
      finish,
    );
    expect(blocksOf(events)).toHaveLength(2);
  });

  it('puts the signature of a call before it', async () => {
    const [thinking, call] = await both(
      { type: 'tool-call-start', id: 'a', name: 'look', signature: 'of google' },
      { type: 'tool-call-end', id: 'a' },
    );
    expect(thinking).toEqual({ type: 'thinking', thinking: '', signature: 'parley.tool_call.of google' });
    expect(call).toMatchObject({ type: 'tool_use', id: 'a' });
  });

  it.each([
    ['stop', 'stop', 'end_turn'],
    ['length', 'max_tokens', 'max_tokens'],
    ['length', 'model_context_window_exceeded', 'model_context_window_exceeded'],
    ['tool_calls', 'tool_calls', 'tool_use'],
    ['content_filter', 'SAFETY', 'refusal'],
    ['other', 'pause_turn', 'pause_turn'],
    ['other', 'of_tomorrow', 'end_turn'],
  ] as const)('ends for %s (%s) with %s', (reason, rawReason, expected) => {
    const delta = said({ type: 'finish', reason, rawReason, usage }).at(-2);
    expect(delta).toMatchObject({
      delta: { stop_reason: expected, stop_details: expected === 'refusal' ? { type: 'refusal' } : null },
    });
  });

  it('ends with its calls where the reason means nothing', () => {
    const events = said(
      { type: 'tool-call-start', id: 'a', name: 'look' },
      { type: 'finish', reason: 'other', rawReason: 'of_tomorrow', usage },
    );
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' } });
  });

  it('breaks off with an error and nothing after it', () => {
    const { encode, fail } = encoder();
    const broken =
      encode(start) + encode({ type: 'text', text: 'Hel' }) + fail(new DomainError('PROVIDER_TIMEOUT'));
    expect(readMessageStream(broken).at(-1)).toMatchObject({
      type: 'error',
      error: { type: 'timeout_error' },
      request_id: 'req_1',
    });
  });

  it('shows a call that is no object as what the model wrote', async () => {
    const result = await collect([
      start,
      { type: 'tool-call-start', id: 'a', name: 'look' },
      { type: 'tool-call-delta', id: 'a', input: '[1' },
      finish,
    ]);
    expect(toMessage(head, result)).toMatchObject({ content: [{ input: { INVALID_JSON: '[1' } }] });
  });
});
