import { describe, expect, it } from '@jest/globals';
import type { GenerateRequest } from '../../contract/generate-request.js';
import { toChatCompletionParams } from './chat-completion-request.js';

const request: GenerateRequest = {
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};
const inputSchema = { type: 'object', properties: {} };

function body(fields: Partial<GenerateRequest>, kind: 'openai' | 'openai-compatible' = 'openai'): unknown {
  return toChatCompletionParams({ ...request, ...fields }, kind);
}

describe('toChatCompletionParams', () => {
  it.each([
    ['topK', { topK: 40 }],
    ['reasoning.budgetTokens', { reasoning: { budgetTokens: 1024 } }],
    ['reasoning.budgetTokens', { reasoning: { effort: 'low', budgetTokens: 0 } }],
    [
      'messages.parts.output',
      {
        messages: [
          {
            role: 'tool',
            parts: [
              {
                type: 'tool-result',
                callId: 'a',
                output: [{ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }],
              },
            ],
          },
        ],
      },
    ],
  ] as const)('refuses %s: %j', (param, fields) => {
    expect(() => body(fields)).toThrow(expect.objectContaining({ code: 'unsupported', param }));
  });

  it('asks for a stream with usage, and for nothing that was not asked for', () => {
    expect(body({})).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it.each([
    [
      { systemPrompt: 'Be brief.' },
      { messages: [{ role: 'system', content: 'Be brief.' }, expect.anything()] },
    ],
    [{ systemPrompt: '' }, { messages: [{ role: 'user', content: 'Hi' }] }],
    [{ temperature: 0 }, { temperature: 0 }],
    [{ topP: 0.5 }, { top_p: 0.5 }],
    [{ stop: ['END'] }, { stop: ['END'] }],
    [{ seed: 0 }, { seed: 0 }],
    [{ presencePenalty: 1 }, { presence_penalty: 1 }],
    [{ frequencyPenalty: -1 }, { frequency_penalty: -1 }],
    [{ logitBias: { 50256: -100 } }, { logit_bias: { 50256: -100 } }],
    [{ topLogprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    [{ topLogprobs: 0 }, { logprobs: true }],
    [
      { tools: [{ name: 'look', description: 'Looks.', inputSchema, strict: true }] },
      {
        tools: [
          {
            type: 'function',
            function: { name: 'look', description: 'Looks.', parameters: inputSchema, strict: true },
          },
        ],
      },
    ],
    [{ toolChoice: { type: 'required' } }, { tool_choice: 'required' }],
    [
      { toolChoice: { type: 'tool', name: 'look' } },
      { tool_choice: { type: 'function', function: { name: 'look' } } },
    ],
    [{ parallelToolCalls: false }, { parallel_tool_calls: false }],
    [{ responseFormat: { type: 'json' } }, { response_format: { type: 'json_object' } }],
    [
      { responseFormat: { type: 'json-schema', name: 'n', schema: inputSchema, strict: true } },
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'n', schema: inputSchema, strict: true },
        },
      },
    ],
    [{ reasoning: { effort: 'low' } }, { reasoning_effort: 'low' }],
    [{ reasoning: { budgetTokens: 0 } }, { reasoning_effort: 'none' }],
    [{ user: 'u' }, { user: 'u' }],
    [{ metadata: { a: 'b' } }, { metadata: { a: 'b' } }],
    [{ serviceTier: 'flex' }, { service_tier: 'flex' }],
    [{ extra: { prediction: { type: 'content' } } }, { prediction: { type: 'content' } }],
    [{ extra: { stream: false, model: 'x' } }, { stream: true, model: 'm' }],
  ] as const)('says %j as %j', (fields, expected) => {
    expect(body(fields)).toMatchObject(expected);
  });

  it('limits the output in the words of each kind', () => {
    const [ours, theirs] = [body({ maxOutputTokens: 7 }), body({ maxOutputTokens: 7 }, 'openai-compatible')];
    expect(ours).toMatchObject({ max_completion_tokens: 7 });
    expect(ours).not.toHaveProperty('max_tokens');
    expect(theirs).toMatchObject({ max_tokens: 7 });
    expect(theirs).not.toHaveProperty('max_completion_tokens');
  });

  it('carries a whole conversation, but no reasoning', () => {
    const sent = body({
      messages: [
        ...request.messages,
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hidden', signature: '{"encrypted_content":"hidden"}' },
            { type: 'tool-call', id: 'a', name: 'look', input: '{}' },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', output: 'seen' }] },
        { role: 'assistant', parts: [{ type: 'text', text: 'It is there.' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'And this?' },
            {
              type: 'image',
              source: { type: 'base64', mediaType: 'image/png', data: 'AA==' },
              detail: 'low',
            },
          ],
        },
      ],
    });
    expect(sent).toMatchObject({
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'seen' },
        { role: 'assistant', content: 'It is there.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'And this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
          ],
        },
      ],
    });
    expect(JSON.stringify(sent)).not.toContain('hidden');
  });
});
