import { describe, expect, it } from '@jest/globals';
import { json, type Script, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { GoogleProvider } from './google.provider.js';

const recordings = new Recordings('google');
const anAnswer = stream([recordings.text('text.sse')]);
const path = '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse';
const request: GenerateRequest = {
  model: 'gemini-2.5-flash',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

const scene = new ProviderScene({
  makeProvider: () => new GoogleProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('google', upstreamUrl, 'key-one'),
  request,
  requestId: 'req ours',
}).register();

describe('GoogleProvider', () => {
  describe('request', () => {
    it('refuses before anything is sent', async () => {
      const refused = { code: 'unsupported', param: 'logitBias' };
      await expect(scene.answered({ logitBias: {} })).rejects.toMatchObject(refused);
      const counted = scene.provider.countTokens({ ...request, logitBias: {} }, scene.call());
      await expect(counted).rejects.toMatchObject(refused);
      expect(scene.upstream.requests).toEqual([]);
    });

    it('asks for a stream of events', async () => {
      scene.upstream.route('POST', path, anAnswer);
      await scene.answered();
      expect(scene.upstream.requests).toHaveLength(1);
      expect(scene.sent(0)).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] });
    });

    it.each([
      ['tunedModels/mine-1', 'tunedModels/mine-1'],
      ['models/gemini-2.5-flash', 'models/gemini-2.5-flash'],
      ['../files?x=', 'models/..%2Ffiles%3Fx%3D'],
    ])('asks the model %s and nothing else', async (model, resource) => {
      scene.upstream.route('POST', `/v1beta/${resource}:streamGenerateContent?alt=sse`, anAnswer);
      await scene.answered({ model });
      expect(scene.upstream.surprises).toEqual([]);
    });

    it('never tries again by itself', async () => {
      scene.upstream.enqueue(json({ error: { code: 503, status: 'UNAVAILABLE' } }, { status: 503 }));
      await expect(scene.answered()).rejects.toMatchObject({ status: 503 });
      expect(scene.upstream.requests).toHaveLength(1);
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
      scene.upstream.enqueue(stream([recordings.text(recording)]), anAnswer);
      const { parts } = await scene.answered();
      const model = 'gemini-3.8-flash';
      await scene.answered({ model, messages: [...request.messages, { role: 'assistant', parts }] });
      expect(scene.sent(1)).toMatchObject({
        contents: [{}, { role: 'model', parts: expect.arrayContaining([part]) }],
      });
    });
  });

  describe('connection', () => {
    async function headersSent(context: CallContext): Promise<Record<string, unknown>> {
      scene.upstream.enqueue(anAnswer);
      await scene.answered({}, context);
      expect(scene.upstream.requests.at(-1)?.path).not.toContain('key');
      return { ...scene.upstream.requests.at(-1)?.headers };
    }

    it('sends the credential in a header, and the headers of the connection', async () => {
      expect(await headersSent(scene.call({ headers: { 'X-Team': 'blue' } }))).toMatchObject({
        'x-goog-api-key': 'key-one',
        'x-team': 'blue',
        'content-type': 'application/json',
      });
    });

    it('lets the connection say its own headers instead', async () => {
      const headers = await headersSent(scene.call({ headers: { 'X-Goog-Api-Key': 'another' } }));
      expect(headers).toMatchObject({ 'x-goog-api-key': 'another' });
    });

    it('sends no credential to a server that asks for none', async () => {
      expect(await headersSent(scene.call({ credential: undefined }))).not.toHaveProperty('x-goog-api-key');
    });

    it('makes a new client for a new version, and one for each connection', async () => {
      const keys = [
        await headersSent(scene.call()),
        await headersSent(scene.call({ version: 2, credential: 'key-two' })),
        await headersSent(scene.call({ id: 'other', credential: 'key-other' })),
      ].map((headers) => headers['x-goog-api-key']);
      expect(keys).toEqual(['key-one', 'key-two', 'key-other']);
    });

    it('says nothing of a credential that cannot be sent', async () => {
      const verifying = scene.provider.verify(scene.call({ credential: 'key\nsecret' }));
      const error: unknown = await verifying.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ProviderError', code: 'unknown' });
      expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('secret');
    });

    it.each(['', '/', '/v1beta', '/v1beta/'])(
      'finds the API below a base URL that ends in "%s"',
      async (ending) => {
        scene.upstream.route('GET', '/v1beta/models?pageSize=1', json({ models: [] }));
        await scene.provider.verify(scene.call({ baseUrl: scene.upstream.url + ending }));
        expect(scene.upstream.surprises).toEqual([]);
      },
    );

    it('speaks another version to who wants it', async () => {
      scene.upstream.route('GET', '/v1alpha/models?pageSize=1', json({ models: [] }));
      await scene.provider.verify(scene.call({ baseUrl: `${scene.upstream.url}/v1alpha` }));
      expect(scene.upstream.surprises).toEqual([]);
    });
  });

  describe('embed', () => {
    const embedPath = '/v1beta/models/gemini-embedding-001:batchEmbedContents';
    const embed = (inputs: readonly string[]): ReturnType<GoogleProvider['embed']> =>
      scene.provider.embed({ model: 'gemini-embedding-001', inputs }, scene.call());

    it('asks for all inputs at once', async () => {
      scene.upstream.route('POST', embedPath, json(recordings.json('embeddings.json')));
      expect(await embed(['a', 'b'])).toEqual({
        vectors: [
          [-0.022374554, -0.004560777, 0.013309286],
          [0.0023, 0.011, -0.5],
        ],
      });
      expect(scene.sent(0)).toEqual({
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
      scene.upstream.enqueue(batch(0, 100), batch(100, 100), batch(200, 1));
      const inputs = Array.from({ length: 201 }, (_, index) => `text ${index}`);
      expect(await embed(inputs)).toEqual({ vectors: inputs.map((_, index) => [index]), inputTokens: 201 });
      expect(scene.sent(2)).toMatchObject({ requests: [{ content: { parts: [{ text: 'text 200' }] } }] });
    });

    it('knows no sum of tokens when a batch tells none', async () => {
      const embeddings = Array.from({ length: 100 }, () => ({ values: [1] }));
      scene.upstream.enqueue(
        json({ embeddings, usageMetadata: { promptTokenCount: 100 } }),
        json({ embeddings: [{ values: [1] }] }),
      );
      expect(await embed(Array.from({ length: 101 }, () => 'x'))).not.toHaveProperty('inputTokens');
    });

    it('asks nobody for nothing', async () => {
      expect(await embed([])).toEqual({ vectors: [] });
      expect(scene.upstream.requests).toEqual([]);
    });

    it.each([
      {},
      [],
      { embeddings: [{ values: [1] }] },
      { embeddings: [{ values: [1] }, {}] },
      { embeddings: [{ values: [1] }, { values: ['x'] }] },
      { embeddings: [{ values: [1] }, { values: [1] }, { values: [1] }] },
    ])('refuses %j for two inputs', async (body) => {
      scene.upstream.enqueue(json(body));
      await expect(embed(['a', 'b'])).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('countTokens', () => {
    it('asks the vendor', async () => {
      scene.upstream.route('POST', '/v1beta/models/gemini-2.5-flash:countTokens', json({ totalTokens: 31 }));
      expect(await scene.provider.countTokens(request, scene.call())).toBe(31);
      expect(scene.sent(0)).toMatchObject({ generateContentRequest: { model: 'models/gemini-2.5-flash' } });
    });

    it.each([{}, { totalTokens: '7' }, []])('refuses the count %j', async (body) => {
      scene.upstream.enqueue(json(body));
      const counting = scene.provider.countTokens(request, scene.call());
      await expect(counting).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('models', () => {
    const common = { provider: 'google', temperature: { min: 0, max: 2, step: 0.1, default: 1 } };

    it('lists all pages, without what can neither chat nor embed', async () => {
      const listed = { ...common, told: ['capabilities', 'temperature'] };
      const next = '/v1beta/models?pageSize=1000&pageToken=Ch9tb2RlbHMvZ2VtaW5p';
      scene.upstream.route('GET', '/v1beta/models?pageSize=1000', json(recordings.json('models-1.json')));
      scene.upstream.route('GET', next, json(recordings.json('models-2.json')));
      expect(await scene.provider.listModels(scene.call())).toEqual([
        {
          ...listed,
          id: 'gemini-3.8-flash',
          name: 'Gemini 3.8 Flash',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          contextLength: 1_048_576,
          maxOutputTokens: 65_536,
        },
        {
          ...listed,
          id: 'gemini-2.0-flash',
          name: 'Gemini 2.0 Flash',
          capabilities: ['chat', 'tools', 'images', 'structured_output'],
          contextLength: 1_048_576,
          maxOutputTokens: 8192,
          temperature: { min: 0, max: 1.5, step: 0.1, default: 0.7 },
        },
        {
          ...listed,
          told: ['capabilities'],
          id: 'gemma-4-31b-it',
          name: 'Gemma 4 31B IT',
          capabilities: ['chat', 'reasoning'],
          contextLength: 262_144,
          maxOutputTokens: 32_768,
        },
        {
          ...listed,
          told: ['capabilities'],
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
      scene.upstream.enqueue(json({ models }));
      const without = ['chat', 'tools', 'images', 'structured_output'];
      const everything = ['chat', 'reasoning', 'tools', 'images', 'structured_output'];
      const listed = await scene.provider.listModels(scene.call());
      expect(listed.map(({ capabilities }) => capabilities)).toEqual([without, everything]);
    });

    it('gives up on a list that never ends', async () => {
      const page = json({ models: [], nextPageToken: 'x' });
      scene.upstream.enqueue(...Array.from({ length: 30 }, () => page));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
      expect(scene.upstream.requests).toHaveLength(20);
    });

    it.each([{}, [], { models: {} }])('refuses the list %j', async (body) => {
      scene.upstream.enqueue(json(body));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
    });

    it.each([{ supportedGenerationMethods: [7] }, { temperature: '1' }, { inputTokenLimit: -1 }])(
      'leaves out a model that is described as %j',
      async (fields) => {
        const models = [{ name: 'models/x', ...fields }, { name: 'models/gemini-x' }];
        scene.upstream.enqueue(json({ models }));
        expect(await scene.provider.listModels(scene.call())).toMatchObject([{ id: 'gemini-x' }]);
      },
    );

    it('leaves out a model whose temperature is beyond all numbers', async () => {
      const headers = { 'content-type': 'application/json' };
      scene.upstream.enqueue(stream(['{"models":[{"name":"models/x","temperature":1e999}]}'], { headers }));
      expect(await scene.provider.listModels(scene.call())).toEqual([]);
    });

    it('verifies a connection by one model', async () => {
      const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }];
      const wrongKey = json({ error: { code: 400, status: 'INVALID_ARGUMENT', details } }, { status: 400 });
      scene.upstream.enqueue(json(recordings.json('models-1.json')), wrongKey, json({}));
      await expect(scene.provider.verify(scene.call())).resolves.toBeUndefined();
      expect(scene.upstream.requests[0]).toMatchObject({ method: 'GET', path: '/v1beta/models?pageSize=1' });
      await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'authentication' });
      await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'invalid_response' });
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
      expect(scene.provider.describeModel(id)).toEqual({ ...common, id, name: id, capabilities });
    });
  });
});
