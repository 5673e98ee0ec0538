import { describe, expect, it } from '@jest/globals';
import type { GenerateMessage, GenerateRequest } from '../../contract/generate-request.js';
import { ProviderError } from '../../contract/provider-error.js';
import { toCountTokensParams, toMessageParams } from './message-request.js';

const messages: readonly GenerateMessage[] = [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];
const tools = [{ name: 'look', inputSchema: { type: 'object' } }];

function params(fields: Partial<GenerateRequest> = {}): unknown {
  return toMessageParams({ model: 'claude-opus-4-6', messages, ...fields });
}

function refusalOf(fields: Partial<GenerateRequest>): unknown {
  try {
    params(fields);
  } catch (error) {
    return error instanceof ProviderError ? [error.code, error.param] : error;
  }
  return 'not refused';
}

describe('toMessageParams', () => {
  it.each([
    ['seed', 7],
    ['presencePenalty', 1],
    ['frequencyPenalty', 1],
    ['logitBias', { '50256': -100 }],
    ['topLogprobs', 0],
    ['metadata', { team: 'blue' }],
    ['extra', {}],
  ] as const)('refuses %s, for which the vendor has no word', (param, value) => {
    expect(refusalOf({ [param]: value })).toEqual(['unsupported', param]);
  });

  it('asks for a stream and for nothing that was not asked for, with as much output as the model has', () => {
    expect(params()).toEqual({
      model: 'claude-opus-4-6',
      max_tokens: 128_000,
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    });
    expect(params({ model: 'claude-nova-7' })).toMatchObject({ max_tokens: 32_000 });
    expect(params({ maxOutputTokens: 7 })).toMatchObject({ max_tokens: 7 });
  });

  it('passes on what the vendor has a word for', () => {
    const asked = {
      temperature: 0,
      topP: 0.5,
      topK: 5,
      stop: ['END'],
      user: 'u-1',
      serviceTier: 'standard_only',
    };
    expect(params(asked)).toMatchObject({
      temperature: 0,
      top_p: 0.5,
      top_k: 5,
      stop_sequences: ['END'],
      metadata: { user_id: 'u-1' },
      service_tier: 'standard_only',
    });
  });

  it('leaves out what is empty', () => {
    const fields = params({ systemPrompt: '', stop: [], tools: [], reasoning: {} });
    expect(fields).toEqual(params());
    expect(params({ systemPrompt: [{ type: 'text', text: '' }] })).toEqual(params());
  });

  describe('sampling', () => {
    it('leaves out temperature 1, which is what happens anyway', () => {
      expect(params({ temperature: 1 })).not.toHaveProperty('temperature');
    });

    it.each([
      [{ temperature: 0.5 }, 'temperature'],
      [{ topP: 1 }, 'topP'],
      [{ topK: 40 }, 'topK'],
    ])('refuses %j to a model whose sampling is fixed', (fields, param) => {
      expect(refusalOf({ model: 'claude-opus-5-5', ...fields })).toEqual(['unsupported', param]);
    });

    it('takes the defaults of such a model, and sends none', () => {
      const model = 'claude-haiku-5-5';
      expect(params({ model, temperature: 1, topP: 0.99 })).toEqual(params({ model }));
    });

    it.each([
      [{ temperature: 0.5 }, 'temperature'],
      [{ topP: 0.9 }, 'topP'],
      [{ topK: 40 }, 'topK'],
    ])('refuses %j beside thinking', (fields, param) => {
      expect(refusalOf({ reasoning: { effort: 'low' }, ...fields })).toEqual(['unsupported', param]);
      expect(refusalOf({ reasoning: { budgetTokens: 2000 }, ...fields })).toEqual(['unsupported', param]);
    });

    it('lets top_p be a little less beside thinking, and everything when thinking is off', () => {
      expect(params({ reasoning: { effort: 'low' }, topP: 0.95 })).toMatchObject({ top_p: 0.95 });
      expect(params({ reasoning: { effort: 'none' }, temperature: 0 })).toMatchObject({ temperature: 0 });
    });
  });

  describe('reasoning', () => {
    it.each([
      ['claude-opus-4-6', { effort: 'low' }, { type: 'adaptive', display: 'summarized' }, 'low'],
      ['claude-nova-7', { effort: 'xhigh' }, { type: 'adaptive', display: 'summarized' }, 'xhigh'],
      ['claude-opus-4-5', { effort: 'low' }, undefined, 'low'],
      ['claude-opus-4-6', { effort: 'none' }, { type: 'disabled' }, undefined],
      ['claude-opus-4-6', { budgetTokens: 0 }, { type: 'disabled' }, undefined],
      ['claude-sonnet-5-5', { budgetTokens: 0 }, { type: 'between_tools' }, undefined],
      ['claude-opus-5', { effort: 'high', budgetTokens: 0 }, { type: 'disabled' }, 'high'],
      [
        'claude-opus-4-5-20251101',
        { effort: 'high', budgetTokens: 1024 },
        { type: 'enabled', budget_tokens: 1024, display: 'summarized' },
        'high',
      ],
      [
        'claude-haiku-4-5',
        { budgetTokens: 63_999 },
        { type: 'enabled', budget_tokens: 63_999, display: 'summarized' },
        undefined,
      ],
    ])('of %s: %j', (model, reasoning, thinking, effort) => {
      const sent = toMessageParams({ model, messages, reasoning });
      expect(sent.thinking).toEqual(thinking);
      expect(sent.output_config).toEqual(effort === undefined ? undefined : { effort });
    });

    it.each([
      ['claude-haiku-4-5', { effort: 'low' }, 'unsupported', 'reasoning.effort'],
      ['claude-opus-5-5', { effort: 'none' }, 'unsupported', 'reasoning.effort'],
      ['claude-opus-5-5', { budgetTokens: 0 }, 'unsupported', 'reasoning.budgetTokens'],
      ['claude-sonnet-5', { budgetTokens: 2000 }, 'unsupported', 'reasoning.budgetTokens'],
      ['claude-opus-4-6', { budgetTokens: 1023 }, 'invalid_request', 'reasoning.budgetTokens'],
      ['claude-opus-4-6', { budgetTokens: 128_000 }, 'invalid_request', 'reasoning.budgetTokens'],
      ['claude-opus-4-6', { effort: 'none', budgetTokens: 2000 }, 'invalid_request', 'reasoning.effort'],
    ])('of %s is refused: %j', (model, reasoning, code, param) => {
      expect(refusalOf({ model, reasoning })).toEqual([code, param]);
    });

    it('keeps the budget within the output that was asked for', () => {
      const reasoning = { budgetTokens: 2000 };
      expect(refusalOf({ maxOutputTokens: 2000, reasoning })).toEqual([
        'invalid_request',
        'reasoning.budgetTokens',
      ]);
      expect(params({ maxOutputTokens: 2001, reasoning })).toMatchObject({
        thinking: { budget_tokens: 2000 },
      });
    });
  });

  describe('tools', () => {
    it('carries definitions with everything', () => {
      const tool = {
        name: 'look',
        description: 'Looks.',
        inputSchema: { type: 'object', properties: { at: { type: 'string' } } },
        strict: true,
        cacheControl: { ttl: '1h' },
      } as const;
      expect(params({ tools: [tool] })).toMatchObject({
        tools: [
          {
            name: 'look',
            description: 'Looks.',
            input_schema: { type: 'object', properties: { at: { type: 'string' } } },
            strict: true,
            cache_control: { type: 'ephemeral', ttl: '1h' },
          },
        ],
      });
    });

    it.each([
      [{ type: 'auto' }, undefined, { type: 'auto' }],
      [{ type: 'required' }, undefined, { type: 'any' }],
      [{ type: 'none' }, false, { type: 'none' }],
      [{ type: 'tool', name: 'look' }, true, { type: 'tool', name: 'look' }],
      [undefined, true, undefined],
      [undefined, false, { type: 'auto', disable_parallel_tool_use: true }],
      [{ type: 'required' }, false, { type: 'any', disable_parallel_tool_use: true }],
      [
        { type: 'tool', name: 'look' },
        false,
        { type: 'tool', name: 'look', disable_parallel_tool_use: true },
      ],
    ] as const)('choice %j, parallel %j', (toolChoice, parallelToolCalls, expected) => {
      const sent = toMessageParams({ model: 'm', messages, tools, toolChoice, parallelToolCalls });
      expect(sent.tool_choice).toEqual(expected);
    });

    it('says nothing of a choice when there is nothing to choose', () => {
      expect(params({ toolChoice: { type: 'none' }, parallelToolCalls: false })).toEqual(params());
    });

    it.each([{ type: 'required' }, { type: 'tool', name: 'look' }] as const)(
      'refuses to force %j upon a model that cannot be forced',
      (toolChoice) => {
        const model = 'claude-opus-5-5';
        expect(refusalOf({ model, tools, toolChoice })).toEqual(['unsupported', 'toolChoice']);
        expect(refusalOf({ model: 'claude-opus-5', tools, toolChoice })).toBe('not refused');
      },
    );
  });

  describe('response format', () => {
    it('refuses JSON without a schema', () => {
      expect(refusalOf({ responseFormat: { type: 'json' } })).toEqual(['unsupported', 'responseFormat']);
    });

    it('holds the answer to a schema, with its description, beside the effort', () => {
      const schema = { type: 'object', properties: {}, additionalProperties: false };
      const responseFormat = { type: 'json-schema', name: 'n', description: 'A thing.', schema } as const;
      expect(params({ responseFormat, reasoning: { effort: 'low' } })).toMatchObject({
        output_config: {
          effort: 'low',
          format: { type: 'json_schema', schema: { ...schema, description: 'A thing.' } },
        },
      });
    });
  });
});

describe('toCountTokensParams', () => {
  it('asks with all that counts and nothing else', () => {
    const sent = toCountTokensParams({
      model: 'claude-opus-4-6',
      messages,
      systemPrompt: 'Be brief.',
      tools,
      toolChoice: { type: 'auto' },
      stop: ['END'],
      user: 'u-1',
      temperature: 1,
      maxOutputTokens: 5000,
      serviceTier: 'auto',
      reasoning: { budgetTokens: 2000 },
      responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } },
    });
    expect(sent).toEqual({
      model: 'claude-opus-4-6',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      system: 'Be brief.',
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      tool_choice: { type: 'auto' },
      thinking: { type: 'enabled', budget_tokens: 2000, display: 'summarized' },
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
    });
  });
});
