import { describe, expect, it } from '@jest/globals';
import { collect } from './collect.js';
import type { GenerateEvent } from './generate-event.js';

async function* streamOf(
  ...events: readonly GenerateEvent[]
): AsyncGenerator<GenerateEvent, void, undefined> {
  for (const event of events) {
    await Promise.resolve();
    yield event;
  }
}

const finish: GenerateEvent = {
  type: 'finish',
  reason: 'tool_calls',
  rawReason: 'tool_use',
  usage: { inputTokens: 1, outputTokens: 2 },
};

describe('collect', () => {
  it('refuses a stream without a finish: an adapter that has a defect', async () => {
    await expect(collect(streamOf({ type: 'start' }, { type: 'text', text: 'a' }))).rejects.toThrow('finish');
  });

  it('passes a failure on', async () => {
    const failure = new Error('down');
    async function* failing(): AsyncGenerator<GenerateEvent, void, undefined> {
      yield* streamOf({ type: 'start' });
      throw failure;
    }
    await expect(collect(failing())).rejects.toBe(failure);
  });

  it('joins neighbours, keeps the order, and ends reasoning at its signature', async () => {
    const result = await collect(
      streamOf(
        { type: 'start', model: 'm-2026', requestId: 'r' },
        { type: 'reasoning', text: 'let me ' },
        { type: 'reasoning', text: 'see' },
        { type: 'reasoning', text: '', signature: 's1' },
        { type: 'reasoning', text: 'again' },
        { type: 'text', text: 'One ' },
        { type: 'text', text: 'moment.' },
        { type: 'tool-call-start', id: 'a', name: 'look' },
        { type: 'tool-call-start', id: 'b', name: 'listen' },
        { type: 'tool-call-delta', id: 'a', input: '{"at":' },
        { type: 'tool-call-delta', id: 'b', input: '{}' },
        { type: 'tool-call-delta', id: 'a', input: '1}' },
        { type: 'tool-call-end', id: 'a' },
        { type: 'tool-call-end', id: 'b' },
        { type: 'text', text: 'Done.' },
        finish,
      ),
    );
    expect(result).toEqual({
      model: 'm-2026',
      requestId: 'r',
      reason: 'tool_calls',
      rawReason: 'tool_use',
      usage: { inputTokens: 1, outputTokens: 2 },
      text: 'One moment.Done.',
      parts: [
        { type: 'reasoning', text: 'let me see', signature: 's1' },
        { type: 'reasoning', text: 'again' },
        { type: 'text', text: 'One moment.' },
        { type: 'tool-call', id: 'a', name: 'look', input: '{"at":1}' },
        { type: 'tool-call', id: 'b', name: 'listen', input: '{}' },
        { type: 'text', text: 'Done.' },
      ],
    });
  });
});
