import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Gate } from '../../../../bench/upstream/gate.js';
import {
  cut,
  json,
  type Script,
  silence,
  stream,
  type StreamOptions,
} from '../../../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../../../bench/upstream/scripted-upstream.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { SystemClock } from '../../../common/clock.js';
import { collect } from '../../contract/collect.js';
import type { Connection } from '../../contract/connection.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { LoadProgress } from '../../contract/model-info.js';
import type { CallContext } from '../../contract/model-provider.js';
import { OllamaProvider } from './ollama.provider.js';

function fixture(name: string): string {
  return readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8');
}

const parsed = (name: string): unknown => JSON.parse(fixture(name));

function lines(text: string, options: StreamOptions = {}): Script {
  return stream([text], { headers: { 'content-type': 'application/x-ndjson; charset=utf-8' }, ...options });
}

const anAnswer = lines(fixture('text.ndjson'));
const notFound = json({ error: "model 'gemma4' not found" }, { status: 404 });

const request: GenerateRequest = {
  model: 'gemma4',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

/** Answers /api/show by the model that is asked for. */
const show: Script = (exchange) => {
  const shown = parsed('show.json') as Readonly<Record<string, unknown>>;
  const { model } = JSON.parse(exchange.request.body) as { model: string };
  return json(shown[model.includes(':') ? model : `${model}:latest`])(exchange);
};

describe('OllamaProvider', () => {
  let upstream: ScriptedUpstream;
  let ollama: OllamaProvider;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
  });
  beforeEach(() => {
    upstream.reset();
    ollama = new OllamaProvider(new SystemClock(), localOutbound);
  });
  afterEach(async () => {
    await ollama.close();
    expect(upstream.surprises).toEqual([]);
  });
  afterAll(() => upstream.stop());

  function call(fields: Partial<Connection> = {}): CallContext {
    const connection: Connection = {
      id: 'c',
      version: 1,
      kind: 'ollama',
      name: 'Scripted',
      baseUrl: upstream.url,
      timeouts: { connectMs: 2000, headersMs: 10_000, idleMs: 10_000 },
      ...fields,
    };
    return { connection, signal: new AbortController().signal, requestId: 'req-ours' };
  }

  const nobody = (): CallContext => call({ id: 'nobody', baseUrl: 'http://127.0.0.1:1' });

  function sent(): readonly unknown[] {
    return upstream.requests.map(({ method, path, body }) => [
      `${method} ${path}`,
      body === '' ? undefined : (JSON.parse(body) as unknown),
    ]);
  }

  describe('connection', () => {
    async function headersSent(context: CallContext): Promise<unknown> {
      upstream.enqueue(anAnswer);
      await collect(ollama.stream(request, context));
      return upstream.requests.at(-1)?.headers;
    }

    it('sends no credential to a server that asks for none', async () => {
      expect(await headersSent(call())).not.toHaveProperty('authorization');
    });

    it('sends credential, headers and our request id', async () => {
      const headers = { 'X-Team': 'blue' };
      expect(await headersSent(call({ credential: 'key-one', headers }))).toMatchObject({
        authorization: 'Bearer key-one',
        'x-team': 'blue',
        'x-request-id': 'req-ours',
        'content-type': 'application/json',
      });
    });

    it('lets the headers of the connection replace its own', async () => {
      const headers = { Authorization: 'Basic xyz' };
      expect(await headersSent(call({ credential: 'key-one', headers }))).toMatchObject({
        authorization: 'Basic xyz',
      });
    });

    it('uses the new credential as soon as the version changes', async () => {
      await headersSent(call({ credential: 'key-one' }));
      expect(await headersSent(call({ version: 2, credential: 'key-two' }))).toMatchObject({
        authorization: 'Bearer key-two',
      });
    });

    it.each(['', '/', '/api', '/api/'])('takes a base URL that ends with "%s"', async (end) => {
      await headersSent(call({ baseUrl: `${upstream.url}${end}` }));
      expect(upstream.requests[0]?.path).toBe('/api/chat');
    });

    it('keeps the prefix of a proxy', async () => {
      await headersSent(call({ baseUrl: `${upstream.url}/ollama/` }));
      expect(upstream.requests[0]?.path).toBe('/ollama/api/chat');
    });
  });

  describe('stream', () => {
    it('takes context and keep-alive from the connection', async () => {
      upstream.enqueue(anAnswer);
      const options = { num_ctx: 8192, keep_alive: '10m' };
      await collect(ollama.stream(request, call({ options })));
      expect(sent()).toMatchObject([
        ['POST /api/chat', { options: { num_ctx: 8192 }, keep_alive: '10m', truncate: false, shift: false }],
      ]);
    });

    it('sends nothing that it cannot pass on', async () => {
      const stuck = collect(ollama.stream({ ...request, logitBias: {} }, call()));
      await expect(stuck).rejects.toMatchObject({ code: 'unsupported', param: 'logitBias' });
      expect(upstream.requests).toEqual([]);
    });

    it('tells the request id of a proxy', async () => {
      const headers = { 'content-type': 'application/x-ndjson', 'x-request-id': 'req_theirs' };
      upstream.enqueue(lines(fixture('text.ndjson'), { headers }));
      expect((await collect(ollama.stream(request, call()))).requestId).toBe('req_theirs');
    });

    it.each([
      ['stop', 'stop'],
      ['length', 'length'],
      ['load', 'other'],
      ['unload', 'other'],
      ['constructor', 'other'],
      ['', 'other'],
    ])('reads the reason "%s" as %s', async (rawReason, reason) => {
      upstream.enqueue(lines(`{"message":{"content":"x"},"done":true,"done_reason":"${rawReason}"}\n`));
      expect(await collect(ollama.stream(request, call()))).toMatchObject({ text: 'x', reason, rawReason });
    });

    it.each(['{"eval_count":3,"done":true}', '{"prompt_eval_count":3,"done":true}'])(
      'takes half of a usage for none: %s',
      async (line) => {
        upstream.enqueue(lines(`${line}\n`));
        expect(await collect(ollama.stream(request, call()))).not.toHaveProperty('usage');
      },
    );

    it('gives nameless calls ids that are the same for the same request, and differ otherwise', async () => {
      const ids = async (sentRequest: GenerateRequest, requestId: string): Promise<readonly unknown[]> => {
        upstream.enqueue(lines(fixture('tool-calls-without-ids.ndjson')));
        const { parts } = await collect(ollama.stream(sentRequest, { ...call(), requestId }));
        return parts.map((part) => (part.type === 'tool-call' ? part.id : undefined));
      };
      const first = await ids(request, 'req-1');
      expect(await ids(request, 'req-1')).toEqual(first);
      const longer = { ...request, messages: [...request.messages, ...request.messages] };
      const all = [...first, ...(await ids(request, 'req-2')), ...(await ids(longer, 'req-1'))];
      expect(new Set(all).size).toBe(9);
      for (const id of all) expect(id).toMatch(/^call_[0-9a-f]{24}$/);
    });

    it('throws an error that comes first, before start', async () => {
      upstream.enqueue(lines('{"error":"model runner has unexpectedly stopped"}\n'));
      const events = ollama.stream(request, call());
      await expect(events.next()).rejects.toMatchObject({ code: 'unknown', retryable: true });
    });

    it('waits for no end of a refusal', async () => {
      upstream.enqueue(lines('{"error":"', { status: 500, ending: 'stall' }));
      await expect(collect(ollama.stream(request, call()))).rejects.toMatchObject({ status: 500 });
      await (
        await upstream.nextExchange()
      ).closed;
    });

    it('finds nobody where nobody is', async () => {
      const reaching = collect(ollama.stream(request, nobody()));
      await expect(reaching).rejects.toMatchObject({ code: 'network', retryable: true });
    });
  });

  describe('models', () => {
    beforeEach(() => {
      upstream.route('GET', '/api/tags', json(parsed('tags.json')));
      upstream.route('POST', '/api/show', show);
    });

    it('lists what can chat or embed, with what each can do', async () => {
      expect(await ollama.listModels(call())).toEqual([
        {
          id: 'gemma4:latest',
          name: 'gemma4:latest (8.0B, Q4_K_M)',
          provider: 'ollama',
          capabilities: ['chat', 'structured_output', 'tools', 'reasoning', 'images'],
          contextLength: 131_072,
          temperature: { min: 0, max: 2, step: 0.1, default: 1 },
        },
        {
          id: 'qwen3.5:35b',
          name: 'qwen3.5:35b (36.0B, Q4_K_M)',
          provider: 'ollama',
          capabilities: ['chat', 'structured_output', 'tools', 'reasoning'],
          contextLength: 32_768,
          temperature: { min: 0, max: 2, step: 0.1, default: 0.6 },
        },
        {
          id: 'nomic-embed-text:latest',
          name: 'nomic-embed-text:latest (137M, F16)',
          provider: 'ollama',
          capabilities: ['embeddings'],
          contextLength: 2048,
          temperature: { min: 0, max: 2, step: 0.1, default: 0.8 },
        },
        expect.objectContaining({ id: 'gpt-oss:120b-cloud', contextLength: 131_072 }),
      ]);
    });

    it('knows no longer context than the connection loads models with', async () => {
      const models = await ollama.listModels(call({ options: { num_ctx: 16_384 } }));
      expect(models.map(({ contextLength }) => contextLength)).toEqual([16_384, 16_384, 2048, 16_384]);
    });

    it('asks for the details of four at a time', async () => {
      const models = Array.from({ length: 12 }, (_, index) => ({ name: `m${index}` }));
      let [asked, most] = [0, 0];
      upstream.route('GET', '/api/tags', json({ models }));
      upstream.route('POST', '/api/show', async (exchange) => {
        most = Math.max(most, (asked += 1));
        for (let turn = 0; turn < 50; turn += 1) await setImmediate();
        asked -= 1;
        return json({ capabilities: ['completion'] })(exchange);
      });
      expect((await ollama.listModels(call())).map(({ id }) => id)).toEqual(models.map(({ name }) => name));
      expect(most).toBe(4);
    });

    it('leaves a model out that has gone meanwhile, and knows others by their names', async () => {
      const models = ['gone', 'broken', 'old', 'all-minilm:22m'].map((name) => ({ name }));
      upstream.route('GET', '/api/tags', json({ models }));
      upstream.route('POST', '/api/show', (exchange) => {
        const { model } = JSON.parse(exchange.request.body) as { model: string };
        if (model === 'gone') return notFound(exchange);
        return json({ error: 'x' }, { status: model === 'broken' ? 500 : 200 })(exchange);
      });
      expect(await ollama.listModels(call())).toMatchObject([
        { id: 'broken', capabilities: ['chat', 'tools', 'structured_output'] },
        { id: 'old', capabilities: ['chat', 'tools', 'structured_output'] },
        { id: 'all-minilm:22m', capabilities: ['embeddings'] },
      ]);
    });

    it('fails when the server goes away while it lists', async () => {
      upstream.route('POST', '/api/show', cut);
      await expect(ollama.listModels(call())).rejects.toMatchObject({ code: 'network' });
    });

    it.each([{}, { models: {} }, { models: [{}] }, { models: [{ name: 7 }] }, []])(
      'refuses the list %j',
      async (body) => {
        upstream.route('GET', '/api/tags', json(body));
        await expect(ollama.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
      },
    );

    it('refuses a list that is a web page', async () => {
      upstream.enqueue(stream(['<html>'], { headers: { 'content-type': 'text/html' } }));
      await expect(ollama.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('throws the reason of the signal while it waits', async () => {
      const controller = new AbortController();
      upstream.enqueue(silence);
      const listing = ollama.listModels({ ...call(), signal: controller.signal });
      const exchange = await upstream.nextExchange();
      const reason = new Error('gone');
      controller.abort(reason);
      await expect(listing).rejects.toBe(reason);
      await exchange.closed;
    });

    it('verifies a connection by its list alone', async () => {
      await expect(ollama.verify(call())).resolves.toBeUndefined();
      expect(sent()).toEqual([['GET /api/tags', undefined]]);
      await expect(ollama.verify(nobody())).rejects.toMatchObject({ code: 'network', retryable: true });
      upstream.enqueue(json({}, { status: 401 }));
      await expect(ollama.verify(call())).rejects.toMatchObject({ code: 'authentication' });
    });
  });

  describe('embed', () => {
    const inputs = ['a', 'b'];

    it('gives a vector for each input', async () => {
      upstream.route('POST', '/api/embed', json(parsed('embed.json')));
      const options = { keep_alive: -1, num_ctx: 512 };
      expect(await ollama.embed({ model: 'nomic-embed-text', inputs }, call({ options }))).toEqual({
        vectors: [
          [0.010071029, -0.0017594862],
          [-0.5, 0.25],
        ],
        inputTokens: 8,
      });
      const body = { model: 'nomic-embed-text', input: inputs, truncate: false };
      expect(sent()).toEqual([['POST /api/embed', { ...body, keep_alive: -1, options: { num_ctx: 512 } }]]);
    });

    it.each([
      {},
      { embeddings: [[1]] },
      { embeddings: [[1], [2], [3]] },
      { embeddings: [[1], ['2']] },
      { embeddings: [[1], 2] },
      { embeddings: [[1], [2]], prompt_eval_count: 'x' },
    ])('refuses the answer %j', async (body) => {
      upstream.route('POST', '/api/embed', json(body));
      const embedding = ollama.embed({ model: 'm', inputs }, call());
      await expect(embedding).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('leaves the count out when the server does not tell it', async () => {
      upstream.route('POST', '/api/embed', json({ embeddings: [[1], [2]] }));
      expect(await ollama.embed({ model: 'm', inputs }, call())).toEqual({ vectors: [[1], [2]] });
    });
  });

  describe('status', () => {
    beforeEach(() => {
      upstream.route('GET', '/api/ps', json(parsed('ps.json')));
      upstream.route('GET', '/api/tags', json(parsed('tags.json')));
    });

    it.each(['gemma4', 'gemma4:latest'])('is loaded when it is in memory: %s', async (model) => {
      expect(await ollama.status(model, call())).toEqual({
        state: 'loaded',
        memoryBytes: 6_591_830_464,
        expiresAt: new Date('2026-11-12T23:47:07.933Z'),
      });
      expect(upstream.requests).toHaveLength(1);
    });

    it.each([
      ['qwen3.5:35b', 'not_loaded'],
      ['qwen3.5:7b', 'unavailable'],
      ['gpt-oss:120b-cloud', 'loaded'],
    ])('of %s is %s', async (model, state) => {
      expect(await ollama.status(model, call())).toEqual({ state });
    });

    it('knows the memory of older servers, and of those that do not tell it', async () => {
      upstream.route('GET', '/api/ps', json({ models: [{ name: 'a', size_vram: 7 }, { name: 'b' }] }));
      expect(await ollama.status('a', call())).toEqual({ state: 'loaded', memoryBytes: 7 });
      expect(await ollama.status('b', call())).toEqual({ state: 'loaded' });
    });

    it.each([
      ['nobody', cut],
      ['a full queue', json({}, { status: 503 })],
      ['a proxy that finds nobody', json({}, { status: 502 })],
    ])('is unavailable when it asks %s', async (_name, script) => {
      upstream.enqueue(script);
      expect(await ollama.status('gemma4', call())).toEqual({ state: 'unavailable' });
    });

    it('is unavailable when the server is down', async () => {
      expect(await ollama.status('gemma4', nobody())).toEqual({ state: 'unavailable' });
    });

    it('is not known when the server does not tell us', async () => {
      upstream.enqueue(json({}, { status: 401 }));
      await expect(ollama.status('gemma4', call())).rejects.toMatchObject({ code: 'authentication' });
    });

    it('refuses a time that is none', async () => {
      upstream.enqueue(json({ models: [{ name: 'gemma4', expires_at: 'soon' }] }));
      await expect(ollama.status('gemma4', call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('throws the reason of the signal', async () => {
      const controller = new AbortController();
      controller.abort(new Error('gone'));
      const asking = ollama.status('gemma4', { ...call(), signal: controller.signal });
      await expect(asking).rejects.toBe(controller.signal.reason);
    });
  });

  describe('load', () => {
    const loaded = json(parsed('load.json'));

    async function progress(model: string, context: CallContext): Promise<readonly LoadProgress[]> {
      const reported: LoadProgress[] = [];
      for await (const event of ollama.load(model, context)) reported.push(event);
      return reported;
    }

    beforeEach(() => {
      upstream.route('POST', '/api/show', show);
      upstream.route('POST', '/api/generate', loaded);
    });

    it('asks for nothing, so that the server loads the model', async () => {
      const options = { keep_alive: '1h', num_ctx: 8192 };
      expect(await progress('gemma4', call({ options }))).toEqual([
        { state: 'loading' },
        { state: 'loaded' },
      ]);
      const body = { model: 'gemma4', keep_alive: '1h', options: { num_ctx: 8192 }, stream: false };
      expect(sent().at(-1)).toEqual(['POST /api/generate', body]);
    });

    it('waits for a model longer than for an answer', async () => {
      const gate = new Gate();
      upstream.route('GET', '/api/tags', silence);
      upstream.route('POST', '/api/generate', async (exchange) => {
        await gate.opened;
        return loaded(exchange);
      });
      const context = call({ timeouts: { connectMs: 2000, headersMs: 50, idleMs: 50 } });
      const loading = progress('gemma4', context);
      for (const path of ['/api/show', '/api/generate']) {
        expect((await upstream.nextExchange()).request.path).toBe(path);
      }
      await expect(ollama.verify(context)).rejects.toMatchObject({ code: 'timeout' });
      gate.open();
      expect((await loading).at(-1)).toEqual({ state: 'loaded' });
    });

    it('loads a model that only embeds by embedding nothing', async () => {
      upstream.route('POST', '/api/embed', json({ embeddings: [] }));
      expect((await progress('nomic-embed-text', call())).at(-1)).toEqual({ state: 'loaded' });
      expect(sent().at(-1)).toEqual(['POST /api/embed', { model: 'nomic-embed-text', input: [] }]);
    });

    it('says so when the model is not kept', async () => {
      upstream.route('POST', '/api/generate', json({ done: true, done_reason: 'unload' }));
      expect((await progress('gemma4', call({ options: { keep_alive: 0 } }))).at(-1)).toEqual({
        state: 'not_loaded',
      });
    });

    it.each([{}, { pull: false }, { pull: 'true' }, { pull: 1 }])(
      'downloads nothing with the options %j',
      async (options) => {
        upstream.enqueue(notFound);
        await expect(progress('gemma4', call({ options }))).rejects.toMatchObject({ code: 'not_found' });
        expect(sent()).toEqual([['POST /api/show', { model: 'gemma4' }]]);
      },
    );

    it('downloads a model that is not there when it may, and loads it', async () => {
      upstream.enqueue(notFound, lines(fixture('pull.ndjson')));
      expect(await progress('gemma4', call({ options: { pull: true } }))).toEqual([
        { state: 'loading' },
        { state: 'loading', progress: 0 },
        { state: 'loading', progress: 0.25 },
        { state: 'loading', progress: 1 },
        { state: 'loaded' },
      ]);
      expect(sent()).toEqual([
        ['POST /api/show', { model: 'gemma4' }],
        ['POST /api/pull', { model: 'gemma4', stream: true }],
        ['POST /api/show', { model: 'gemma4' }],
        ['POST /api/generate', { model: 'gemma4', stream: false }],
      ]);
    });

    it('downloads nothing that is there', async () => {
      await progress('gemma4', call({ options: { pull: true } }));
      expect(sent()).not.toContainEqual(expect.arrayContaining(['POST /api/pull']));
    });

    it('fails when the download ends early', async () => {
      upstream.enqueue(notFound, lines(fixture('pull.ndjson').replace(/.*success.*\n$/, '')));
      await expect(progress('gemma4', call({ options: { pull: true } }))).rejects.toMatchObject({
        code: 'invalid_response',
        retryable: true,
      });
    });

    it('fails when the download fails', async () => {
      upstream.enqueue(notFound, lines('{"status":"pulling manifest"}\n{"error":"file does not exist"}\n'));
      await expect(progress('gemma4', call({ options: { pull: true } }))).rejects.toMatchObject({
        code: 'unknown',
      });
    });

    it('downloads nothing when the server does not say that the model is missing', async () => {
      upstream.enqueue(json({}, { status: 500 }));
      await expect(progress('gemma4', call({ options: { pull: true } }))).rejects.toMatchObject({
        code: 'unknown',
      });
      expect(upstream.requests).toHaveLength(1);
    });

    it('stops the download on abort', async () => {
      const controller = new AbortController();
      const [first] = fixture('pull.ndjson').split('\n');
      upstream.enqueue(notFound, lines(`${first ?? ''}\n`, { ending: 'stall' }));
      const context = { ...call({ options: { pull: true } }), signal: controller.signal };
      const loading = progress('gemma4', context);
      await upstream.nextExchange();
      const exchange = await upstream.nextExchange();
      controller.abort(new Error('gone'));
      await expect(loading).rejects.toBe(controller.signal.reason);
      await exchange.closed;
    });
  });

  describe('unload', () => {
    it('keeps the model alive for no time', async () => {
      upstream.route('POST', '/api/generate', json({ done: true, done_reason: 'unload' }));
      await ollama.unload('gemma4', call({ options: { keep_alive: -1 } }));
      expect(sent()).toEqual([['POST /api/generate', { model: 'gemma4', keep_alive: 0, stream: false }]]);
    });

    it('takes no redirect for an answer', async () => {
      upstream.enqueue(json({}, { status: 302, headers: { location: '/elsewhere' } }));
      const unloading = ollama.unload('gemma4', call());
      await expect(unloading).rejects.toMatchObject({ code: 'invalid_response', status: 302 });
      expect(upstream.requests).toHaveLength(1);
    });

    it('knows a model that is not there', async () => {
      upstream.enqueue(notFound);
      await expect(ollama.unload('gemma4', call())).rejects.toMatchObject({ code: 'not_found' });
    });
  });
});
