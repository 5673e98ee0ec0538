import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { Gate } from '../../bench/upstream/gate.js';
import { cut, json, silence, splitAt, stream, type Script } from '../../bench/upstream/scripts.js';
import { answerPieces, answers, breaksOff, Parley, upstreamModel, type Person } from '../support/parley.js';
import {
  chatCompletion,
  chatCompletionChunk,
  embeddingList,
  mistakesIn,
  streamed,
  textCompletion,
} from '../support/openai-shapes.js';
import { connectVendors, issueToken, translated, usageRows } from '../support/programs.js';
import { Recordings } from '../support/recordings.js';

type ChatParams = OpenAI.ChatCompletionCreateParamsNonStreaming;

const claude = new Recordings('anthropic');
const gemini = new Recordings('google');
const own = new Recordings('openai');
const messages = [{ role: 'user', content: 'Hello' }] as const satisfies ChatParams['messages'];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather',
    parameters: { type: 'object', properties: { location: { type: 'string' } } },
  },
} as const;

let parley: Parley;
let ada: Person;
let token: string;
let client: OpenAI;
let begun: Date;

beforeAll(async () => {
  parley = await Parley.start({
    'generation.firstTokenTimeoutMs': 400,
    'generation.idleTimeoutMs': 400,
    'generation.maxAttempts': 2,
    'server.v1BodyLimitBytes': 1024 ** 2,
  });
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  await connectVendors(parley, ada);
  token = (await issueToken(ada)).token;
  client = sdk();
});

beforeEach(() => {
  begun = new Date();
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function sdk(options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ apiKey: token, baseURL: `${parley.first.url}/v1`, maxRetries: 0, ...options });
}

function sent(index = -1): Record<string, unknown> {
  return JSON.parse(parley.upstream.requests.at(index)?.body ?? '') as Record<string, unknown>;
}

const whole = {
  id: 'chatcmpl-9',
  object: 'chat.completion',
  created: 1,
  model: 'scripted-2026',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hi', refusal: null }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  their_own: { field: true },
};

async function chunksOf(
  params: Partial<Omit<ChatParams, 'stream'>> = {},
  by = client,
): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  const body: OpenAI.ChatCompletionCreateParamsStreaming = {
    model: upstreamModel,
    messages: [...messages],
    ...params,
    stream: true,
  };
  for await (const chunk of await by.chat.completions.create(body)) chunks.push(chunk);
  return chunks;
}

function text(chunks: readonly OpenAI.ChatCompletionChunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
}

/** What a program without an SDK gets. */
async function raw(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${parley.first.url}/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
}

async function lastRecord(): Promise<unknown> {
  return (await usageRows(parley, begun)).slice(-1);
}

describe('chat completions of a vendor with the same words', () => {
  it('are passed on whole, with fields that nobody here knows, and answered as the vendor answers', async () => {
    parley.upstream.enqueue(json(whole));
    const body = { model: upstreamModel, messages: [...messages], top_k: 3, seed: 7 };
    expect(await client.chat.completions.create(body)).toEqual(whole);
    expect(sent()).toEqual(body);
    expect(await lastRecord()).toEqual([
      {
        door: 'openai-chat',
        model: upstreamModel,
        status: 'complete',
        code: null,
        input: 3,
        output: 1,
        estimated: false,
      },
    ]);
  });

  it('stream without usage, which was asked for all the same', async () => {
    parley.upstream.enqueue(answers('Hi', ' there'));
    const chunks = await chunksOf();
    expect(text(chunks)).toBe('Hi there');
    expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
    expect(sent()['stream_options']).toEqual({ include_usage: true });
    expect(await lastRecord()).toMatchObject([{ status: 'complete', input: 7, output: 3, estimated: false }]);
  });

  it('stream byte for byte with usage, however the network cuts them', async () => {
    const bytes = own.bytes('text.sse');
    parley.upstream.enqueue(stream(splitAt(bytes, Array.from(bytes.keys()).slice(1, 400))));
    const body = { model: upstreamModel, messages, stream: true, stream_options: { include_usage: true } };
    const response = await raw('/chat/completions', body);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(bytes));
  });

  it('keep even numbers that only the vendor can read', async () => {
    parley.upstream.enqueue(json(whole));
    const body = `{ "model":"${upstreamModel}", "messages":[{"role":"user","content":"x"}], "seed":12345678901234567890 }`;
    await raw('/chat/completions', body);
    expect(parley.upstream.requests.at(-1)?.body).toBe(body);
  });

  it('take no model for another by a name that is said twice', async () => {
    parley.upstream.enqueue(json(whole));
    const twice = `{"model":"gpt-secret","messages":[{"role":"user","content":"x"}],"model":"${upstreamModel}"}`;
    expect((await raw('/chat/completions', twice)).status).toBe(200);
    expect(parley.upstream.requests.at(-1)?.body).not.toContain('gpt-secret');
  });

  it("tell a vendor's refusal of what was said as the caller's, with the field and never the vendor's words", async () => {
    const error = {
      message: 'SECRET detail',
      type: 'invalid_request_error',
      param: 'messages[0].content',
      code: 'x',
    };
    parley.upstream.enqueue(json({ error }, { status: 400 }));
    const asked = client.chat.completions.create({ model: upstreamModel, messages: [...messages] });
    const failure = await asked.catch((caught: unknown) => caught);
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failure).toMatchObject({
      status: 400,
      param: 'messages[0].content',
      type: 'invalid_request_error',
    });
    expect(String(failure)).not.toContain('SECRET');
  });
});

describe('chat completions of other vendors', () => {
  it('are translated, and whole', async () => {
    parley.upstream.enqueue(stream([claude.bytes('text.sse')]));
    const answer = await client.chat.completions.create({
      model: translated.anthropic,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      ],
      max_completion_tokens: 50,
      ...{ n: 1, store: false, stop: [], presence_penalty: 0, top_p: 1, logit_bias: {}, metadata: {} },
    });
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(answer.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop', logprobs: null });
    expect(answer.choices[0]?.message.content?.length).toBeGreaterThan(0);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
    expect(sent()).toMatchObject({
      system: 'Be brief.',
      max_tokens: 50,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    });
  });

  it('call tools by deltas from index 0, with id and name once, and end with tool_calls', async () => {
    parley.upstream.enqueue(stream([gemini.bytes('tool-calls.sse')]));
    const chunks = await chunksOf({ model: translated.google, tools: [weather] });
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    const starts = calls.filter(({ id }) => id !== undefined);
    expect(starts.map(({ index, type }) => [index, type])).toEqual([
      [0, 'function'],
      [1, 'function'],
    ]);
    expect(calls.every(({ function: called }) => typeof called?.arguments === 'string')).toBe(true);
    for (const { index } of starts) {
      const pieces = calls.filter((call) => call.index === index).map((call) => call.function?.arguments);
      expect(() => JSON.parse(pieces.join('')) as unknown).not.toThrow();
    }
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant' });
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(new Set(chunks.map(({ id, created, object }) => `${id} ${created} ${object}`)).size).toBe(1);
  });

  it('have usage: null on every chunk and once the usage, where that is asked for', async () => {
    parley.upstream.enqueue(stream([claude.bytes('text.sse')]));
    const chunks = await chunksOf({
      model: translated.anthropic,
      ...{ stream_options: { include_usage: true } },
    });
    const last = chunks.pop();
    expect(chunks.map(({ usage }) => usage)).toEqual(chunks.map(() => null));
    expect(last).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
  });

  it('tell the usage that we count, where the vendor tells none', async () => {
    parley.upstream.enqueue(stream([claude.bytes('text-without-usage.sse')]));
    const answer = await client.chat.completions.create({
      model: translated.anthropic,
      messages: [...messages],
    });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
    expect(await lastRecord()).toMatchObject([{ estimated: true, status: 'complete' }]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['n', { n: 2 }],
    ['seed', { seed: 1 }],
    ['presence_penalty', { presence_penalty: 1 }],
    ['logprobs', { logprobs: true }],
    ['logit_bias', { logit_bias: { 5: 1 } }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['audio', { audio: { voice: 'alloy', format: 'mp3' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['web_search_options', { web_search_options: { search_context_size: 'low' } }],
    ['messages[0].name', { messages: [{ role: 'user', content: 'x', name: 'ada' }] }],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['store', { store: true }],
  ])('refuse what they cannot do by name: %s', async (param, fields) => {
    const response = await raw('/chat/completions', { model: translated.anthropic, messages, ...fields });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.json()).toEqual({
      error: {
        message: expect.any(String),
        type: 'invalid_request_error',
        param,
        code: 'unsupported_parameter',
      },
    });
    expect(parley.upstream.requests).toEqual([]);
  });
});

describe("OpenAI's published schema", () => {
  it.each([
    ['text', translated.anthropic, claude],
    ['tool-calls', translated.anthropic, claude],
    ['thinking', translated.anthropic, claude],
    ['text-without-usage', translated.anthropic, claude],
    ['text', translated.google, gemini],
    ['tool-calls', translated.google, gemini],
    ['thinking', translated.google, gemini],
    ['logprobs', translated.google, gemini],
  ] as const)('is what translated answers are of: %s of %s', async (name, model, recordings) => {
    const script = stream([recordings.bytes(`${name}.sse`)]);
    const body = { model, messages, ...(name === 'logprobs' ? { logprobs: true, top_logprobs: 2 } : {}) };
    for (const includes of [true, false]) {
      parley.upstream.enqueue(script);
      const stream_options = { include_usage: includes };
      const response = await raw('/chat/completions', { ...body, stream: true, stream_options });
      const text = await response.text();
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
      const chunks = streamed(text);
      expect(chunks.length).toBeGreaterThan(2);
      expect(chunks.flatMap((chunk) => mistakesIn(chunk, chatCompletionChunk))).toEqual([]);
    }
    parley.upstream.enqueue(script, script, script);
    const whole: unknown = await (await raw('/chat/completions', body)).json();
    expect(mistakesIn(whole, chatCompletion)).toEqual([]);
    if (name !== 'text') return;
    const prompt = { model, prompt: 'Hello' };
    const completion: unknown = await (await raw('/completions', prompt)).json();
    expect(mistakesIn(completion, textCompletion)).toEqual([]);
    const pieces = streamed(await (await raw('/completions', { ...prompt, stream: true })).text());
    expect(pieces.flatMap((piece) => mistakesIn(piece, textCompletion))).toEqual([]);
  });

  it('is what embeddings are of', async () => {
    const answer: unknown = await (await raw('/embeddings', { model: 'demo-embedding', input: 'x' })).json();
    expect(mistakesIn(answer, embeddingList)).toEqual([]);
  });
});

describe("the SDK's helpers", () => {
  it('run tools to the end, with what they answered returned', async () => {
    parley.upstream.enqueue(stream([gemini.bytes('tool-calls.sse')]), stream([gemini.bytes('text.sse')]));
    const time = { ...weather, function: { ...weather.function, name: 'get_time' } };
    const run = (tool: typeof weather | typeof time) =>
      ({
        type: 'function',
        function: { ...tool.function, parse: JSON.parse, function: () => '21 degrees' },
      }) as never;
    const runner = client.chat.completions.runTools({
      model: translated.google,
      messages: [...messages],
      tools: [run(weather), run(time)],
    });
    expect((await runner.finalContent())?.length).toBeGreaterThan(0);
    expect(JSON.stringify(sent())).toContain('21 degrees');
  });

  it('gather a stream and its usage', async () => {
    parley.upstream.enqueue(stream([claude.bytes('tool-calls.sse')]));
    const gathered = client.chat.completions.stream({
      model: translated.anthropic,
      messages: [...messages],
      tools: [weather],
      stream_options: { include_usage: true },
    });
    const completion = await gathered.finalChatCompletion();
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
    expect((await gathered.totalUsage()).total_tokens).toBeGreaterThan(0);
  });

  it('parse what a schema asks for', async () => {
    const content = '{"answer":42}';
    parley.upstream.enqueue(
      json({ ...whole, choices: [{ ...whole.choices[0], message: { role: 'assistant', content } }] }),
    );
    const schema = { type: 'object', properties: { answer: { type: 'number' } } };
    const format = { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } as const;
    const parsed = await client.chat.completions.parse({
      model: upstreamModel,
      messages: [...messages],
      response_format: format,
    });
    expect(JSON.parse(parsed.choices[0]?.message.content ?? '')).toEqual({ answer: 42 });
    expect(sent()['response_format']).toEqual(format);
  });
});

describe('a failure before the first byte', () => {
  it.each<[string, number, Script]>([
    [
      '429',
      429,
      json(
        { error: { message: 'SECRET', type: 'requests' } },
        { status: 429, headers: { 'retry-after': '7' } },
      ),
    ],
    ['500', 502, json({ error: { message: 'SECRET' } }, { status: 500 })],
    ['a cut', 502, cut],
    ['silence', 504, silence],
    ['no JSON', 502, stream(['<html>'], { headers: { 'content-type': 'text/html' } })],
    ['an empty stream', 502, stream([])],
    ['a half-closed one', 502, stream([answerPieces('Hi')[0]?.slice(0, 20) ?? ''], { ending: 'half-close' })],
    ['an error in the stream', 502, stream(['data: {"error":{"message":"SECRET","code":500}}\n\n'])],
  ])('is a status, streaming or not: %s', async (_name, status, script) => {
    // Silence takes its time.
    const models = script === silence ? [upstreamModel] : [upstreamModel, translated.anthropic];
    for (const model of models) {
      for (const streams of [true, false]) {
        parley.upstream.enqueue(script, script);
        const failure: unknown = await (
          streams ? chunksOf({ model }) : client.chat.completions.create({ model, messages: [...messages] })
        ).catch((caught: unknown) => caught);
        expect(failure).toBeInstanceOf(OpenAI.APIError);
        const isStreamsOnly = /stream|half/.test(_name) && model === translated.anthropic;
        if (!isStreamsOnly) expect([model, streams, failure]).toMatchObject([model, streams, { status }]);
        expect(failure).toMatchObject({
          type: expect.any(String),
          code: expect.any(String),
        });
        expect(String(failure)).not.toContain('SECRET');
        parley.upstream.reset();
      }
    }
  });
});

describe('a failure after the first byte', () => {
  it.each<[string, Script]>([
    ['the end without the end', breaksOff(['Hi'])],
    ['a half-closed connection', breaksOff(['Hi'], { ending: 'half-close' })],
    ['silence', breaksOff(['Hi'], { ending: 'stall' })],
    [
      'an error in the stream',
      stream([
        ...answerPieces('Hi').slice(0, 2),
        'data: {"error":{"message":"SECRET"}}\n\n',
        'data: [DONE]\n\n',
      ]),
    ],
    [
      'what is no JSON',
      stream([...answerPieces('Hi').slice(0, 2), 'data: {"usage":\n\n', 'data: [DONE]\n\n']),
    ],
  ])('is one error and no [DONE]: %s', async (_name, script) => {
    parley.upstream.enqueue(script);
    const response = await raw('/chat/completions', { model: upstreamModel, messages, stream: true });
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    expect(events.join()).toContain('Hi');
    expect(events.join()).not.toContain('[DONE]');
    expect(events.join()).not.toContain('SECRET');
    expect(JSON.parse(events.at(-1)?.slice('data: '.length) ?? '')).toEqual({
      error: {
        message: expect.any(String),
        type: 'server_error',
        param: null,
        code: expect.any(String),
      },
    });
    expect(await lastRecord()).toMatchObject([{ door: 'openai-chat' }]);
  });

  it('is an error of the SDK, for translated answers too', async () => {
    const bytes = claude.bytes('text.sse');
    parley.upstream.enqueue(stream([bytes.subarray(0, bytes.length - 200)]));
    await expect(chunksOf({ model: translated.anthropic })).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(await lastRecord()).toMatchObject([{ status: 'interrupted' }]);
  });
});

describe('a caller who goes away', () => {
  it.each([
    ['in the middle of a stream', true],
    ['before a whole answer', false],
  ])('aborts the upstream within a second, and pays for what there was: %s', async (_name, streams) => {
    const gate = new Gate();
    parley.upstream.enqueue(streams ? stream(answerPieces('Hi', 'you'), { gates: { 2: gate } }) : silence);
    const abort = new AbortController();
    const asked = (async () => {
      const body = { model: upstreamModel, messages: [...messages] };
      if (!streams) return client.chat.completions.create(body, { signal: abort.signal });
      const read = await client.chat.completions.create({ ...body, stream: true }, { signal: abort.signal });
      for await (const chunk of read) if (chunk.choices[0]?.delta.content === 'Hi') abort.abort();
      return undefined;
    })();
    const exchange = await parley.upstream.nextExchange();
    if (!streams) abort.abort();
    const since = Date.now();
    await Promise.all([asked.catch(() => undefined), exchange.closed]);
    expect(Date.now() - since).toBeLessThan(1000);
    gate.open();
    expect(await lastRecord()).toMatchObject([{ status: 'cancelled', estimated: true }]);
  });
});

describe('refusals in the words of OpenAI', () => {
  const body = { model: upstreamModel, messages: [...messages] };

  it('know the model, the key, and what nobody serves', async () => {
    const unknown = client.chat.completions.create({ ...body, model: 'gpt-none' });
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(unknown).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
      type: 'invalid_request_error',
    });
    const stranger = sdk({ apiKey: 'pk-wrong' }).chat.completions.create(body);
    await expect(stranger).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(stranger).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    await expect(client.get('/nothing/here')).rejects.toMatchObject({ status: 404, code: 'unknown_url' });
    await expect(client.get('/chat/completions')).rejects.toMatchObject({ status: 404, code: 'unknown_url' });
  });

  it('know limits, and when to come back', async () => {
    const limited = sdk({ apiKey: (await issueToken(ada, { requestsPerMinute: 1 })).token });
    parley.upstream.enqueue(json(whole));
    const { response } = await limited.chat.completions.create(body).withResponse();
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('1');
    const refused: unknown = await limited.chat.completions.create(body).catch((caught: unknown) => caught);
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    const { headers, code } = refused as InstanceType<typeof OpenAI.RateLimitError>;
    expect(code).toBe('rate_limit_exceeded');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(0);
    expect(headers.get('x-should-retry')).toBeNull();
  });

  it('know a budget that is spent', async () => {
    const poor = sdk({ apiKey: (await issueToken(ada, { monthlyTokenBudget: 5 })).token });
    parley.upstream.enqueue(json({ ...whole, usage: { ...whole.usage, prompt_tokens: 50 } }));
    await poor.chat.completions.create(body);
    await usageRows(parley, begun);
    const refused = poor.chat.completions.create(body);
    await expect(refused).rejects.toMatchObject({
      status: 429,
      code: 'insufficient_quota',
      type: 'insufficient_quota',
    });
  });

  it('refuse models that a token does not have, at every route', async () => {
    const narrow = sdk({ apiKey: (await issueToken(ada, { models: ['demo'] })).token });
    await expect(narrow.chat.completions.create(body)).rejects.toMatchObject({ status: 403, param: 'model' });
    const listed = await narrow.models.list();
    expect(listed.data.map(({ id }) => id)).toEqual(['demo']);
    await expect(narrow.models.retrieve(upstreamModel)).rejects.toMatchObject({ status: 404 });
  });

  it.each<[string, unknown, number, string | null]>([
    ['no model', { messages }, 400, 'model'],
    ['a model that is no name', { ...body, model: 'a\0' }, 404, 'model'],
    [
      'too many messages',
      { ...body, messages: Array.from({ length: 10_001 }, () => messages[0]) },
      400,
      'messages',
    ],
    ['too many tools', { ...body, tools: Array.from({ length: 257 }, () => weather) }, 400, 'tools'],
    ['too many answers', { ...body, n: 17 }, 400, 'n'],
    ['too many stops', { ...body, stop: Array.from({ length: 65 }, () => 'x') }, 400, 'stop'],
    ['a limit that is no number', { ...body, max_tokens: '5' }, 400, 'max_tokens'],
    ['a stream that is neither', { ...body, stream: 'yes' }, 400, 'stream'],
    ['an array', [], 400, null],
    ['broken JSON', '{', 400, null],
    ['too deep', '['.repeat(101) + ']'.repeat(101), 400, null],
    ['no body at all', '', 400, null],
    ['too large', `"${'x'.repeat(1024 ** 2)}"`, 413, null],
  ])('refuse before anybody is asked: %s', async (_name, asked, status, param) => {
    const response = await raw('/chat/completions', asked);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
    expect(parley.upstream.requests).toEqual([]);
  });

  it('refuse another content type', async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/plain' };
    const response = await raw('/chat/completions', 'Hi', { headers });
    expect([response.status, await response.json()]).toMatchObject([415, { error: { param: null } }]);
  });

  it('ask again by themselves only where that may help', async () => {
    const patient = sdk({ maxRetries: 1 });
    parley.upstream.enqueue(json({}, { status: 401 }));
    await expect(patient.chat.completions.create(body)).rejects.toMatchObject({ status: 502 });
    expect(parley.upstream.requests).toHaveLength(1);
  });
});

describe('models', () => {
  it('are listed with aliases and routers, and found by names with slashes', async () => {
    const id = 'openai/gpt-4o';
    await ada.ask('POST', '/api/models', { kind: 'alias', id, target: { model: 'demo' } });
    const { data } = await client.models.list();
    expect(data.map((model) => model.id)).toEqual(expect.arrayContaining([upstreamModel, 'demo', id]));
    expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model', owned_by: 'parley' });
    const direct = await fetch(`${parley.first.url}/v1/models/${id}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([direct.status, await direct.json()]).toMatchObject([200, { id }]);
    const answer = await client.chat.completions.create({ model: id, messages: [...messages] });
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('legacy completions', () => {
  it('are passed on, streaming too', async () => {
    const choice = { index: 0, text: 'Hi', finish_reason: 'stop', logprobs: null };
    const completion = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'x', choices: [choice] };
    parley.upstream.enqueue(json(completion));
    const body = { model: upstreamModel, prompt: [1, 2, 3], echo: true };
    expect(await client.completions.create(body)).toEqual(completion);
    expect(parley.upstream.requests.at(-1)?.path).toBe('/completions');
    expect(sent()).toEqual(body);
  });

  it('are a message to models that chat', async () => {
    parley.upstream.enqueue(stream([claude.bytes('text.sse')]));
    const body = { model: translated.anthropic, prompt: 'Hello' };
    const answer = await client.completions.create(body);
    expect(answer).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, finish_reason: 'stop' }],
    });
    parley.upstream.enqueue(stream([claude.bytes('text.sse')]));
    const pieces: string[] = [];
    for await (const chunk of await client.completions.create({ ...body, stream: true })) {
      expect(chunk.object).toBe('text_completion');
      pieces.push(chunk.choices[0]?.text ?? '');
    }
    expect(pieces.join('')).toBe(answer.choices[0]?.text);
  });

  it.each<[string, Record<string, unknown>]>([
    ['prompt', { prompt: ['a', 'b'] }],
    ['echo', { echo: true }],
    ['best_of', { best_of: 2 }],
    ['suffix', { suffix: 'x' }],
    ['logprobs', { logprobs: 1 }],
  ])('refuse what those cannot do by name: %s', async (param, fields) => {
    const body = { model: translated.anthropic, prompt: 'x', ...fields };
    const response = await raw('/completions', body);
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param } }]);
  });
});

describe('embeddings', () => {
  const vectors = {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
    model: 'x',
    usage: { prompt_tokens: 2, total_tokens: 2 },
  };

  beforeAll(async () => {
    await ada.ask('PATCH', `/api/models/${upstreamModel}`, { capabilities: ['chat', 'tools', 'embeddings'] });
  });

  it('are what the stock client expects, from servers that know no base64', async () => {
    parley.upstream.enqueue(json(vectors));
    const answer = await client.embeddings.create({ model: upstreamModel, input: 'x', dimensions: 2 });
    expect(answer.data[0]?.embedding).toEqual([0.5, -0.25]);
    expect(sent()).toEqual({ model: upstreamModel, input: 'x', dimensions: 2, encoding_format: 'float' });
    expect(await lastRecord()).toMatchObject([
      { door: 'openai-embeddings', input: 2, output: 0, estimated: false },
    ]);
  });

  it('are base64 of little-endian float32 when that is asked for, and numbers otherwise', async () => {
    const body = { model: 'demo-embedding', input: ['one', 'two'] };
    const numbers = (await (await raw('/embeddings', body)).json()) as { data: { embedding: number[] }[] };
    const packed = (await (await raw('/embeddings', { ...body, encoding_format: 'base64' })).json()) as {
      data: { embedding: string }[];
    };
    const [first] = numbers.data;
    const bytes = Buffer.from(packed.data[0]?.embedding ?? '', 'base64');
    expect(bytes.length).toBe(256 * 4);
    expect(first?.embedding.map(Math.fround)).toEqual(
      Array.from({ length: 256 }, (_, index) => bytes.readFloatLE(index * 4)),
    );
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['input', { input: [[1, 2]] }, 'unsupported_parameter'],
    ['dimensions', { dimensions: 5 }, 'unsupported_parameter'],
    ['input', { input: Array.from({ length: 2049 }, () => 'x') }, 'invalid_value'],
    ['encoding_format', { encoding_format: 'hex' }, 'invalid_value'],
    ['model', { model: 'demo' }, 'unsupported_model'],
  ])('refuse by name: %s', async (param, fields, code) => {
    const response = await raw('/embeddings', { model: 'demo-embedding', input: 'x', ...fields });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param, code } }]);
  });
});
