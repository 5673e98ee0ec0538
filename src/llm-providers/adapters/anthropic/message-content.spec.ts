import { describe, expect, it } from '@jest/globals';
import type { GenerateMessage, GenerateRequest } from '../../contract/generate-request.js';
import { toMessageParams } from './message-request.js';

const messages: readonly GenerateMessage[] = [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];

function params(fields: Partial<GenerateRequest>): unknown {
  return toMessageParams({ model: 'claude-opus-4-6', messages, ...fields });
}

function contentOf(...sent: readonly GenerateMessage[]): unknown {
  return toMessageParams({ model: 'm', messages: sent }).messages;
}

describe('content of toMessageParams', () => {
  it('marks what to remember, in the system prompt and in messages', () => {
    const cacheControl = { ttl: '5m' } as const;
    const marked = { type: 'ephemeral', ttl: '5m' };
    const sent = toMessageParams({
      model: 'm',
      systemPrompt: [
        { type: 'text', text: 'Be brief.', cacheControl },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [
        { role: 'user', parts: [{ type: 'text', text: 'Hi', cacheControl: {} }] },
        {
          role: 'assistant',
          parts: [{ type: 'tool-call', id: 'a', name: 'look', input: '{}', cacheControl }],
        },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', output: 'seen', cacheControl }] },
      ],
    });
    expect(sent.system).toEqual([
      { type: 'text', text: 'Be brief.', cache_control: marked },
      { type: 'text', text: 'Be kind.' },
    ]);
    expect(sent.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'a', name: 'look', input: {}, cache_control: marked }],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'a', content: 'seen', cache_control: marked }],
      },
    ]);
    expect(params({ systemPrompt: 'Be brief.' })).toMatchObject({ system: 'Be brief.' });
  });

  it('gives thinking back as it came, in its place, and leaves out what has no proof', () => {
    const turn = contentOf({
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'Hm.', signature: 's1' },
        { type: 'reasoning', text: '', redacted: 'r1' },
        { type: 'reasoning', text: '', signature: 's2' },
        { type: 'reasoning', text: 'of another vendor' },
        { type: 'text', text: 'So.' },
        { type: 'reasoning', text: 'Again.', signature: 's3' },
        { type: 'tool-call', id: 'a', name: 'look', input: '{"at":1}', signature: 'of another vendor' },
      ],
    });
    expect(turn).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 's1' },
          { type: 'redacted_thinking', data: 'r1' },
          { type: 'thinking', thinking: '', signature: 's2' },
          { type: 'text', text: 'So.' },
          { type: 'thinking', thinking: 'Again.', signature: 's3' },
          { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } },
        ],
      },
    ]);
  });

  it('joins the results of parallel calls, and what the user says then, in one turn', () => {
    const image = {
      type: 'image',
      source: { type: 'base64', mediaType: 'image/png', data: 'iVBO' },
    } as const;
    const turns = contentOf(
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', output: 'lost', isError: true }] },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'b', output: [{ type: 'text', text: 'see' }, image] },
          { type: 'tool-result', callId: 'c', output: '' },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'And?' }] },
    );
    expect(turns).toEqual([
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: 'lost', is_error: true },
          {
            type: 'tool_result',
            tool_use_id: 'b',
            content: [
              { type: 'text', text: 'see' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBO' } },
            ],
          },
          { type: 'tool_result', tool_use_id: 'c' },
          { type: 'text', text: 'And?' },
        ],
      },
    ]);
  });

  it('leaves out empty text, and turns in which nobody says anything', () => {
    const turns = contentOf(
      {
        role: 'user',
        parts: [
          { type: 'text', text: '' },
          { type: 'text', text: 'Hi' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'text', text: '' },
          { type: 'reasoning', text: 'unsigned' },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'Hello?' }] },
    );
    expect(turns).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'Hello?' },
        ],
      },
    ]);
  });

  it('passes on where an image is', () => {
    const source = { type: 'url', url: 'https://example.com/a.png' } as const;
    expect(contentOf({ role: 'user', parts: [{ type: 'image', source, detail: 'auto' }] })).toEqual([
      { role: 'user', content: [{ type: 'image', source }] },
    ]);
  });

  it.each(['low', 'high'] as const)('refuses an image in %s detail', (detail) => {
    const source = { type: 'url', url: 'https://example.com/a.png' } as const;
    const image = { type: 'image', source, detail } as const;
    expect(() => contentOf({ role: 'user', parts: [image] })).toThrow(
      expect.objectContaining({ code: 'unsupported', param: 'messages.parts.detail' }),
    );
  });

  it.each([
    ['', {}],
    ['{"at":1}', { at: 1 }],
    ['{"at":', { INVALID_JSON: '{"at":' }],
    ['[1]', { INVALID_JSON: '[1]' }],
  ])('gives the arguments %j back as an object', (input, expected) => {
    const turns = contentOf({
      role: 'assistant',
      parts: [{ type: 'tool-call', id: 'a', name: 'look', input }],
    });
    expect(turns).toMatchObject([{ content: [{ input: expected }] }]);
  });
});
