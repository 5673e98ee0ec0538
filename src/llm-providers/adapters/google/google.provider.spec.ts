import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { json, type Script, silence, stream } from '../../../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../../../bench/upstream/scripted-upstream.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { SystemClock } from '../../../common/clock.js';
import { collect, type GenerateResult } from '../../contract/collect.js';
import type { Connection } from '../../contract/connection.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { GoogleProvider } from './google.provider.js';

function fixture(name: string): string {
  return readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8');
}

const parsed = (name: string): unknown => JSON.parse(fixture(name));
const anAnswer = stream([fixture('text.sse')]);
const path = '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse';
const request: GenerateRequest = {
  model: 'gemini-2.5-flash',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

describe('GoogleProvider', () => {
  let upstream: ScriptedUpstream;
  let provider: GoogleProvider;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
  });
  beforeEach(() => {
    upstream.reset();
    provider = new GoogleProvider(new SystemClock(), localOutbound);
  });
  afterEach(() => provider.close());
  afterAll(() => upstream.stop());

  function call(fields: Partial<Connection> = {}): CallContext {
    const connection: Connection = {
      id: 'c',
      version: 1,
      kind: 'google',
      name: 'Scripted',
      baseUrl: upstream.url,
      credential: 'key-one',
      timeouts: { connectMs: 2000, headersMs: 10_000, idleMs: 10_000 },
      ...fields,
    };
    return { connection, signal: new AbortController().signal, requestId: 'req ours' };
  }

  function answered(fields: Partial<GenerateRequest> = {}): Promise<GenerateResult> {
    return collect(provider.stream({ ...request, ...fields }, call()));
  }

  function sent(index: number): unknown {
    return JSON.parse(upstream.requests[index]?.body ?? '');
  }

  describe('request', () => {
    it('refuses before anything is sent', async () => {
      const refused = { code: 'unsupported', param: 'logitBias' };
      await expect(answered({ logitBias: {} })).rejects.toMatchObject(refused);
      const counted = provider.countTokens({ ...request, logitBias: {} }, call());
      await expect(counted).rejects.toMatchObject(refused);
      expect(upstream.requests).toEqual([]);
    });

    it('asks for a stream of events', async () => {
      upstream.route('POST', path, anAnswer);
      await answered();
      expect(upstream.requests).toHaveLength(1);
      expect(sent(0)).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] });
    });

    it.each([
      ['tunedModels/mine-1', 'tunedModels/mine-1'],
      ['models/gemini-2.5-flash', 'models/gemini-2.5-flash'],
      ['../files?x=', 'models/..%2Ffiles%3Fx%3D'],
    ])('asks the model %s and nothing else', async (model, resource) => {
      upstream.route('POST', `/v1beta/${resource}:streamGenerateContent?alt=sse`, anAnswer);
      await answered({ model });
      expect(upstream.surprises).toEqual([]);
    });

    it('never tries again by itself', async () => {
      upstream.enqueue(json({ error: { code: 503, status: 'UNAVAILABLE' } }, { status: 503 }));
      await expect(answered()).rejects.toMatchObject({ status: 503 });
      expect(upstream.requests).toHaveLength(1);
    });

    it.each([
      ['thinking.sse', { text: '', thoughtSignature: expect.stringMatching(/^AY89.*q0=$/) }],
      [
        'tool-calls.sse',
        {
          functionCall: { id: 'gp737npz', name: 'get_weather', args: { location: 'Zürich', days: 2 } },
          thoughtSignature: 'EpwCCpkCAXLI2nwM',
        },
      ],
    ])('gives the signature of %s back in the part that it came in', async (recording, part) => {
      upstream.enqueue(stream([fixture(recording)]), anAnswer);
      const { parts } = await answered();
      const model = 'gemini-3.8-flash';
      await answered({ model, messages: [...request.messages, { role: 'assistant', parts }] });
      expect(sent(1)).toMatchObject({
        contents: [{}, { role: 'model', parts: expect.arrayContaining([part]) }],
      });
    });
  });

  describe('connection', () => {
    async function headersSent(context: CallContext): Promise<Record<string, unknown>> {
      upstream.enqueue(anAnswer);
      await collect(provider.stream(request, context));
      expect(upstream.requests.at(-1)?.path).not.toContain('key');
      return { ...upstream.requests.at(-1)?.headers };
    }

    it('sends the credential in a header, and the headers of the connection', async () => {
      expect(await headersSent(call({ headers: { 'X-Team': 'blue' } }))).toMatchObject({
        'x-goog-api-key': 'key-one',
        'x-team': 'blue',
        'content-type': 'application/json',
      });
    });

    it('lets the connection say its own headers instead', async () => {
      const headers = await headersSent(call({ headers: { 'X-Goog-Api-Key': 'another' } }));
      expect(headers).toMatchObject({ 'x-goog-api-key': 'another' });
    });

    it('sends no credential to a server that asks for none', async () => {
      expect(await headersSent(call({ credential: undefined }))).not.toHaveProperty('x-goog-api-key');
    });

    it('makes a new client for a new version, and one for each connection', async () => {
      const keys = [
        await headersSent(call()),
        await headersSent(call({ version: 2, credential: 'key-two' })),
        await headersSent(call({ id: 'other', credential: 'key-other' })),
      ].map((headers) => headers['x-goog-api-key']);
      expect(keys).toEqual(['key-one', 'key-two', 'key-other']);
    });

    it('says nothing of a credential that cannot be sent', async () => {
      const verifying = provider.verify(call({ credential: 'key\nsecret' }));
      const error: unknown = await verifying.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ProviderError', code: 'unknown' });
      expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('secret');
    });

    it.each(['', '/', '/v1beta', '/v1beta/'])(
      'finds the API below a base URL that ends in "%s"',
      async (ending) => {
        upstream.route('GET', '/v1beta/models?pageSize=1', json({ models: [] }));
        await provider.verify(call({ baseUrl: upstream.url + ending }));
        expect(upstream.surprises).toEqual([]);
      },
    );

    it('speaks another version to who wants it', async () => {
      upstream.route('GET', '/v1alpha/models?pageSize=1', json({ models: [] }));
      await provider.verify(call({ baseUrl: `${upstream.url}/v1alpha` }));
      expect(upstream.surprises).toEqual([]);
    });
  });

  describe('embed', () => {
    const embedPath = '/v1beta/models/gemini-embedding-001:batchEmbedContents';
    const embed = (inputs: readonly string[]): ReturnType<GoogleProvider['embed']> =>
      provider.embed({ model: 'gemini-embedding-001', inputs }, call());

    it('asks for all inputs at once', async () => {
      upstream.route('POST', embedPath, json(parsed('embeddings.json')));
      expect(await embed(['a', 'b'])).toEqual({
        vectors: [
          [-0.022374554, -0.004560777, 0.013309286],
          [0.0023, 0.011, -0.5],
        ],
      });
      expect(sent(0)).toEqual({
        requests: ['a', 'b'].map((text) => ({
          model: 'models/gemini-embedding-001',
          content: { parts: [{ text }] },
        })),
      });
    });

    it('asks in batches of a hundred, keeps the order and adds up the tokens', async () => {
      const batch = (from: number, count: number): Script =>
        json({
          embeddings: Array.from({ length: count }, (_, index) => ({ values: [from + index] })),
          usageMetadata: { promptTokenCount: count },
        });
      upstream.enqueue(batch(0, 100), batch(100, 100), batch(200, 1));
      const inputs = Array.from({ length: 201 }, (_, index) => `text ${index}`);
      expect(await embed(inputs)).toEqual({ vectors: inputs.map((_, index) => [index]), inputTokens: 201 });
      expect(sent(2)).toMatchObject({ requests: [{ content: { parts: [{ text: 'text 200' }] } }] });
    });

    it('knows no sum of tokens when a batch tells none', async () => {
      const embeddings = Array.from({ length: 100 }, () => ({ values: [1] }));
      upstream.enqueue(
        json({ embeddings, usageMetadata: { promptTokenCount: 100 } }),
        json({ embeddings: [{ values: [1] }] }),
      );
      expect(await embed(Array.from({ length: 101 }, () => 'x'))).not.toHaveProperty('inputTokens');
    });

    it('asks nobody for nothing', async () => {
      expect(await embed([])).toEqual({ vectors: [] });
      expect(upstream.requests).toEqual([]);
    });

    it.each([
      {},
      [],
      { embeddings: [{ values: [1] }] },
      { embeddings: [{ values: [1] }, {}] },
      { embeddings: [{ values: [1] }, { values: ['x'] }] },
      { embeddings: [{ values: [1] }, { values: [1] }, { values: [1] }] },
    ])('refuses %j for two inputs', async (body) => {
      upstream.enqueue(json(body));
      await expect(embed(['a', 'b'])).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('countTokens', () => {
    it('asks the vendor', async () => {
      upstream.route('POST', '/v1beta/models/gemini-2.5-flash:countTokens', json({ totalTokens: 31 }));
      expect(await provider.countTokens(request, call())).toBe(31);
      expect(sent(0)).toMatchObject({ generateContentRequest: { model: 'models/gemini-2.5-flash' } });
    });

    it.each([{}, { totalTokens: '7' }, []])('refuses the count %j', async (body) => {
      upstream.enqueue(json(body));
      const counting = provider.countTokens(request, call());
      await expect(counting).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('models', () => {
    const common = { provider: 'google', temperature: { min: 0, max: 2, step: 0.1, default: 1 } };

    it('lists all pages, without what can neither chat nor embed', async () => {
      const next = '/v1beta/models?pageSize=1000&pageToken=Ch9tb2RlbHMvZ2VtaW5p';
      upstream.route('GET', '/v1beta/models?pageSize=1000', json(parsed('models-1.json')));
      upstream.route('GET', next, json(parsed('models-2.json')));
      expect(await provider.listModels(call())).toEqual([
        {
          ...common,
          id: 'gemini-3.8-flash',
          name: 'Gemini 3.8 Flash',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          contextLength: 1_048_576,
          maxOutputTokens: 65_536,
        },
        {
          ...common,
          id: 'gemini-2.0-flash',
          name: 'Gemini 2.0 Flash',
          capabilities: ['chat', 'tools', 'images', 'structured_output'],
          contextLength: 1_048_576,
          maxOutputTokens: 8192,
          temperature: { min: 0, max: 1.5, step: 0.1, default: 0.7 },
        },
        {
          ...common,
          id: 'gemma-4-31b-it',
          name: 'Gemma 4 31B IT',
          capabilities: ['chat', 'reasoning'],
          contextLength: 262_144,
          maxOutputTokens: 32_768,
        },
        {
          ...common,
          id: 'gemini-embedding-001',
          name: 'Gemini Embedding 001',
          capabilities: ['embeddings'],
          contextLength: 2048,
          maxOutputTokens: 1,
        },
      ]);
    });

    it('believes the list when it does not say that a model thinks, or has methods', async () => {
      const supportedGenerationMethods = ['generateContent'];
      const models = [
        { name: 'models/gemini-3.8-flash', supportedGenerationMethods },
        { name: 'models/gemini-5' },
      ];
      upstream.enqueue(json({ models }));
      const without = ['chat', 'tools', 'images', 'structured_output'];
      const everything = ['chat', 'reasoning', 'tools', 'images', 'structured_output'];
      const listed = await provider.listModels(call());
      expect(listed.map(({ capabilities }) => capabilities)).toEqual([without, everything]);
    });

    it('gives up on a list that never ends', async () => {
      const page = json({ models: [], nextPageToken: 'x' });
      upstream.enqueue(...Array.from({ length: 30 }, () => page));
      await expect(provider.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
      expect(upstream.requests).toHaveLength(20);
    });

    it.each([
      {},
      [],
      { models: {} },
      { models: [{}] },
      { models: [{ name: 7 }] },
      { models: [{ name: 'models/x', supportedGenerationMethods: [7] }] },
      { models: [{ name: 'models/x', temperature: '1' }] },
      { models: [{ name: 'models/x', inputTokenLimit: -1 }] },
    ])('refuses the list %j', async (body) => {
      upstream.enqueue(json(body));
      await expect(provider.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('throws the reason of the signal while it waits', async () => {
      const controller = new AbortController();
      upstream.enqueue(silence);
      const listing = provider.listModels({ ...call(), signal: controller.signal });
      const exchange = await upstream.nextExchange();
      const reason = new Error('gone');
      controller.abort(reason);
      await expect(listing).rejects.toBe(reason);
      await exchange.closed;
    });

    it('verifies a connection by one model', async () => {
      const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }];
      const wrongKey = json({ error: { code: 400, status: 'INVALID_ARGUMENT', details } }, { status: 400 });
      upstream.enqueue(json(parsed('models-1.json')), wrongKey, json({}));
      await expect(provider.verify(call())).resolves.toBeUndefined();
      expect(upstream.requests[0]).toMatchObject({ method: 'GET', path: '/v1beta/models?pageSize=1' });
      await expect(provider.verify(call())).rejects.toMatchObject({ code: 'authentication' });
      await expect(provider.verify(call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('cannot verify a connection to nobody', async () => {
      const nobody = call({ baseUrl: 'http://127.0.0.1:1' });
      await expect(provider.verify(nobody)).rejects.toMatchObject({ code: 'network', retryable: true });
    });

    it('never speaks plain http to a host that is not trusted', async () => {
      const elsewhere = call({ baseUrl: 'http://example.com' });
      await expect(provider.verify(elsewhere)).rejects.toMatchObject({ code: 'network' });
    });

    it.each([
      ['gemini-3.8-flash', ['chat', 'reasoning', 'tools', 'images', 'structured_output']],
      ['gemini-flash-latest', ['chat', 'reasoning', 'tools', 'images', 'structured_output']],
      ['gemini-2.0-flash', ['chat', 'tools', 'images', 'structured_output']],
      ['gemini-2.5-flash-preview-tts', []],
      ['gemini-3.1-flash-image', []],
      ['gemini-embedding-2', ['embeddings']],
      ['gemma-4-31b-it', ['chat']],
      ['of-tomorrow', ['chat', 'tools']],
    ])('knows what %s can', (id, capabilities) => {
      expect(provider.describeModel(id)).toEqual({ ...common, id, name: id, capabilities });
    });
  });
});
