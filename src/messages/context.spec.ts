import { describe, expect, it } from '@jest/globals';
import { assembleContext } from './context.js';
import type { EarlierMessage, MessagePart } from './message.js';

function message(role: EarlierMessage['role'], content: string, parts?: MessagePart[]): EarlierMessage {
  return { role, content, parts: parts ?? [{ type: 'text', text: content }] };
}

const unlimited = { contextLength: undefined, maxOutputTokens: undefined, systemPrompt: undefined };

describe('the context of a message', () => {
  it('is refused when not even the new message fits', () => {
    const limits = { ...unlimited, contextLength: 100, maxOutputTokens: 50 };
    expect(() => assembleContext([], 'x'.repeat(200), limits)).toThrow(
      expect.objectContaining({ code: 'CONTEXT_LENGTH_EXCEEDED', param: 'content' }),
    );
  });

  it('is refused when the system prompt leaves no room', () => {
    const limits = { contextLength: 100, maxOutputTokens: 10, systemPrompt: 'y'.repeat(300) };
    expect(() => assembleContext([], 'hello', limits)).toThrow(
      expect.objectContaining({ code: 'CONTEXT_LENGTH_EXCEEDED' }),
    );
  });

  it('is everything, oldest first, when the limit is unknown', () => {
    const history = [message('assistant', 'two'), message('user', 'one')];
    expect(assembleContext(history, 'three', unlimited)).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'one' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'two' }] },
      { role: 'user', parts: [{ type: 'text', text: 'three' }] },
    ]);
  });

  it('leaves out the oldest when not everything fits, without gaps', () => {
    const history = [
      message('assistant', 'a'.repeat(60)),
      message('user', 'b'.repeat(600)),
      message('user', 'c'),
    ];
    const context = assembleContext(history, 'new', {
      ...unlimited,
      contextLength: 200,
      maxOutputTokens: 50,
    });
    expect(context.map(({ role }) => role)).toEqual(['assistant', 'user']);
  });

  it('counts text of any script safely', () => {
    const limits = { ...unlimited, contextLength: 100, maxOutputTokens: 10 };
    expect(() => assembleContext([], '漢'.repeat(90), limits)).toThrow();
  });

  it('leaves out answers of which nothing arrived, reasoning, and calls without results', () => {
    const history = [
      message('assistant', ''),
      message('assistant', 'text', [
        { type: 'reasoning', text: 'unsigned' },
        { type: 'reasoning', text: 'signed', signature: 's' },
        { type: 'tool_call', id: '1', name: 'look', input: '{}' },
        { type: 'text', text: 'text' },
      ]),
    ];
    expect(assembleContext(history, 'new', unlimited)[0]).toEqual({
      role: 'assistant',
      parts: [{ type: 'text', text: 'text' }],
    });
  });
});
