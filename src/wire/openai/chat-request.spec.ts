import { describe, expect, it } from '@jest/globals';
import { toChatRequest } from './chat-request.js';

const messages = [{ role: 'user', content: 'Hi' }];
const tool = (name: string) => ({ type: 'function', function: { name } });
const asked = (fields: Record<string, unknown>) => toChatRequest({ model: 'm', messages, ...fields });

describe('toChatRequest', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a role that nobody knows', { messages: [{ role: 'critic', content: 'x' }] }, 'messages[0].role'],
    ['a message without a role', { messages: [{ content: 'x' }] }, 'messages[0].role'],
    ['a message that is none', { messages: ['x'] }, 'messages[0]'],
    ['no message', { messages: [] }, 'messages'],
    [
      'an image of nowhere',
      { messages: [image('file:///etc/passwd')] },
      'messages[0].content[0].image_url.url',
    ],
    ['a function result', { messages: [{ role: 'function', name: 'f', content: 'x' }] }, 'messages[0].role'],
    ['a bias that is no number', { logit_bias: { 5: 'x' } }, 'logit_bias.5'],
    ['metadata that are no text', { metadata: { a: 1 } }, 'metadata.a'],
    ['top_logprobs alone', { top_logprobs: 2 }, 'logprobs'],
    [
      'a choice of a custom tool',
      { tool_choice: { type: 'custom', custom: { name: 'x' } } },
      'tool_choice.type',
    ],
    ['a format of its own', { response_format: { type: 'grammar' } }, 'response_format.type'],
    ['an unknown field of a tool', { tools: [{ ...tool('a'), cost: 1 }] }, 'tools[0].cost'],
    ['stop texts that are none', { stop: [1] }, 'stop'],
  ])('refuses %s by its path', (_name, fields, param) => {
    expect(() => asked(fields)).toThrow(expect.objectContaining({ param }));
  });

  it('leaves out what changes nothing', () => {
    const nothing = {
      ...{
        n: 1,
        store: false,
        top_p: 1,
        presence_penalty: 0,
        frequency_penalty: 0,
        logit_bias: {},
        stop: [],
      },
      ...{ seed: null, tools: [], tool_choice: 'none', parallel_tool_calls: true, service_tier: 'auto' },
      ...{
        response_format: { type: 'text' },
        modalities: ['text'],
        metadata: {},
        logprobs: false,
        audio: null,
      },
      ...{ stream: true, stream_options: { include_usage: true, include_obfuscation: false }, functions: [] },
    };
    expect(asked(nothing)).toEqual({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }] });
  });

  it('keeps fields that it does not know for vendors who may', () => {
    expect(asked({ top_k: 3, verbosity: 'low', prediction: {} })).toMatchObject({
      extra: { top_k: 3, verbosity: 'low' },
    });
  });

  it('makes one system prompt of what system and developer say, wherever they say it', () => {
    const said = [
      { role: 'system', content: 'One.' },
      { role: 'user', content: 'Hi' },
      { role: 'developer', content: [{ type: 'text', text: 'Two.' }] },
    ];
    expect(asked({ messages: said })).toMatchObject({
      systemPrompt: 'One.\n\nTwo.',
      messages: [{ role: 'user' }],
    });
  });

  it('keeps calls, results, refusals, reasoning and images in their order', () => {
    const said = [
      {
        role: 'user',
        content: [{ type: 'text', text: 'See' }, ...image('data:image/png;base64,AAAA').content],
      },
      {
        role: 'assistant',
        content: null,
        refusal: null,
        annotations: [],
        reasoning_content: 'Hm.',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
          {
            ...{ id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
            extra_content: { google: { thought_signature: 'sig' } },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: '1', name: 'f' },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: '2' }] },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
    ];
    expect(asked({ messages: said }).messages).toEqual([
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'See' },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' }, detail: 'low' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'Hm.' },
          { type: 'tool-call', id: 'a', name: 'f', input: '{"x":1}' },
          { type: 'tool-call', id: 'b', name: 'g', input: '{}', signature: 'sig' },
        ],
      },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'a', output: '1' },
          { type: 'tool-result', callId: 'b', output: [{ type: 'text', text: '2' }] },
        ],
      },
      { role: 'assistant', parts: [{ type: 'text', text: 'No.' }] },
    ]);
  });

  it.each([
    ['required', { type: 'required' }, ['a', 'b']],
    ['none', { type: 'none' }, ['a', 'b']],
    ['auto', undefined, ['a', 'b']],
    [tool('b'), { type: 'tool', name: 'b' }, ['a', 'b']],
    [
      { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool('b')] } },
      { type: 'required' },
      ['b'],
    ],
  ])('takes the choice %j', (tool_choice, toolChoice, names) => {
    const request = asked({ tools: [tool('a'), tool('b')], tool_choice });
    expect(request.toolChoice).toEqual(toolChoice);
    expect(request.tools?.map(({ name }) => name)).toEqual(names);
  });
});

function image(url: string) {
  return { role: 'user', content: [{ type: 'image_url', image_url: { url, detail: 'low' } }] };
}
