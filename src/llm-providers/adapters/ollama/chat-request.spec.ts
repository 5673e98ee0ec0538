import { describe, expect, it } from '@jest/globals';
import type { GenerateRequest } from '../../contract/generate-request.js';
import { toChatBody } from './chat-request.js';
import type { OllamaOptions } from './connection-options.js';

const request: GenerateRequest = {
  model: 'gemma4',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

const defaults: OllamaOptions = {
  keep_alive: undefined,
  num_ctx: undefined,
  truncate: false,
  shift: false,
  pull: false,
};

/** As it goes over the wire. */
function bodyOf(fields: Partial<GenerateRequest> = {}, options: Partial<OllamaOptions> = {}): unknown {
  return JSON.parse(JSON.stringify(toChatBody({ ...request, ...fields }, { ...defaults, ...options })));
}

function messagesOf(fields: Pick<GenerateRequest, 'messages'> & Partial<GenerateRequest>): unknown {
  return (bodyOf(fields) as { messages: unknown }).messages;
}

function image(fields: object = {}): GenerateRequest['messages'][number] {
  const source = { type: 'base64', mediaType: 'image/png', data: 'iVBORw0KGgo=' } as const;
  return {
    role: 'user',
    parts: [
      { type: 'text', text: 'What ' },
      { type: 'image', source, ...fields },
      { type: 'text', text: 'is this?' },
    ],
  };
}

describe('toChatBody', () => {
  it('asks for a stream that forgets nothing, and for nothing that was not asked for', () => {
    expect(bodyOf()).toEqual({
      model: 'gemma4',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      truncate: false,
      shift: false,
    });
  });

  it('passes every field on that Ollama has a word for', () => {
    const fields = {
      temperature: 0,
      topP: 0.5,
      topK: 7,
      maxOutputTokens: 99,
      stop: ['END', '\n\n'],
      seed: 0,
      presencePenalty: 0.1,
      frequencyPenalty: -0.2,
    };
    expect(bodyOf(fields, { num_ctx: 8192, keep_alive: -1, truncate: true, shift: true })).toMatchObject({
      options: {
        temperature: 0,
        top_p: 0.5,
        top_k: 7,
        num_predict: 99,
        stop: ['END', '\n\n'],
        seed: 0,
        presence_penalty: 0.1,
        frequency_penalty: -0.2,
        num_ctx: 8192,
      },
      keep_alive: -1,
      truncate: true,
      shift: true,
    });
  });

  it('leaves an empty list of stops out', () => {
    expect(bodyOf({ stop: [] })).not.toHaveProperty('options');
  });

  it.each([
    [{ logitBias: { 50256: -100 } }, 'logitBias'],
    [{ user: 'u' }, 'user'],
    [{ metadata: {} }, 'metadata'],
    [{ serviceTier: 'flex' }, 'serviceTier'],
    [{ extra: { x: 1 } }, 'extra.x'],
    [{ toolChoice: { type: 'required' } }, 'toolChoice'],
    [{ toolChoice: { type: 'tool', name: 'look' } }, 'toolChoice'],
    [{ parallelToolCalls: false }, 'parallelToolCalls'],
    [{ tools: [{ name: 'look', inputSchema: {}, strict: true }] }, 'tools.strict'],
    [{ reasoning: { budgetTokens: 1024 } }, 'reasoning.budgetTokens'],
    [{ messages: [image({ source: { type: 'url', url: 'https://x.test/' } })] }, 'messages.parts.source'],
    [{ messages: [image({ detail: 'high' })] }, 'messages.parts.detail'],
  ] as const)('refuses %j', (fields, param) => {
    expect(() => bodyOf(fields)).toThrow(expect.objectContaining({ code: 'unsupported', param }));
  });

  describe('tools', () => {
    const inputSchema = { type: 'object', properties: { at: { type: 'string' } } };
    const tools = [{ name: 'look', description: 'Looks.', inputSchema, strict: false }];
    const sent = [
      { type: 'function', function: { name: 'look', description: 'Looks.', parameters: inputSchema } },
    ];

    it.each([undefined, { type: 'auto' } as const])('tells of them when the choice is %j', (toolChoice) => {
      expect(bodyOf({ tools, toolChoice, parallelToolCalls: true })).toMatchObject({ tools: sent });
    });

    it.each([
      { tools, toolChoice: { type: 'none' } as const },
      { tools: [], toolChoice: { type: 'auto' } as const },
    ])('tells of none for %j', (fields) => {
      expect(bodyOf(fields)).not.toHaveProperty('tools');
    });
  });

  it.each([
    [{ effort: 'none' }, false],
    [{ effort: 'false' }, false],
    [{ budgetTokens: 0 }, false],
    [{ effort: 'none', budgetTokens: 0 }, false],
    [{}, true],
    [{ effort: 'true' }, true],
    [{ effort: 'low' }, 'low'],
    [{ effort: 'medium' }, 'medium'],
    [{ effort: 'high' }, 'high'],
    [{ effort: 'max' }, 'max'],
  ])('thinks as asked: %j', (reasoning, think) => {
    expect(bodyOf({ reasoning })).toMatchObject({ think });
  });

  it('refuses to think hard with nothing to think in', () => {
    const fields = { reasoning: { effort: 'high', budgetTokens: 0 } };
    expect(() => bodyOf(fields)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'reasoning.effort' }),
    );
  });

  it.each([
    [{ type: 'json' } as const, 'json'],
    [
      { type: 'json-schema', name: 'n', schema: { type: 'object' }, strict: true } as const,
      { type: 'object' },
    ],
    [
      { type: 'json-schema', name: 'n', description: 'D', schema: { type: 'object' } } as const,
      { type: 'object', description: 'D' },
    ],
  ])('asks for the format %j', (responseFormat, format) => {
    expect(bodyOf({ responseFormat })).toMatchObject({ format });
  });

  it('asks for log probabilities, with alternatives if there are to be any', () => {
    expect(bodyOf({ topLogprobs: 3 })).toMatchObject({ logprobs: true, top_logprobs: 3 });
    expect(bodyOf({ topLogprobs: 0 })).toMatchObject({ logprobs: true });
    expect(bodyOf({ topLogprobs: 0 })).not.toHaveProperty('top_logprobs');
  });

  describe('messages', () => {
    it('carries a whole conversation with thoughts and tools', () => {
      const messages = messagesOf({
        systemPrompt: [
          { type: 'text', text: 'Be ', cacheControl: {} },
          { type: 'text', text: 'brief.' },
        ],
        messages: [
          ...request.messages,
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'Two ' },
              { type: 'reasoning', text: 'tools.', signature: 's' },
              { type: 'reasoning', text: '', redacted: 'r' },
              { type: 'text', text: 'Wait.' },
              { type: 'tool-call', id: 'a', name: 'look', input: '{"at":"it"}', signature: 's' },
              { type: 'tool-call', id: 'b', name: 'listen', input: '' },
            ],
          },
          {
            role: 'tool',
            parts: [
              { type: 'tool-result', callId: 'b', output: 'heard', isError: true },
              { type: 'tool-result', callId: 'a', output: [{ type: 'text', text: 'seen' }] },
            ],
          },
        ],
      });
      expect(messages).toEqual([
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: 'Wait.',
          thinking: 'Two tools.',
          tool_calls: [
            { id: 'a', function: { name: 'look', arguments: { at: 'it' } } },
            { id: 'b', function: { name: 'listen', arguments: {} } },
          ],
        },
        { role: 'tool', content: 'heard', tool_name: 'listen', tool_call_id: 'b' },
        { role: 'tool', content: 'seen', tool_name: 'look', tool_call_id: 'a' },
      ]);
    });

    it('gives a result the name of the last call with its id, or none', () => {
      const call = (name: string): GenerateRequest['messages'][number] => ({
        role: 'assistant',
        parts: [{ type: 'tool-call', id: 'a', name, input: '{}' }],
      });
      const result = (callId: string): GenerateRequest['messages'][number] => ({
        role: 'tool',
        parts: [{ type: 'tool-result', callId, output: '' }],
      });
      expect(
        messagesOf({ messages: [call('one'), result('a'), call('two'), result('a'), result('z')] }),
      ).toEqual([
        expect.objectContaining({ role: 'assistant' }),
        expect.objectContaining({ tool_name: 'one' }),
        expect.objectContaining({ role: 'assistant' }),
        expect.objectContaining({ tool_name: 'two' }),
        { role: 'tool', content: '', tool_call_id: 'z' },
      ]);
    });

    it.each(['not JSON', '[1]', '"x"', 'null'])('keeps arguments that are no object: %s', (input) => {
      const parts = [{ type: 'tool-call', id: 'a', name: 'look', input } as const];
      expect(messagesOf({ messages: [{ role: 'assistant', parts }] })).toMatchObject([
        { tool_calls: [{ function: { arguments: { INVALID_JSON: input } } }] },
      ]);
    });

    it('sends images beside the text, also those of tools', () => {
      const content = { content: 'What is this?', images: ['iVBORw0KGgo='] };
      const { parts } = image({ detail: 'auto' });
      const output = parts as Extract<typeof parts, readonly { type: 'text' | 'image' }[]>;
      const result = { type: 'tool-result', callId: 'a', output } as const;
      expect(messagesOf({ messages: [image(), { role: 'tool', parts: [result] }] })).toEqual([
        { role: 'user', ...content },
        { role: 'tool', ...content, tool_call_id: 'a' },
      ]);
    });

    it('leaves an empty system prompt out', () => {
      expect(messagesOf({ systemPrompt: '', messages: [] })).toEqual([]);
    });
  });
});
