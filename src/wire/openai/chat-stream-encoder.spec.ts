import { describe, expect, it } from '@jest/globals';
import { chatCompletionChunk, mistakesIn, streamed } from '../../../test/support/openai-shapes.js';
import type { GenerateEvent } from '../../llm-providers/contract/generate-event.js';
import { ChatStreamEncoder } from './chat-stream-encoder.js';

interface Chunk {
  readonly model: string;
  readonly choices: { readonly delta: Record<string, unknown>; readonly finish_reason: string | null }[];
}

function chunksOf(...events: readonly GenerateEvent[]): Chunk[] {
  const encoder = new ChatStreamEncoder({ id: 'chatcmpl-1', created: 1, model: 'asked' }, false);
  const chunks = streamed(events.map((event) => encoder.encode(event)).join('')) as Chunk[];
  expect(chunks.flatMap((chunk) => mistakesIn(chunk, chatCompletionChunk))).toEqual([]);
  return chunks;
}

const finish = { type: 'finish', reason: 'stop', rawReason: 'STOP' } as const;

describe('ChatStreamEncoder', () => {
  it('never leaves the arguments of a call empty, and says tool_calls for a vendor that says stop', () => {
    const chunks = chunksOf(
      { type: 'start' },
      { type: 'tool-call-start', id: 'a', name: 'f', signature: 'sig' },
      { type: 'tool-call-end', id: 'a' },
      { type: 'tool-call-start', id: 'b', name: 'g' },
      { type: 'tool-call-delta', id: 'b', input: '{"x":1}' },
      { type: 'tool-call-end', id: 'b' },
      finish,
    );
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta['tool_calls'] ?? [])).toEqual([
      {
        ...{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
        extra_content: { google: { thought_signature: 'sig' } },
      },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
      { index: 1, function: { arguments: '{"x":1}' } },
    ]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('begins with the role, and has the model that the vendor says answers', () => {
    const chunks = chunksOf({ type: 'start', model: 'dated' }, { type: 'text', text: 'Hi' }, finish);
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant' });
    expect(chunks.map(({ model }) => model)).toEqual(['dated', 'dated', 'dated']);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });
});
