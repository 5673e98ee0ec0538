import { describe, expect, it } from '@jest/globals';
import { parseJsonEventStream, uiMessageChunkSchema, type UIMessageChunk } from 'ai';
import fc from 'fast-check';
import { DomainError } from '../../common/domain-error.js';
import type { GenerationEvent } from '../../generation/generation-event.js';
import { UiMessageEncoder } from './ui-message-encoder.js';

const start: GenerationEvent = {
  type: 'message_start',
  userMessageId: 'msg_user',
  threadId: 'thread_1',
  modelId: 'demo',
  timestamp: '2026-11-21T00:00:00.000Z',
};
const complete: GenerationEvent = {
  type: 'message_complete',
  totalTokens: 10,
  usage: { inputTokens: 7, outputTokens: 3, cachedTokens: null },
  finishReason: 'stop',
  timestamp: '2026-11-21T00:00:01.000Z',
};
const close: GenerationEvent = { type: 'close' };
const token = (text: string): GenerationEvent => ({ type: 'token', token: text });
const reasoning = (text: string, signature?: string): GenerationEvent => ({
  type: 'reasoning',
  token: text,
  ...(signature === undefined ? {} : { signature }),
});

function encode(...events: GenerationEvent[]): string {
  const encoder = new UiMessageEncoder('msg_1');
  return events.map((event, index) => encoder.encode({ number: index + 1, event })).join('');
}

/** As the SDK reads it. */
async function read(lines: string): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  const stream = new Blob([lines]).stream();
  for await (const chunk of parseJsonEventStream({ stream, schema: uiMessageChunkSchema })) {
    if (!chunk.success) throw chunk.error;
    chunks.push(chunk.value);
  }
  return chunks;
}

describe('the encoding of an answer', () => {
  it('has start, text, finish and the terminator', async () => {
    const lines = encode(start, token('Hel'), token('lo'), complete, close);
    expect(lines.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
    expect(await read(lines)).toEqual([
      {
        type: 'start',
        messageId: 'msg_1',
        messageMetadata: {
          threadId: 'thread_1',
          userMessageId: 'msg_user',
          modelId: 'demo',
          createdAt: '2026-11-21T00:00:00.000Z',
        },
      },
      { type: 'text-start', id: 'text-0' },
      { type: 'text-delta', id: 'text-0', delta: 'Hel' },
      { type: 'text-delta', id: 'text-0', delta: 'lo' },
      { type: 'text-end', id: 'text-0' },
      {
        type: 'finish',
        finishReason: 'stop',
        messageMetadata: {
          status: 'complete',
          usage: { inputTokens: 7, outputTokens: 3, cachedTokens: null, totalTokens: 10 },
          finishedAt: '2026-11-21T00:00:01.000Z',
        },
      },
    ]);
  });

  it('opens and closes parts as text, reasoning and tool calls take turns', async () => {
    const call: GenerationEvent = { type: 'tool_call', id: 'call_1', name: 'look', input: '{"at":[1]}' };
    const chunks = await read(
      encode(
        reasoning('a'),
        token('b'),
        reasoning('c', 'signed'),
        reasoning('d'),
        token(''),
        call,
        token('e'),
      ),
    );
    expect(chunks.map((chunk) => ('id' in chunk ? `${chunk.type} ${chunk.id ?? ''}` : chunk.type))).toEqual([
      ...['reasoning-start reasoning-0', 'reasoning-delta reasoning-0', 'reasoning-end reasoning-0'],
      ...['text-start text-1', 'text-delta text-1', 'text-end text-1'],
      ...['reasoning-start reasoning-2', 'reasoning-delta reasoning-2', 'reasoning-end reasoning-2'],
      ...['reasoning-start reasoning-3', 'reasoning-delta reasoning-3', 'reasoning-end reasoning-3'],
      ...['tool-input-start', 'tool-input-available'],
      ...['text-start text-4', 'text-delta text-4'],
    ]);
    expect(chunks.at(-4)).toEqual({
      ...{ type: 'tool-input-start', toolCallId: 'call_1', toolName: 'look', dynamic: true },
    });
    expect(chunks.at(-3)).toMatchObject({ toolCallId: 'call_1', toolName: 'look', input: { at: [1] } });
    expect(JSON.stringify(chunks)).not.toContain('signed');
  });

  it('says of tool input that is not JSON that it failed', async () => {
    const chunks = await read(encode({ type: 'tool_call', id: 'call_1', name: 'look', input: '{"a' }));
    expect(chunks.at(-1)).toMatchObject({ type: 'tool-input-error', toolCallId: 'call_1', input: '{"a' });
  });

  it('tells what goes on meanwhile in data that does not stay', async () => {
    const status: GenerationEvent = { type: 'status', status: 'loading', modelId: 'demo', progress: 0.5 };
    expect(await read(encode(status))).toEqual([
      {
        type: 'data-status',
        transient: true,
        data: { status: 'loading', modelId: 'demo', progress: 0.5 },
      },
    ]);
  });

  it.each([
    ['length', 'length'],
    ['tool_calls', 'tool-calls'],
    ['content_filter', 'content-filter'],
    ['max_tokens', 'other'],
    ['constructor', 'other'],
  ])('has a finish reason that the SDK knows for %s', async (finishReason, expected) => {
    expect(await read(encode({ ...complete, finishReason }))).toMatchObject([{ finishReason: expected }]);
  });

  it('never ends a failure as if it were good', async () => {
    const failed: GenerationEvent = {
      ...{ type: 'error', code: 'GENERATION_INTERRUPTED', message: 'Cut off.', retryable: true },
    };
    const lines = encode(token('Hel'), failed, close);
    expect(lines).not.toContain('[DONE]');
    expect((await read(lines)).slice(-3)).toEqual([
      { type: 'text-end', id: 'text-0' },
      {
        type: 'message-metadata',
        messageMetadata: { status: 'error', errorCode: 'GENERATION_INTERRUPTED', retryable: true },
      },
      { type: 'error', errorText: 'Cut off. (GENERATION_INTERRUPTED)' },
    ]);
  });

  it('is an abort when somebody stopped it', async () => {
    const stopped: GenerationEvent = {
      ...{ type: 'error', code: 'GENERATION_CANCELLED', message: 'Stopped.', retryable: false },
    };
    const lines = encode(token('Hel'), stopped, close);
    expect(lines).not.toContain('[DONE]');
    expect((await read(lines)).slice(-2)).toEqual([
      {
        type: 'message-metadata',
        messageMetadata: { status: 'cancelled', errorCode: 'GENERATION_CANCELLED' },
      },
      { type: 'abort', reason: 'Stopped.' },
    ]);
  });

  it('ends with why its reader may not read on', async () => {
    const encoder = new UiMessageEncoder('msg_1');
    const opened = encoder.encode({ number: 1, event: token('Hel') });
    const refused = encoder.refuse(new DomainError('SESSION_ENDED'));
    expect((await read(opened + refused)).slice(-2)).toMatchObject([
      { type: 'text-end' },
      { type: 'error', errorText: expect.stringContaining('(SESSION_ENDED)') },
    ]);
  });

  it('cannot be broken by any text, and joins to exactly that', async () => {
    const anyText = fc.string({
      unit: fc.constantFrom('\n', '\r', '\u2028', '\0', 'data: [DONE]', 'a', '😀'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyText), async (texts) => {
        const chunks = await read(encode(...texts.map(token)));
        const joined = chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');
        expect(joined).toBe(texts.join(''));
      }),
      { numRuns: 50 },
    );
  });
});
