import { describe, expect, it } from '@jest/globals';
import { readAnswerRequest, toProgramRequest } from './messages-request.js';

const bare = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] };
const tool = { name: 'look', input_schema: { type: 'object' } };
const inUser = (block: object): object => ({ messages: [{ role: 'user', content: [block] }] });
const inAssistant = (block: object): object => ({ messages: [{ role: 'assistant', content: [block] }] });
const picture = { type: 'base64', media_type: 'image/png', data: 'AAAA' };

describe('a request that is no request', () => {
  it.each([
    ['a list', [], 'INVALID_BODY', undefined],
    ['nothing', undefined, 'INVALID_BODY', undefined],
    ['no model', { ...bare, model: undefined }, 'VALIDATION_FAILED', 'model'],
    ['a model that cannot be', { ...bare, model: 'm'.repeat(500) }, 'MODEL_NOT_FOUND', undefined],
    ['no max_tokens', { ...bare, max_tokens: null }, 'VALIDATION_FAILED', 'max_tokens'],
    ['no tokens at all', { ...bare, max_tokens: 0 }, 'VALIDATION_FAILED', 'max_tokens'],
    ['half a token', { ...bare, max_tokens: 1.5 }, 'VALIDATION_FAILED', 'max_tokens'],
    ['a stream that is a text', { ...bare, stream: 'yes' }, 'VALIDATION_FAILED', 'stream'],
    ['no messages', { ...bare, messages: [] }, 'VALIDATION_FAILED', 'messages'],
    ['messages that are a text', { ...bare, messages: 'Hi' }, 'VALIDATION_FAILED', 'messages'],
    ['too many messages', { ...bare, messages: new Array(20_000).fill(0) }, 'VALIDATION_FAILED', 'messages'],
    ['too many tools', { ...bare, tools: new Array(2000).fill(tool) }, 'VALIDATION_FAILED', 'tools'],
  ])('is refused, wherever it goes: %s', (_name, body, code, param) => {
    expect(() => readAnswerRequest(body)).toThrow(expect.objectContaining({ code, param }));
  });

  it.each([
    [{ messages: ['Hi'] }, 'messages[0]'],
    [{ messages: [{ content: 'Hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'tool', content: 'Hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: 1 }] }, 'messages[0].content'],
    [inUser({ type: 'text' }), 'messages[0].content[0].text'],
    [
      inUser({ type: 'image', source: { type: 'base64', data: 'A' } }),
      'messages[0].content[0].source.media_type',
    ],
    [inUser({ type: 'tool_result', content: 'x' }), 'messages[0].content[0].tool_use_id'],
    [
      inUser({ type: 'text', text: 'x', cache_control: { type: 'forever' } }),
      'messages[0].content[0].cache_control.type',
    ],
    [inAssistant({ type: 'tool_use', id: 'a', name: 'b', input: 'text' }), 'messages[0].content[0].input'],
    [{ system: 1 }, 'system'],
    [{ tools: [{ name: 'look' }] }, 'tools[0].input_schema'],
    [{ tool_choice: { type: 'tool' } }, 'tool_choice.name'],
    [{ thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
    [{ stop_sequences: [1] }, 'stop_sequences[0]'],
    [{ temperature: '1' }, 'temperature'],
  ])('is refused where it is translated: %j', (change, param) => {
    expect(() => toProgramRequest({ ...bare, ...change })).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', param }),
    );
  });
});

describe('what only Anthropic can do', () => {
  it.each([
    [{ of_tomorrow: true }, 'of_tomorrow'],
    [{ container: 'c' }, 'container'],
    [{ cache_control: { type: 'ephemeral' } }, 'cache_control'],
    [{ speed: 'fast' }, 'speed'],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type'],
    [{ tools: [{ ...tool, input_examples: [{}] }] }, 'tools[0].input_examples'],
    [{ tools: [{ ...tool, defer_loading: true }] }, 'tools[0].defer_loading'],
    [{ tools: [{ ...tool, allowed_callers: ['code_execution_20250825'] }] }, 'tools[0].allowed_callers'],
    [{ tool_choice: { type: 'sometimes' } }, 'tool_choice.type'],
    [{ thinking: { type: 'between_tools' } }, 'thinking.type'],
    [{ thinking: { type: 'adaptive', display: 'omitted' } }, 'thinking.display'],
    [{ output_config: { format: { type: 'grammar' } } }, 'output_config.format.type'],
    [{ output_config: { task_budget: 1 } }, 'output_config.task_budget'],
    [{ metadata: { user_id: 'u', tag: 'x' } }, 'metadata.tag'],
    [inUser({ type: 'document', source: picture }), 'messages[0].content[0].type'],
    [inUser({ type: 'search_result' }), 'messages[0].content[0].type'],
    [inUser({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages[0].content[0].source.type'],
    [
      inUser({ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }),
      'messages[0].content[0].citations',
    ],
    [
      inUser({ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'document' }] }),
      'messages[0].content[0].content[0].type',
    ],
    [
      inAssistant({ type: 'server_tool_use', id: 'a', name: 'web_search', input: {} }),
      'messages[0].content[0].type',
    ],
    [
      inAssistant({
        type: 'tool_use',
        id: 'a',
        name: 'b',
        input: {},
        caller: { type: 'code_execution_20250825' },
      }),
      'messages[0].content[0].caller',
    ],
  ])('is refused by name: %j', (change, param) => {
    expect(() => toProgramRequest({ ...bare, ...change })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_PARAMETER', param }),
    );
  });
});

describe('a request in no vendor’s words', () => {
  it('has all that was asked for', () => {
    const cache_control = { type: 'ephemeral', ttl: '1h' };
    expect(
      toProgramRequest({
        ...bare,
        stream: true,
        system: [{ type: 'text', text: 'Be brief.', cache_control }],
        temperature: 0.5,
        top_p: 0.9,
        top_k: 5,
        stop_sequences: ['END'],
        tools: [
          {
            ...tool,
            type: 'custom',
            description: 'Looks.',
            strict: true,
            cache_control,
            eager_input_streaming: null,
          },
        ],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
        thinking: { type: 'enabled', budget_tokens: 2000 },
        output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
        metadata: { user_id: 'u-1' },
        service_tier: 'standard_only',
        container: null,
      }),
    ).toEqual({
      systemPrompt: [{ type: 'text', text: 'Be brief.', cacheControl: { ttl: '1h' } }],
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
      maxOutputTokens: 10,
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ['END'],
      tools: [
        {
          name: 'look',
          description: 'Looks.',
          inputSchema: { type: 'object' },
          strict: true,
          cacheControl: { ttl: '1h' },
        },
      ],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      responseFormat: { type: 'json-schema', name: 'output', schema: { type: 'object' }, strict: true },
      reasoning: { effort: 'high', budgetTokens: 2000 },
      user: 'u-1',
      serviceTier: 'standard_only',
    });
  });

  it('asks for nothing that is so anyway', () => {
    const { messages, maxOutputTokens, ...rest } = toProgramRequest({
      ...bare,
      thinking: { type: 'adaptive', display: 'summarized' },
      service_tier: 'auto',
      metadata: { user_id: null },
      tool_choice: { type: 'auto', disable_parallel_tool_use: false },
    });
    expect([messages.length, maxOutputTokens]).toEqual([1, 10]);
    expect(rest).toEqual({ toolChoice: { type: 'auto' } });
  });

  it.each([
    [{ type: 'disabled' }, { budgetTokens: 0 }],
    [{ type: 'enabled', budget_tokens: 1024 }, { budgetTokens: 1024 }],
  ])('thinks as it was told: %j', (thinking, reasoning) => {
    expect(toProgramRequest({ ...bare, thinking }).reasoning).toEqual(reasoning);
  });

  it('keeps the order of what was said, the results of tools as messages of their own', () => {
    const { messages, systemPrompt } = toProgramRequest({
      ...bare,
      system: 'First.',
      messages: [
        { role: 'user', content: 'Look' },
        { role: 'system', content: [{ type: 'text', text: 'Then.' }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 's' },
            { type: 'redacted_thinking', data: 'r' },
            { type: 'thinking', thinking: 'unsigned', signature: '' },
            { type: 'text', text: 'OK', citations: null },
            { type: 'thinking', thinking: '', signature: 'parley.tool_call.of google' },
            {
              type: 'tool_use',
              id: 'a',
              name: 'look',
              input: { at: 1 },
              caller: { type: 'direct' },
              toolset_name: null,
            },
            { type: 'tool_use', id: 'b', name: 'look', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source: picture }] },
            { type: 'tool_result', tool_use_id: 'b', is_error: true },
            { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
    });
    expect(systemPrompt).toEqual([
      { type: 'text', text: 'First.' },
      { type: 'text', text: 'Then.' },
    ]);
    expect(messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'Look' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', signature: 's' },
          { type: 'reasoning', text: '', redacted: 'r' },
          { type: 'reasoning', text: 'unsigned' },
          { type: 'text', text: 'OK' },
          { type: 'tool-call', id: 'a', name: 'look', input: '{"at":1}', signature: 'of google' },
          { type: 'tool-call', id: 'b', name: 'look', input: '{}' },
        ],
      },
      {
        role: 'tool',
        parts: [
          {
            type: 'tool-result',
            callId: 'a',
            output: [{ type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } }],
          },
          { type: 'tool-result', callId: 'b', output: '', isError: true },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
          { type: 'text', text: 'And?' },
        ],
      },
    ]);
  });
});
