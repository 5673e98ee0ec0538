import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { cut, json, stream, type Script } from '../../bench/upstream/scripts.js';
import { answers, breaksOff, Parley, upstreamModel } from '../support/parley.js';
import { connectVendors, issueToken, translated } from '../support/programs.js';
import { Recordings } from '../support/recordings.js';

const claude = new Recordings('anthropic');
const gemini = new Recordings('google');

let parley: Parley;
let token: string;
let baseURL: string;

beforeAll(async () => {
  parley = await Parley.start({ 'generation.maxAttempts': 1 });
  const ada = await parley.first.logIn('ada', { groups: ['admins'] });
  await connectVendors(parley, ada);
  ({ token } = await issueToken(ada));
  baseURL = `${parley.first.url}/v1`;
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function sent(): Record<string, unknown> {
  return JSON.parse(parley.upstream.requests.at(-1)?.body ?? '') as Record<string, unknown>;
}

const toolCall = {
  id: 'call_1',
  type: 'function',
  function: { name: 'get_weather', arguments: '{"location":"Bern"}' },
};

function whole(message: object, finish_reason = 'stop'): Script {
  return json({
    id: 'chatcmpl-9',
    object: 'chat.completion',
    created: 1,
    model: 'scripted-2026',
    choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  });
}

const location = { type: 'object', properties: { location: { type: 'string' } } } as const;

describe('ai with @ai-sdk/openai-compatible', () => {
  const model = (id: string) =>
    createOpenAICompatible({ name: 'parley', baseURL, apiKey: token, includeUsage: true })(id);
  const weather = tool({
    description: 'The weather',
    inputSchema: jsonSchema<{ location?: string }>(location),
    execute: () => '21 degrees',
  });

  it.each([
    ['passed on', upstreamModel, () => answers('Hi', ' there')],
    ['translated', translated.anthropic, () => stream([claude.bytes('text.sse')])],
  ])('streams text with its usage: %s', async (_name, id, script) => {
    parley.upstream.enqueue(script());
    const result = streamText({ model: model(id), prompt: 'Hello' });
    expect((await result.text).length).toBeGreaterThan(0);
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
    expect(await result.finishReason).toBe('stop');
  });

  it.each([
    [
      'passed on',
      upstreamModel,
      () => [whole({ tool_calls: [toolCall] }, 'tool_calls'), whole({ content: 'Warm' })],
    ],
    [
      'translated',
      translated.anthropic,
      () => [stream([claude.bytes('tool-calls.sse')]), stream([claude.bytes('text.sse')])],
    ],
    [
      'translated',
      translated.google,
      () => [stream([gemini.bytes('tool-calls.sse')]), stream([gemini.bytes('text.sse')])],
    ],
  ])('calls tools and goes on: %s, %s', async (_name, id, scripts) => {
    parley.upstream.enqueue(...scripts());
    const tools = { get_weather: weather, get_time: weather };
    const { text, steps } = await generateText({
      model: model(id),
      prompt: 'Hello',
      tools,
      stopWhen: stepCountIs(3),
    });
    expect(text.length).toBeGreaterThan(0);
    expect(steps).toHaveLength(2);
    expect(JSON.stringify(sent())).toContain('21 degrees');
  });

  it('shows reasoning as such', async () => {
    parley.upstream.enqueue(stream([claude.bytes('thinking.sse')]));
    const result = streamText({ model: model(translated.anthropic), prompt: 'Hello' });
    expect((await result.finalStep).reasoningText?.length).toBeGreaterThan(0);
  });

  it('makes objects of JSON', async () => {
    parley.upstream.enqueue(whole({ content: '{"location":"Bern"}' }));
    const output = Output.object({ schema: jsonSchema<{ location: string }>(location) });
    const result = await generateText({ model: model(upstreamModel), prompt: 'Hello', output });
    expect(result.output).toEqual({ location: 'Bern' });
    expect(sent()['response_format']).toEqual({ type: 'json_object' });
  });

  it('takes no truncated answer for a whole one, and no failure for an answer', async () => {
    parley.upstream.enqueue(breaksOff(['Hi']), cut);
    const errors: unknown[] = [];
    const result = streamText({
      model: model(upstreamModel),
      prompt: 'x',
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    await result.consumeStream();
    expect(errors).toHaveLength(1);
    const asked = generateText({ model: model(upstreamModel), prompt: 'x', maxRetries: 0 });
    await expect(asked).rejects.toMatchObject({ statusCode: 502 });
  });
});

/** LangChain's types lose it on the way through its generics. */
function usageOf(message: object): { input_tokens: number; output_tokens: number } | undefined {
  return 'usage_metadata' in message
    ? (message.usage_metadata as { input_tokens: number; output_tokens: number } | undefined)
    : undefined;
}

describe('@langchain/openai', () => {
  const chat = (model: string) =>
    new ChatOpenAI({
      model,
      apiKey: token,
      configuration: { baseURL },
      maxRetries: 0,
      useResponsesApi: false,
    });

  it.each([
    ['passed on', upstreamModel, () => whole({ content: 'Hi' })],
    ['translated', translated.anthropic, () => stream([claude.bytes('text.sse')])],
  ])('invokes: %s', async (_name, id, script) => {
    parley.upstream.enqueue(script());
    const answer = await chat(id).invoke([
      ['system', 'Be brief.'],
      ['human', 'Hello'],
    ]);
    expect(answer.text.length).toBeGreaterThan(0);
    expect(usageOf(answer)?.input_tokens).toBeGreaterThan(0);
  });

  it('streams, with the usage at the end', async () => {
    parley.upstream.enqueue(stream([claude.bytes('text.sse')]));
    let tokens = 0;
    let text = '';
    for await (const chunk of await chat(translated.anthropic).stream('Hello')) {
      text += chunk.text;
      tokens += usageOf(chunk)?.output_tokens ?? 0;
    }
    expect(text.length).toBeGreaterThan(0);
    expect(tokens).toBeGreaterThan(0);
  });

  it('calls tools, and takes their answers back', async () => {
    parley.upstream.enqueue(stream([claude.bytes('tool-calls.sse')]), stream([claude.bytes('text.sse')]));
    const bound = chat(translated.anthropic).bindTools([
      { type: 'function', function: { name: 'get_weather', description: 'x', parameters: location } },
    ]);
    const first = await bound.invoke('Hello');
    const results = (first.tool_calls ?? []).map(({ id = '', name }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      name,
      content: '21 degrees',
    }));
    expect(results.length).toBeGreaterThan(0);
    await bound.invoke([['human', 'Hello'], first, ...results]);
    expect(JSON.stringify(sent())).toContain('21 degrees');
  });

  it('fails when the answer does', async () => {
    parley.upstream.enqueue(json({}, { status: 500 }), breaksOff(['Hi']));
    await expect(chat(upstreamModel).invoke('Hello')).rejects.toMatchObject({ status: 502 });
    const read = async (): Promise<void> => {
      for await (const _chunk of await chat(upstreamModel).stream('Hello'));
    };
    await expect(read()).rejects.toThrow();
  });

  it('embeds', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'demo-embedding',
      apiKey: token,
      configuration: { baseURL },
    });
    expect((await embeddings.embedQuery('one two')).length).toBe(256);
  });
});
