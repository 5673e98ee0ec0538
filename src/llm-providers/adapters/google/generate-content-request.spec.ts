import { describe, expect, it } from '@jest/globals';
import type { GenerateMessage, GenerateRequest, UserPart } from '../../contract/generate-request.js';
import { toCountTokensBody, toGenerateContentBody } from './generate-content-request.js';

const hi: GenerateMessage = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] };
const request: GenerateRequest = { model: 'gemini-3.8-flash', messages: [hi] };
const look = { name: 'look', inputSchema: { type: 'object', additionalProperties: false } };

function bodyOf(fields: Partial<GenerateRequest>): ReturnType<typeof toGenerateContentBody> {
  return toGenerateContentBody({ ...request, ...fields });
}

function configOf(fields: Partial<GenerateRequest>): unknown {
  return bodyOf(fields).generationConfig;
}

function user(...parts: readonly UserPart[]): GenerateMessage {
  return { role: 'user', parts };
}

function call(id: string, name: string, input: string, signature?: string): GenerateMessage {
  const signed = signature === undefined ? {} : { signature };
  return { role: 'assistant', parts: [{ type: 'tool-call', id, name, input, ...signed }] };
}

function result(callId: string, output: string | readonly UserPart[], isError?: boolean): GenerateMessage {
  return { role: 'tool', parts: [{ type: 'tool-result', callId, output, isError }] };
}

describe('toGenerateContentBody', () => {
  it('sends nothing that nobody asked for', () => {
    expect(bodyOf({ systemPrompt: '', tools: [], stop: [], reasoning: {}, parallelToolCalls: true })).toEqual(
      {
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      },
    );
  });

  it.each([
    ['logitBias', { '7': 1 }],
    ['user', 'somebody'],
  ])('refuses %s, for which the vendor has no word', (param, value) => {
    expect(() => bodyOf({ [param]: value })).toThrow(expect.objectContaining({ code: 'unsupported', param }));
  });

  it('refuses by its own name a field that no contract knows', () => {
    const refusal = expect.objectContaining({ code: 'unsupported', param: 'extra.store' });
    expect(() => bodyOf({ extra: { store: true } })).toThrow(refusal);
  });

  it('refuses to have tools called one at a time, which the vendor cannot promise', () => {
    const refused = expect.objectContaining({ code: 'unsupported', param: 'parallelToolCalls' });
    expect(() => bodyOf({ parallelToolCalls: false, tools: [look] })).toThrow(refused);
    expect(bodyOf({ parallelToolCalls: false })).not.toHaveProperty('tools');
  });

  it('passes on how to sample and when to stop', () => {
    const sampling = {
      temperature: 0,
      topP: 0.5,
      topK: 3,
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
    };
    expect(configOf({ ...sampling, maxOutputTokens: 9, stop: ['END'], topLogprobs: 4 })).toEqual({
      ...sampling,
      maxOutputTokens: 9,
      stopSequences: ['END'],
      responseLogprobs: true,
      logprobs: 4,
    });
    expect(configOf({ topLogprobs: 0 })).toEqual({ responseLogprobs: true });
  });

  it('passes on labels and tier', () => {
    expect(bodyOf({ metadata: { team: 'blue' }, serviceTier: 'flex' })).toMatchObject({
      labels: { team: 'blue' },
      serviceTier: 'flex',
    });
  });

  it('passes on a system prompt, in parts too', () => {
    const systemInstruction = { parts: [{ text: 'Be brief.' }] };
    expect(bodyOf({ systemPrompt: 'Be brief.' })).toMatchObject({ systemInstruction });
    const parts = [
      { type: 'text', text: 'Be ', cacheControl: {} } as const,
      { type: 'text', text: 'brief.' } as const,
    ];
    expect(bodyOf({ systemPrompt: parts })).toMatchObject({ systemInstruction });
  });

  it('asks for JSON, with or without a schema', () => {
    const responseMimeType = 'application/json';
    expect(configOf({ responseFormat: { type: 'json' } })).toEqual({ responseMimeType });
    const schema = { type: 'object', $defs: {} };
    const format = {
      type: 'json-schema',
      name: 'answer',
      description: 'An answer',
      schema,
      strict: true,
    } as const;
    expect(configOf({ responseFormat: format })).toEqual({
      responseMimeType,
      responseJsonSchema: { description: 'An answer', ...schema },
    });
  });

  describe('tools', () => {
    it('are declared by JSON Schema', () => {
      const described = { ...look, description: 'Looks', cacheControl: {} };
      expect(bodyOf({ tools: [described, { ...look, name: 'see' }] })).toMatchObject({
        tools: [
          {
            functionDeclarations: [
              { name: 'look', description: 'Looks', parametersJsonSchema: look.inputSchema },
              { name: 'see', parametersJsonSchema: look.inputSchema },
            ],
          },
        ],
      });
    });

    it.each([
      [undefined, undefined],
      [{ type: 'auto' }, { mode: 'AUTO' }],
      [{ type: 'none' }, { mode: 'NONE' }],
      [{ type: 'required' }, { mode: 'ANY' }],
      [
        { type: 'tool', name: 'look' },
        { mode: 'ANY', allowedFunctionNames: ['look'] },
      ],
    ] as const)('are chosen: %j is %j', (toolChoice, functionCallingConfig) => {
      const { toolConfig } = bodyOf({ tools: [look], toolChoice });
      expect(toolConfig).toEqual(functionCallingConfig && { functionCallingConfig });
    });

    it.each([undefined, { type: 'auto' } as const])(
      'are held to their schemas when one is strict (%j)',
      (toolChoice) => {
        const tools = [look, { ...look, name: 'see', strict: true }];
        const validated = { functionCallingConfig: { mode: 'VALIDATED' } };
        expect(bodyOf({ tools, toolChoice })).toMatchObject({ toolConfig: validated });
      },
    );

    it('are not chosen from where there are none, unless one must be called', () => {
      expect(bodyOf({ toolChoice: { type: 'auto' } })).not.toHaveProperty('toolConfig');
      expect(bodyOf({ toolChoice: { type: 'none' } })).not.toHaveProperty('toolConfig');
      expect(bodyOf({ toolChoice: { type: 'required' } })).toHaveProperty('toolConfig');
    });
  });

  describe('reasoning', () => {
    const shown = { includeThoughts: true };

    it.each([
      ['gemini-3.8-flash', { effort: 'low' }, { thinkingLevel: 'LOW', ...shown }],
      ['gemini-4-argon', { effort: 'of_tomorrow' }, { thinkingLevel: 'OF_TOMORROW', ...shown }],
      ['gemini-flash-latest', { effort: 'minimal' }, { thinkingLevel: 'MINIMAL', ...shown }],
      ['gemini-3.8-flash', { budgetTokens: 512 }, { thinkingBudget: 512, ...shown }],
      ['gemini-2.5-pro', { budgetTokens: 512 }, { thinkingBudget: 512, ...shown }],
      ['gemini-2.5-flash', { effort: 'minimal' }, { thinkingBudget: 1024, ...shown }],
      ['gemini-2.5-flash', { effort: 'low' }, { thinkingBudget: 1024, ...shown }],
      ['gemini-2.5-flash', { effort: 'medium' }, { thinkingBudget: 8192, ...shown }],
      ['gemini-2.5-pro', { effort: 'high' }, { thinkingBudget: 24_576, ...shown }],
      ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }],
      ['gemini-2.5-flash', { budgetTokens: 0 }, { thinkingBudget: 0 }],
      ['gemini-2.0-flash', { effort: 'none' }, undefined],
      ['gemini-2.5-flash', {}, undefined],
      ['gemma-5', { effort: 'high' }, { thinkingLevel: 'HIGH', ...shown }],
      ['gemma-5', { budgetTokens: 0 }, { thinkingBudget: 0 }],
    ])('of %s: %j is %j', (model, reasoning, thinkingConfig) => {
      expect(configOf({ model, reasoning })).toEqual(thinkingConfig && { thinkingConfig });
    });

    it.each([
      ['gemini-3.8-flash', { effort: 'none' }, 'reasoning.effort'],
      ['gemini-4-argon', { budgetTokens: 0 }, 'reasoning.budgetTokens'],
      ['gemini-2.5-pro', { effort: 'none' }, 'reasoning.effort'],
      ['gemini-2.5-flash', { effort: 'of_tomorrow' }, 'reasoning.effort'],
      ['gemini-2.0-flash', { effort: 'low' }, 'reasoning.effort'],
      ['gemini-2.0-flash', { budgetTokens: 100 }, 'reasoning.budgetTokens'],
      ['gemini-3.8-flash', { effort: 'low', budgetTokens: 100 }, 'reasoning.budgetTokens'],
    ])('of %s refuses %j', (model, reasoning, param) => {
      const refused = expect.objectContaining({ code: 'unsupported', param });
      expect(() => bodyOf({ model, reasoning })).toThrow(refused);
    });
  });

  describe('conversation', () => {
    it('takes turns, of which none is empty', () => {
      const messages: readonly GenerateMessage[] = [
        hi,
        { role: 'assistant', parts: [{ type: 'text', text: '' }] },
        { role: 'assistant', parts: [{ type: 'text', text: 'Hello' }] },
        { role: 'assistant', parts: [{ type: 'text', text: 'there' }] },
        user({ type: 'text', text: '' }),
        user({ type: 'text', text: 'Bye', cacheControl: {} }),
      ];
      expect(bodyOf({ messages }).contents).toEqual([
        { role: 'user', parts: [{ text: 'Hi' }] },
        { role: 'model', parts: [{ text: 'Hello' }, { text: 'there' }] },
        { role: 'user', parts: [{ text: 'Bye' }] },
      ]);
    });

    it('gives signatures back where they were, and no thoughts without', () => {
      const messages: readonly GenerateMessage[] = [
        hi,
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'unsigned' },
            { type: 'reasoning', text: 'signed', signature: 'A' },
            { type: 'text', text: 'Hello' },
            { type: 'reasoning', text: '', signature: 'B' },
            { type: 'tool-call', id: '1', name: 'look', input: '', signature: 'C' },
            { type: 'tool-call', id: '2', name: 'look', input: '{"at":1}' },
          ],
        },
      ];
      expect(bodyOf({ messages }).contents[1]).toEqual({
        role: 'model',
        parts: [
          { text: 'signed', thought: true, thoughtSignature: 'A' },
          { text: 'Hello' },
          { text: '', thoughtSignature: 'B' },
          { functionCall: { id: '1', name: 'look', args: {} }, thoughtSignature: 'C' },
          { functionCall: { id: '2', name: 'look', args: { at: 1 } } },
        ],
      });
    });

    it.each([
      ['gemini-3.8-flash', ['skip_thought_signature_validator', undefined]],
      ['gemini-2.5-flash', [undefined, undefined]],
      ['of-tomorrow', [undefined, undefined]],
    ])('lets %s have calls that others made', (model, expected) => {
      const input = '{}';
      const parts = ['1', '2'].map((id) => ({ type: 'tool-call', id, name: 'look', input }) as const);
      const { contents } = bodyOf({ model, messages: [hi, { role: 'assistant', parts }] });
      expect(contents[1]?.parts?.map(({ thoughtSignature }) => thoughtSignature)).toEqual(expected);
    });

    it.each(['nonsense', '[1]', '"x"', '7'])('shows the model the arguments %s as it wrote them', (input) => {
      const { contents } = bodyOf({ messages: [hi, call('1', 'look', input, 'A')] });
      expect(contents[1]?.parts?.[0]).toMatchObject({ functionCall: { args: { INVALID_JSON: input } } });
    });

    it('names each result by its call, the last one of that id, and joins those of parallel calls', () => {
      const messages = [
        hi,
        call('1', 'look', '{}', 'A'),
        result('1', 'first'),
        call('1', 'see', '{}', 'A'),
        call('2', 'hear', '{}'),
        result('2', 'broken', true),
        result('1', [
          { type: 'text', text: 'see ' },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
          { type: 'text', text: 'this' },
        ]),
        hi,
      ];
      const { contents } = bodyOf({ messages });
      expect(contents.map(({ role, parts }) => [role, parts?.length])).toEqual([
        ['user', 1],
        ['model', 1],
        ['user', 1],
        ['model', 2],
        ['user', 2],
        ['user', 1],
      ]);
      expect([contents[2]?.parts, contents[4]?.parts]).toEqual([
        [{ functionResponse: { id: '1', name: 'look', response: { output: 'first' } } }],
        [
          { functionResponse: { id: '2', name: 'hear', response: { error: 'broken' } } },
          {
            functionResponse: {
              id: '1',
              name: 'see',
              response: { output: 'see this' },
              parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
            },
          },
        ],
      ]);
    });

    it('refuses the result of a call that nobody made, or only later', () => {
      const refused = expect.objectContaining({ code: 'invalid_request', param: 'messages.parts.callId' });
      expect(() => bodyOf({ messages: [hi, result('1', 'x')] })).toThrow(refused);
      expect(() => bodyOf({ messages: [result('1', 'x'), call('1', 'look', '')] })).toThrow(refused);
    });
  });

  describe('images', () => {
    const image = (url: string, detail?: 'low' | 'high' | 'auto'): UserPart => ({
      type: 'image',
      source: { type: 'url', url },
      ...(detail === undefined ? {} : { detail }),
    });

    it.each([
      ['https://example.com/a.PNG?x=1', 'image/png'],
      ['https://example.com/a.jpg', 'image/jpeg'],
      ['gs://bucket/a.webp', 'image/webp'],
      ['https://example.com/picture', undefined],
      ['https://example.com/a.of_tomorrow', undefined],
    ])('are fetched by the vendor: %s', (url, mimeType) => {
      const { contents } = bodyOf({ messages: [user(image(url))] });
      const fileData = { fileUri: url, ...(mimeType === undefined ? {} : { mimeType }) };
      expect(contents[0]?.parts).toEqual([{ fileData }]);
    });

    it.each([
      ['gemini-3.8-flash', 'http://example.com/a.png'],
      ['gemini-3.8-flash', 'data:image/png;base64,AAAA'],
      ['gemini-3.8-flash', 'nonsense'],
      ['gemini-2.0-flash', 'https://example.com/a.png'],
    ])('that %s cannot fetch are refused: %s', (model, url) => {
      const refused = expect.objectContaining({ code: 'unsupported', param: 'messages.parts.source' });
      expect(() => bodyOf({ model, messages: [user(image(url))] })).toThrow(refused);
    });

    it.each([
      ['low', 'MEDIA_RESOLUTION_LOW'],
      ['high', 'MEDIA_RESOLUTION_HIGH'],
      ['auto', undefined],
      [undefined, undefined],
    ] as const)('are looked at: %s is %s', (detail, mediaResolution) => {
      const messages = [user(image('https://e.com/a', detail), image('https://e.com/b', detail))];
      expect(configOf({ messages })).toEqual(mediaResolution && { mediaResolution });
    });

    it('are all looked at alike', () => {
      const refused = expect.objectContaining({ code: 'unsupported', param: 'messages.parts.detail' });
      const mixed = user(image('https://e.com/a', 'low'), image('https://e.com/b'));
      expect(() => bodyOf({ messages: [mixed] })).toThrow(refused);
      const later = [call('1', 'look', ''), result('1', [image('https://e.com/b', 'high')])];
      expect(() => bodyOf({ messages: [user(image('https://e.com/a')), ...later] })).toThrow(refused);
    });
  });
});

describe('toCountTokensBody', () => {
  it('counts the whole prompt', () => {
    const fields = {
      systemPrompt: 'Be brief.',
      tools: [look],
      toolChoice: { type: 'required' },
      serviceTier: 'flex',
    } as const;
    const { serviceTier: _tier, ...prompt } = bodyOf(fields);
    const resource = 'models/gemini-3.8-flash';
    expect(toCountTokensBody({ ...request, ...fields }, resource)).toEqual({
      generateContentRequest: { model: resource, ...prompt },
    });
  });
});
