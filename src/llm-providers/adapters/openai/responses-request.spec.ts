import { describe, expect, it } from '@jest/globals';
import type { AssistantPart, GenerateRequest } from '../../contract/generate-request.js';
import type { OpenAiKind } from './openai-kind.js';
import { toResponseParams } from './responses-request.js';

const request: GenerateRequest = {
  model: 'gpt-4.1',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};
const inputSchema = { type: 'object', properties: {} };
const encrypted = 'reasoning.encrypted_content';

interface Setting {
  readonly kind?: OpenAiKind;
  readonly reasoningSummary?: 'detailed' | 'none';
}

function body(fields: Partial<GenerateRequest>, { kind = 'openai', reasoningSummary }: Setting = {}): object {
  return toResponseParams({ ...request, ...fields }, kind, { reasoningSummary });
}

function inputOf(...parts: readonly AssistantPart[]): object {
  return body({ messages: [{ role: 'assistant', parts }] });
}

describe('toResponseParams', () => {
  it.each([
    ['topK', { topK: 40 }],
    ['stop', { stop: ['END'] }],
    ['seed', { seed: 0 }],
    ['presencePenalty', { presencePenalty: 1 }],
    ['frequencyPenalty', { frequencyPenalty: -1 }],
    ['logitBias', { logitBias: { 50256: -100 } }],
    ['reasoning.budgetTokens', { reasoning: { budgetTokens: 1024 } }],
    ['reasoning.budgetTokens', { reasoning: { effort: 'high', budgetTokens: 0 } }],
  ])('refuses %s: %j', (param, fields) => {
    expect(() => body(fields)).toThrow(expect.objectContaining({ code: 'unsupported', param }));
  });

  it('asks for a stream that nobody stores, and for nothing that was not asked for', () => {
    expect(body({ stop: [], presencePenalty: 0, frequencyPenalty: 0, logitBias: {}, tools: [] })).toEqual({
      model: 'gpt-4.1',
      input: [{ role: 'user', content: 'Hi' }],
      stream: true,
      store: false,
    });
  });

  it.each([
    [{ systemPrompt: 'Be brief.' }, { instructions: 'Be brief.' }],
    [
      {
        systemPrompt: [
          { type: 'text', text: 'Be ' },
          { type: 'text', text: 'brief.' },
        ],
      },
      { instructions: 'Be brief.' },
    ],
    [{ maxOutputTokens: 64 }, { max_output_tokens: 64 }],
    [{ temperature: 0 }, { temperature: 0 }],
    [{ topP: 0.5 }, { top_p: 0.5 }],
    [{ topLogprobs: 2 }, { top_logprobs: 2, include: ['message.output_text.logprobs'] }],
    [{ topLogprobs: 0 }, { top_logprobs: 0, include: ['message.output_text.logprobs'] }],
    [
      { tools: [{ name: 'look', description: 'Looks.', inputSchema, strict: true }] },
      {
        tools: [
          { type: 'function', name: 'look', description: 'Looks.', parameters: inputSchema, strict: true },
        ],
      },
    ],
    [
      { tools: [{ name: 'look', inputSchema }] },
      { tools: [{ type: 'function', name: 'look', parameters: inputSchema, strict: false }] },
    ],
    [{ toolChoice: { type: 'auto' } }, { tool_choice: 'auto' }],
    [{ toolChoice: { type: 'none' } }, { tool_choice: 'none' }],
    [{ toolChoice: { type: 'required' } }, { tool_choice: 'required' }],
    [{ toolChoice: { type: 'tool', name: 'look' } }, { tool_choice: { type: 'function', name: 'look' } }],
    [{ parallelToolCalls: false }, { parallel_tool_calls: false }],
    [{ responseFormat: { type: 'json' } }, { text: { format: { type: 'json_object' } } }],
    [
      {
        responseFormat: {
          type: 'json-schema',
          name: 'n',
          description: 'd',
          schema: inputSchema,
          strict: true,
        },
      },
      {
        text: {
          format: { type: 'json_schema', name: 'n', description: 'd', schema: inputSchema, strict: true },
        },
      },
    ],
    [{ user: 'u' }, { safety_identifier: 'u' }],
    [{ extra: { safety_identifier: 'u' } }, { safety_identifier: 'u' }],
    [{ metadata: { a: 'b' } }, { metadata: { a: 'b' } }],
    [{ serviceTier: 'flex' }, { service_tier: 'flex' }],
    [{ extra: { prompt_cache_key: 'k' } }, { prompt_cache_key: 'k' }],
    [{ extra: { verbosity: 'low' } }, { text: { verbosity: 'low' } }],
    [{ extra: { stream: false, store: true, model: 'x' } }, { stream: true, store: false, model: 'gpt-4.1' }],
  ] as const)('says %j as %j', (fields, expected) => {
    const { model, input, stream, store, ...rest } = { ...body({}), ...body(fields) } as Record<
      string,
      unknown
    >;
    const asked = 'store' in expected ? { model, stream, store } : rest;
    expect(input).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(asked).toEqual(expected);
  });

  it('says the user of other servers in the word that they know', () => {
    expect(body({ user: 'u' }, { kind: 'azure-openai' })).toMatchObject({ user: 'u' });
  });

  describe('reasoning', () => {
    const low = { reasoning: { effort: 'low' } };
    const reasons = { model: 'gpt-5.6' };

    it.each([
      [low, {}, { reasoning: { effort: 'low', summary: 'auto' }, include: [encrypted] }],
      [low, { reasoningSummary: 'none' }, { reasoning: { effort: 'low' }, include: [encrypted] }],
      [low, { reasoningSummary: 'detailed' }, { reasoning: { summary: 'detailed' } }],
      [
        { reasoning: { effort: 'low', summary: 'concise' } },
        { reasoningSummary: 'detailed' },
        { reasoning: { summary: 'concise' } },
      ],
      [reasons, {}, { include: [encrypted] }],
      [
        reasons,
        { reasoningSummary: 'detailed' },
        { reasoning: { summary: 'detailed' }, include: [encrypted] },
      ],
      [{ ...reasons, topLogprobs: 1 }, {}, { include: [encrypted, 'message.output_text.logprobs'] }],
    ] as const)('of %j with %j asks for %j', (fields, setting, expected) => {
      expect(body(fields, setting)).toMatchObject(expected);
    });

    it.each([{ effort: 'none' }, { budgetTokens: 0 }])('asks for nothing to show of %j', (reasoning) => {
      const sent = body({ ...reasons, reasoning }, { reasoningSummary: 'detailed' });
      expect(sent).toMatchObject({ reasoning: { effort: 'none' } });
      expect(sent).not.toHaveProperty('include');
      expect(sent).not.toHaveProperty('reasoning.summary');
    });

    it('asks a model that does not reason for none', () => {
      const sent = body({}, { reasoningSummary: 'detailed' });
      expect(sent).not.toHaveProperty('include');
      expect(sent).not.toHaveProperty('reasoning');
    });
  });

  describe('conversation', () => {
    it('carries everything in its order', () => {
      const image = {
        type: 'image',
        source: { type: 'base64', mediaType: 'image/png', data: 'AA==' },
      } as const;
      const sent = body({
        messages: [
          { role: 'user', parts: [{ type: 'text', text: 'What is this?' }, image] },
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'Looking', signature: '{"id":"rs_1","encrypted_content":"gAAA"}' },
              { type: 'text', text: 'Let me look.' },
              { type: 'reasoning', text: '', signature: '{"encrypted_content":"gBBB"}' },
              { type: 'tool-call', id: 'call_a', name: 'look', input: '{"at":1}' },
              { type: 'tool-call', id: 'call_b', name: 'listen', input: '' },
            ],
          },
          {
            role: 'tool',
            parts: [
              { type: 'tool-result', callId: 'call_a', output: 'a cat' },
              {
                type: 'tool-result',
                callId: 'call_b',
                isError: true,
                output: [
                  { type: 'text', text: 'seen' },
                  {
                    type: 'image',
                    source: { type: 'url', url: 'https://example.com/a.png' },
                    detail: 'high',
                  },
                ],
              },
            ],
          },
        ],
      });
      expect(sent).toMatchObject({
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is this?' },
              { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'auto' },
            ],
          },
          {
            type: 'reasoning',
            id: 'rs_1',
            encrypted_content: 'gAAA',
            summary: [{ type: 'summary_text', text: 'Looking' }],
          },
          { role: 'assistant', content: 'Let me look.' },
          { type: 'reasoning', encrypted_content: 'gBBB', summary: [] },
          { type: 'function_call', call_id: 'call_a', name: 'look', arguments: '{"at":1}' },
          { type: 'function_call', call_id: 'call_b', name: 'listen', arguments: '' },
          { type: 'function_call_output', call_id: 'call_a', output: 'a cat' },
          {
            type: 'function_call_output',
            call_id: 'call_b',
            output: [
              { type: 'input_text', text: 'seen' },
              { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'high' },
            ],
          },
        ],
      });
    });

    it.each([
      { text: 'unsigned' },
      { text: 'of Anthropic', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrk==' },
      { text: 'of nobody', signature: '7' },
      { text: 'of nobody', signature: '{"id":"rs_1"}' },
      { text: '', redacted: 'EmwKAhgBEgy3va3pzix' },
    ])('leaves out reasoning that OpenAI did not sign: %j', (part) => {
      const sent = inputOf({ type: 'reasoning', ...part }, { type: 'text', text: 'Yes.' });
      expect(sent).toMatchObject({ input: [{ role: 'assistant', content: 'Yes.' }] });
    });

    it('leaves out text that is none', () => {
      expect(inputOf({ type: 'text', text: '' })).toMatchObject({ input: [] });
    });
  });
});
