import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { Gate } from '../../bench/upstream/gate.js';
import { cut, json, silence, splitAt, stream, type Script } from '../../bench/upstream/scripts.js';
import { AnthropicDoor, claude, gemini, llama } from '../support/anthropic-door.js';
import { answerPieces, answers, breaksOff, upstreamModel } from '../support/parley.js';
import { Recordings } from '../support/recordings.js';

const anthropic = new Recordings('anthropic');
const openai = new Recordings('openai');
const google = new Recordings('google');
const ollama = new Recordings('ollama');
const text = 'Grüße aus 東京 👋🏽\n\ndata: nothing "quoted"';
const asked = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }] };

let door: AnthropicDoor;
let client: Anthropic;

beforeAll(async () => {
  door = await AnthropicDoor.open({
    'generation.idleTimeoutMs': 400,
    'generation.firstTokenTimeoutMs': 700,
  });
  client = door.client();
});

afterEach(() => {
  const { surprises } = door.upstream;
  door.upstream.reset();
  expect(surprises).toEqual([]);
});

afterAll(() => door.stop());

function vendor(recordings: Recordings, name: string): Script {
  const type = name.endsWith('.ndjson') ? 'application/x-ndjson' : 'text/event-stream';
  return stream([recordings.bytes(name)], { headers: { 'content-type': type } });
}

/** What a call failed with. */
async function failure(asking: PromiseLike<unknown>): Promise<unknown> {
  try {
    await asking;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** An Ollama that has its model in memory. */
function ollamaIsLoaded(): void {
  door.upstream.route('GET', '/api/ps', json({ models: [{ name: llama, model: llama }] }));
}

const toolRun = {
  tools: [{ name: 'get_weather', input_schema: { type: 'object' as const, properties: {} } }],
};

describe('a model of Anthropic', () => {
  it('streams: what the helpers make of it is what the vendor said', async () => {
    door.upstream.enqueue(vendor(anthropic, 'text.sse'));
    const running = client.messages.stream({ ...asked, model: claude });
    const pieces: string[] = [];
    running.on('text', (piece) => pieces.push(piece));
    const message = await running.finalMessage();
    expect(pieces.join('')).toBe(text);
    expect(message).toMatchObject({
      role: 'assistant',
      stop_reason: 'end_turn',
      usage: { input_tokens: 25, cache_read_input_tokens: 1800, output_tokens: 15 },
    });
    expect(running.request_id).toBe(running.response?.headers.get('x-request-id'));
    const [record] = await door.usage();
    expect(record).toMatchObject({
      door: 'anthropic-messages',
      model_id: claude,
      provider: 'anthropic',
      status: 'complete',
      input_tokens: 2073,
      output_tokens: 15,
      cached_input_tokens: 1800,
      cache_write_tokens: 248,
      estimated: false,
    });
  });

  it('keeps thinking with its signatures, redacted thinking, and cache marks on the way there and back', async () => {
    door.upstream.enqueue(vendor(anthropic, 'thinking.sse'), vendor(anthropic, 'text.sse'));
    const first = await client.messages.stream({ ...asked, model: claude }).finalMessage();
    expect(first.content.map(({ type }) => type)).toEqual([
      'thinking',
      'redacted_thinking',
      'thinking',
      'text',
    ]);
    const messages = [
      ...asked.messages,
      { role: 'assistant' as const, content: first.content },
      {
        role: 'user' as const,
        content: [
          {
            type: 'text' as const,
            text: 'Go on',
            cache_control: { type: 'ephemeral' as const, ttl: '1h' as const },
          },
        ],
      },
    ];
    const body = { ...asked, model: claude, messages, thinking: { type: 'adaptive' as const } };
    await client.messages.stream(body).finalMessage();
    expect(door.sent()).toEqual({ ...JSON.parse(JSON.stringify(body)), stream: true });
    const [thinking] = await door.usage(2);
    expect(thinking).toMatchObject({ reasoning_tokens: 287, output_tokens: 312 });
  });

  it('answers without a stream, in the very bytes of the vendor', async () => {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: claude,
      content: [{ type: 'text', text: 'Hi', citations: null }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 5, cache_read_input_tokens: 2, output_tokens: 1 },
      of_tomorrow: [1],
    };
    door.upstream.enqueue(json(message), json(message));
    expect(await client.messages.create({ ...asked, model: claude })).toMatchObject(message);
    const { data, response } = await client.messages.create({ ...asked, model: claude }).withResponse();
    expect(data.content).toEqual(message.content);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const [record] = await door.usage(2);
    expect(record).toMatchObject({
      input_tokens: 7,
      output_tokens: 1,
      cached_input_tokens: 2,
      estimated: false,
    });
  });

  it('runs tools', async () => {
    door.upstream.enqueue(vendor(anthropic, 'tool-calls.sse'), vendor(anthropic, 'text.sse'));
    const ran: unknown[] = [];
    const tool = (name: string) =>
      betaTool({
        name,
        description: name,
        inputSchema: { type: 'object', properties: { location: { type: 'string' } } },
        run: (input) => {
          ran.push([name, input]);
          return 'sunny';
        },
      });
    const runner = client.beta.messages.toolRunner({
      ...asked,
      model: claude,
      stream: true,
      tools: [tool('get_weather'), tool('get_time')],
    });
    const last = await runner;
    expect(ran).toEqual([
      ['get_weather', { location: 'Zürich' }],
      ['get_time', {}],
    ]);
    expect(last.content).toMatchObject([{ type: 'text', text }]);
    const sent = door.sent() as { messages: { content: unknown }[] };
    expect(sent.messages.at(-1)?.content).toMatchObject([
      { type: 'tool_result', content: 'sunny' },
      { type: 'tool_result', content: 'sunny' },
    ]);
    await door.usage(2);
  });

  it('gets the version and the betas of the program, and nothing else of its headers', async () => {
    door.upstream.enqueue(vendor(anthropic, 'text.sse'));
    await door
      .client({
        defaultHeaders: { 'anthropic-beta': 'files-2025-04-14, context-1m-2025-08-07', 'x-secret': 'a' },
      })
      .messages.stream({ ...asked, model: claude })
      .finalMessage();
    const { headers } = door.upstream.requests.at(-1) ?? { headers: {} };
    expect(headers).toMatchObject({
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'files-2025-04-14, context-1m-2025-08-07',
      'x-api-key': 'sk-ant-credential-canary',
    });
    expect(Object.keys(headers).filter((name) => /^x-(?!api-key)|authorization/.test(name))).toEqual([]);
    await door.usage();
  });

  it('counts tokens itself', async () => {
    door.upstream.enqueue(json({ input_tokens: 2095 }));
    const { messages } = asked;
    expect(await client.messages.countTokens({ model: claude, messages })).toEqual({ input_tokens: 2095 });
    expect(door.upstream.requests.at(-1)?.path).toBe('/v1/messages/count_tokens');
    await door.usage(0);
  });
});

describe('a model of another vendor', () => {
  it.each([
    ['OpenAI-compatible', upstreamModel, openai, 'text.sse', text],
    ['Google', gemini, google, 'text.sse', text],
    ['Ollama', llama, ollama, 'text.ndjson', text],
  ])('streams and answers whole: %s', async (_vendor, model, recordings, name, expected) => {
    ollamaIsLoaded();
    door.upstream.enqueue();
    const answer = vendor(recordings, name);
    for (const path of [
      '/chat/completions',
      '/api/chat',
      `/v1beta/models/${gemini}:streamGenerateContent?alt=sse`,
    ]) {
      door.upstream.route('POST', path, answer);
    }
    const streamed = await client.messages.stream({ ...asked, model }).finalMessage();
    const whole = await client.messages.create({ ...asked, model });
    for (const message of [streamed, whole]) {
      expect(message).toMatchObject({
        type: 'message',
        role: 'assistant',
        stop_reason: 'end_turn',
        content: [{ type: 'text', text: expected, citations: null }],
      });
    }
    expect(streamed.usage).toEqual(whole.usage);
    const [one, two] = await door.usage(2);
    expect(one).toMatchObject({
      door: 'anthropic-messages',
      model_id: model,
      status: 'complete',
      estimated: false,
    });
    expect(two?.output_tokens).toBe(whole.usage.output_tokens);
    expect(two?.input_tokens).toBe(
      whole.usage.input_tokens +
        (whole.usage.cache_read_input_tokens ?? 0) +
        (whole.usage.cache_creation_input_tokens ?? 0),
    );
  });

  it('calls tools in parallel, and gets their results, images and all', async () => {
    door.upstream.enqueue(vendor(openai, 'tool-calls.sse'), answers('Sunny'));
    const first = await client.messages.stream({ ...asked, ...toolRun, model: upstreamModel }).finalMessage();
    const calls = first.content.filter((block) => block.type === 'tool_use');
    expect(first.stop_reason).toBe('tool_use');
    expect(calls).toHaveLength(2);
    const results = calls.map(({ id }, index) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: [{ type: 'text' as const, text: `result ${index}` }],
    }));
    const picture = { type: 'base64' as const, media_type: 'image/png' as const, data: 'AAAA' };
    const last = await client.messages.create({
      ...asked,
      ...toolRun,
      model: upstreamModel,
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      messages: [
        ...asked.messages,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: [...results, { type: 'image', source: picture }, { type: 'text', text: 'And?' }],
        },
      ],
    });
    expect(last.content).toMatchObject([{ type: 'text', text: 'Sunny' }]);
    const sent = door.sent();
    expect(sent).toMatchObject({
      parallel_tool_calls: false,
      tools: [{ type: 'function', function: { name: 'get_weather' } }],
    });
    const messages = sent['messages'] as { role: string; tool_call_id?: string }[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'user']);
    expect(messages.flatMap(({ tool_call_id }) => tool_call_id ?? [])).toEqual(calls.map(({ id }) => id));
    expect(messages.at(-1)).toMatchObject({
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'text', text: 'And?' },
      ],
    });
    await door.usage(2);
  });

  it('gives back to Google what it signed', async () => {
    door.upstream.enqueue(vendor(google, 'tool-calls.sse'), vendor(google, 'text.sse'));
    const first = await client.messages.stream({ ...asked, ...toolRun, model: gemini }).finalMessage();
    const calls = first.content.filter((block) => block.type === 'tool_use');
    await client.messages.create({
      ...asked,
      ...toolRun,
      model: gemini,
      messages: [
        ...asked.messages,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'x' })),
        },
      ],
    });
    const signed = /"thoughtSignature":\s*"([^"]+)"/.exec(google.text('tool-calls.sse'))?.[1];
    expect(signed).toBeDefined();
    const { contents } = door.sent() as { contents: { parts: Record<string, unknown>[] }[] };
    const parts = contents.flatMap((content) => content.parts);
    expect(parts.find((part) => part['thoughtSignature'] === signed)).toHaveProperty('functionCall');
    expect(JSON.stringify(parts)).not.toContain('parley.tool_call');
    await door.usage(2);
  });

  it('holds to a schema', async () => {
    door.upstream.enqueue(answers('{"answer":4}'));
    const schema = { type: 'object', properties: { answer: { type: 'number' } } };
    const format = { type: 'json_schema' as const, schema };
    await client.messages.create({
      ...asked,
      model: upstreamModel,
      output_config: { format, effort: 'low' },
    });
    expect(door.sent()).toMatchObject({
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { schema, strict: true } },
    });
    await door.usage();
  });

  it('has its tokens counted by us, and uses none', async () => {
    const short = await client.messages.countTokens({ model: upstreamModel, messages: asked.messages });
    const long = await client.messages.countTokens({
      model: upstreamModel,
      messages: [{ role: 'user', content: 'A longer question, of many more words than the other one had.' }],
    });
    expect(short.input_tokens).toBeGreaterThan(0);
    expect(long.input_tokens).toBeGreaterThan(short.input_tokens);
    expect(door.upstream.requests).toEqual([]);
    await door.usage(0);
  });
});

const refusalOf = (type: string): object => ({
  type: 'error',
  error: { type, message: 'upstream-body-canary' },
});

describe.each([
  ['passed on', claude, () => anthropic.text('text.sse').split(/(?<=\n\n)/)],
  ['translated', upstreamModel, () => answerPieces('Hello', ' there')],
] as const)('a failure that is %s', (_how, model, pieces) => {
  it.each([
    [429, 'rate_limit_error', Anthropic.RateLimitError, 'rate_limit_error', 'PROVIDER_RATE_LIMITED'],
    [529, 'overloaded_error', Anthropic.InternalServerError, 'overloaded_error', 'PROVIDER_OVERLOADED'],
    [503, 'api_error', Anthropic.InternalServerError, 'overloaded_error', 'PROVIDER_OVERLOADED'],
    [500, 'api_error', Anthropic.InternalServerError, 'api_error', 'PROVIDER_FAILED'],
    [
      400,
      'invalid_request_error',
      Anthropic.BadRequestError,
      'invalid_request_error',
      'PROVIDER_REQUEST_REFUSED',
    ],
    [
      401,
      'authentication_error',
      Anthropic.InternalServerError,
      'api_error',
      'PROVIDER_AUTHENTICATION_FAILED',
    ],
  ])('is an error of its class before the first byte: %i', async (status, words, errorClass, type, code) => {
    const headers = { 'retry-after': '60' };
    for (const streams of [false, true]) {
      door.upstream.enqueue(json(refusalOf(words), { status, headers }));
      const error = await failure(client.messages.create({ ...asked, model, stream: streams }));
      expect(error).toBeInstanceOf(errorClass);
      expect(error).toMatchObject({ type, error: { type: 'error', request_id: expect.any(String) } });
      expect((error as { requestID: string }).requestID).toBe(
        (error as { error: { request_id: string } }).error.request_id,
      );
      expect(String(error)).not.toMatch(/canary/);
      expect((await door.usage())[0]).toMatchObject({ status: 'error', error_code: code });
    }
  });

  it.each([
    ['cut before it answers', [cut, cut, cut]],
    ['that is not valid', [json({}), json({}), json({})]],
  ])('is an error of its class: a vendor %s', async (_name, scripts) => {
    door.upstream.enqueue(...scripts);
    const error = await failure(client.messages.create({ ...asked, model, stream: true }));
    expect(error).toBeInstanceOf(Anthropic.InternalServerError);
    expect((await door.usage())[0]?.status).toBe('error');
  });

  it.each(['end', 'half-close', 'cut', 'stall'] as const)(
    'is no answer when the stream breaks off: %s',
    async (ending) => {
      const gate = new Gate();
      const some = pieces().slice(0, 5 - (model === claude ? 0 : 3));
      door.upstream.enqueue(stream(some, { ending, gates: { [some.length]: gate } }));
      const running = client.messages.stream({ ...asked, model });
      running.on('text', () => gate.open());
      const error = await failure(running.finalMessage());
      expect(error).toBeInstanceOf(Anthropic.APIError);
      expect(error).toMatchObject({ type: ending === 'stall' ? 'timeout_error' : 'api_error' });
      expect((await door.usage())[0]).toMatchObject({
        status: ending === 'stall' ? 'error' : 'interrupted',
        estimated: true,
      });
    },
  );

  it('is an error in the stream when a piece is malformed', async () => {
    const some = pieces().slice(0, model === claude ? 5 : 2);
    const name = model === claude ? 'event: content_block_delta\n' : '';
    const bad = `${name}data: {"type":"content_bl\n\n`;
    door.upstream.enqueue(stream([...some, bad, ...pieces().slice(some.length)]));
    const error = await failure(client.messages.stream({ ...asked, model }).finalMessage());
    expect(error).toMatchObject({ type: 'api_error', status: undefined });
    expect((await door.usage())[0]).toMatchObject({
      status: 'error',
      error_code: 'PROVIDER_INVALID_RESPONSE',
    });
  });

  it('is the same however the bytes are split', async () => {
    const bytes = Buffer.from(pieces().join(''));
    door.upstream.enqueue(
      stream(
        splitAt(
          bytes,
          Array.from(bytes.keys()).filter((place) => place % 7 < 2),
        ),
      ),
    );
    const message = await client.messages.stream({ ...asked, model }).finalMessage();
    expect(message.content).toMatchObject([{ text: model === claude ? text : 'Hello there' }]);
    await door.usage();
  });

  it('is known upstream within a second when the program goes away', async () => {
    for (const leave of ['before the answer', 'in the middle']) {
      const some = leave === 'in the middle' ? pieces().slice(0, 5) : [];
      door.upstream.enqueue(
        some.length === 0
          ? silence
          : stream(some.slice(0, 3 + (model === claude ? 1 : 0)), { ending: 'stall' }),
      );
      const abort = new AbortController();
      const running = client.messages.stream({ ...asked, model }, { signal: abort.signal });
      const ended = failure(running.finalMessage());
      const exchange = await door.upstream.nextExchange();
      if (leave === 'in the middle') await running.emitted('text');
      const leftAt = Date.now();
      abort.abort();
      await exchange.closed;
      expect(Date.now() - leftAt).toBeLessThan(1000);
      expect(await ended).toBeInstanceOf(Anthropic.APIUserAbortError);
      const [record] = await door.usage();
      expect(record).toMatchObject({ status: 'cancelled', estimated: true });
      expect(record?.input_tokens).toBeGreaterThan(0);
      if (leave === 'in the middle') expect(record?.output_tokens).toBeGreaterThan(0);
    }
  });
});

it('waits for no vendor that is silent', async () => {
  door.upstream.enqueue(silence, silence, silence);
  const error = await failure(client.messages.create({ ...asked, model: claude, stream: true }));
  expect(error).toMatchObject({ status: 504, type: 'timeout_error' });
  expect((await door.usage())[0]).toMatchObject({ status: 'error', error_code: 'PROVIDER_TIMEOUT' });
});

it('shows nothing of an error that Anthropic reports in the middle', async () => {
  door.upstream.enqueue(vendor(anthropic, 'error-in-stream.sse'));
  const error = await failure(client.messages.stream({ ...asked, model: claude }).finalMessage());
  expect(error).toMatchObject({ type: 'overloaded_error' });
  expect((await door.usage())[0]).toMatchObject({ status: 'error', error_code: 'PROVIDER_OVERLOADED' });
});

it('asks again by itself for what may succeed, and never for what cannot', async () => {
  const patient = door.client({ maxRetries: 2 });
  const outage = json(refusalOf('api_error'), { status: 500 });
  door.upstream.enqueue(outage, outage, outage, vendor(anthropic, 'text.sse'));
  const message = await patient.messages.stream({ ...asked, model: claude }).finalMessage();
  expect(message.content).toHaveLength(1);
  expect(door.upstream.requests).toHaveLength(4);
  await door.usage(2);
  door.upstream.reset();
  door.upstream.enqueue(json(refusalOf('authentication_error'), { status: 401 }));
  await failure(patient.messages.create({ ...asked, model: claude }));
  expect(door.upstream.requests).toHaveLength(1);
  await door.usage();
});

it('hides a break from nobody who iterates by hand', async () => {
  door.upstream.enqueue(breaksOff(['Hel']));
  const events: string[] = [];
  const reading = async (): Promise<void> => {
    for await (const { type } of await client.messages.create({
      ...asked,
      model: upstreamModel,
      stream: true,
    })) {
      events.push(type);
    }
  };
  expect(await failure(reading())).toBeInstanceOf(Anthropic.APIError);
  expect(events).toEqual(['message_start', 'content_block_start', 'content_block_delta']);
  await door.usage();
});
