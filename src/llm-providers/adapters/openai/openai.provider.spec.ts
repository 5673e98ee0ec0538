import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { json, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import type { GenerateEvent } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { OpenAiProvider } from './openai.provider.js';

const recordings = new Recordings('openai');
const anAnswer = stream([recordings.bytes('responses-text.sse')]);
const aChatAnswer = stream([recordings.bytes('text.sse')]);
const request: GenerateRequest = {
  model: 'gpt-4.1',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

const scene = new ProviderScene({
  makeProvider: () => new OpenAiProvider('openai', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('openai', `${upstreamUrl}/v1`, 'sk-one'),
  request,
  requestId: 'req-ours',
}).register();

async function last(events: AsyncIterator<GenerateEvent>): Promise<GenerateEvent | undefined> {
  let event;
  for (let next = await events.next(); next.done !== true; next = await events.next()) event = next.value;
  return event;
}

describe('OpenAiProvider', () => {
  describe('choice of the API', () => {
    async function pathOf(
      fields: Partial<GenerateRequest>,
      call = scene.call(),
    ): Promise<string | undefined> {
      scene.upstream.route('POST', '/v1/responses', anAnswer);
      scene.upstream.route('POST', '/v1/chat/completions', aChatAnswer);
      await scene.answered(fields, call);
      return scene.upstream.requests.at(-1)?.path;
    }

    it.each([
      { stop: ['END'] },
      { seed: 0 },
      { presencePenalty: 1 },
      { frequencyPenalty: -1 },
      { logitBias: { 1: 1 } },
      { extra: { prediction: {} } },
    ])('is chat completions for what only those do: %j', async (fields) => {
      expect(await pathOf(fields)).toBe('/v1/chat/completions');
    });

    it.each([
      {},
      { stop: [], presencePenalty: 0, frequencyPenalty: 0, logitBias: {} },
      { reasoning: { effort: 'low' } },
      { extra: { prompt_cache_key: 'k', verbosity: 'low' } },
    ])('is Responses for everything else: %j', async (fields) => {
      expect(await pathOf(fields)).toBe('/v1/responses');
    });

    it('refuses by name what a model that reasons cannot be asked for, before anything is sent', async () => {
      const asked = scene.answered({ model: 'gpt-5.6', stop: ['END'] });
      await expect(asked).rejects.toMatchObject({ code: 'unsupported', param: 'stop' });
      expect(scene.upstream.requests).toEqual([]);
    });

    it('is that of the connection, if it names one', async () => {
      expect(await pathOf({}, scene.call({ options: { api: 'chat' } }))).toBe('/v1/chat/completions');
      const responses = scene.call({ options: { api: 'responses' } });
      await expect(pathOf({ seed: 1 }, responses)).rejects.toMatchObject({ param: 'seed' });
      const other = scene.call({ options: { api: 'completions' } });
      const refused = { code: 'invalid_request', param: 'connection.options.api' };
      await expect(pathOf({}, other)).rejects.toMatchObject(refused);
    });
  });

  it('gives reasoning back as it came', async () => {
    scene.upstream.enqueue(stream([recordings.bytes('responses-reasoning.sse')]), anAnswer);
    const { parts } = await scene.answered();
    await scene.answered({ messages: [...request.messages, { role: 'assistant', parts }] });
    const input = [
      { role: 'user', content: 'Hi' },
      {
        type: 'reasoning',
        id: 'rs_0c2f9b7e5a1d48830068f3a1c2ff0c8190',
        encrypted_content: 'gAAAAABo86HCq2fC5zv8Jp0n1xYcVw3kTtR7uLQ9bHs2eGmD4aXoPiZy6NlEjUvFdKrMhWqBs=',
        summary: [
          {
            type: 'summary_text',
            text: '**Looking for the GCD**\n\n1071 = 2 × 462 + 147.\n\n**Checking**\n\nIt divides both.',
          },
        ],
      },
      {
        type: 'reasoning',
        id: 'rs_0c2f9b7e5a1d48830068f3a1c9aa0c8190',
        encrypted_content: 'gAAAAABo86HJx9Tn3oLr5Vb7wQe1iYpU0sKdZfMhGcA2uXj8tRyNqBv4lOaWgEk6CzSmDI==',
        summary: [],
      },
      { role: 'assistant', content: 'The greatest common divisor is **21**.' },
    ];
    expect(scene.sent(-1)).toMatchObject({ input });
  });

  it('never tries again by itself', async () => {
    scene.upstream.enqueue(json({}, { status: 500, headers: { 'x-should-retry': 'true' } }));
    await expect(scene.answered()).rejects.toMatchObject({ status: 500 });
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it('tells the vendor request id', async () => {
    const headers = { 'x-request-id': 'req_theirs' };
    scene.upstream.enqueue(stream([recordings.bytes('responses-text.sse')], { headers }));
    expect(await scene.answered()).toMatchObject({ requestId: 'req_theirs' });
  });

  describe('connection', () => {
    async function headersSent(call: CallContext): Promise<object> {
      scene.upstream.enqueue(anAnswer);
      await scene.answered({}, call);
      return scene.upstream.requests.at(-1)?.headers ?? {};
    }

    it('sends credential, headers and our request id', async () => {
      expect(await headersSent(scene.call({ headers: { 'X-Team': 'blue' } }))).toMatchObject({
        authorization: 'Bearer sk-one',
        'content-type': 'application/json',
        'x-team': 'blue',
        'x-client-request-id': 'req-ours',
      });
    });

    it('sends no credential to a server that asks for none', async () => {
      expect(await headersSent(scene.call({ credential: undefined }))).not.toHaveProperty('authorization');
    });

    it('lets a connection say its own authorization', async () => {
      const headers = { Authorization: 'Basic dTpw' };
      expect(await headersSent(scene.call({ headers }))).toMatchObject({ authorization: 'Basic dTpw' });
    });

    it('tells nothing about this machine', async () => {
      expect(JSON.stringify(await headersSent(scene.call()))).not.toMatch(/stainless|openai\/js/i);
    });

    it('uses the new credential as soon as the version changes', async () => {
      await headersSent(scene.call());
      const changed = scene.call({ version: 2, credential: 'sk-two' });
      expect(await headersSent(changed)).toMatchObject({ authorization: 'Bearer sk-two' });
    });

    it('lets running answers end when the version changes', async () => {
      scene.upstream.enqueue(anAnswer, anAnswer);
      const running = scene.provider.stream(request, scene.call())[Symbol.asyncIterator]();
      await running.next();
      await scene.answered({}, scene.call({ version: 2 }));
      expect(await last(running)).toMatchObject({ type: 'finish' });
    });

    it('does not mix up connections', async () => {
      await headersSent(scene.call());
      const other = scene.call({ id: 'd', credential: 'sk-other' });
      expect(await headersSent(other)).toMatchObject({ authorization: 'Bearer sk-other' });
    });
  });

  describe('environment', () => {
    // eslint-disable-next-line no-restricted-properties -- what the SDK would read there is what this is about
    const { env } = process;
    const planted = {
      OPENAI_API_KEY: 'sk-of-the-environment',
      OPENAI_ADMIN_KEY: 'sk-admin-of-the-environment',
      OPENAI_BASE_URL: 'http://127.0.0.1:1',
      OPENAI_ORG_ID: 'org-of-the-environment',
      OPENAI_PROJECT_ID: 'proj-of-the-environment',
      OPENAI_WEBHOOK_SECRET: 'whsec-of-the-environment',
      OPENAI_LOG: 'debug',
      OPENAI_CUSTOM_HEADERS: [
        'Authorization: Bearer of-the-environment',
        'api-key: of-the-environment',
        'X-Client-Request-Id: of-the-environment',
        'Accept: of-the-environment',
        'User-Agent: of-the-environment',
        'X-Other: of-the-environment',
      ].join('\n'),
    };
    let before: NodeJS.ProcessEnv;

    beforeEach(() => {
      before = { ...env };
      Object.assign(env, planted);
    });
    afterEach(() => {
      for (const name of Object.keys(planted)) {
        if (before[name] === undefined) Reflect.deleteProperty(env, name);
        else env[name] = before[name];
      }
    });

    it.each([undefined, 'sk-one'])(
      'changes nothing of a connection with the credential %s',
      async (credential) => {
        const written = [
          jest.spyOn(console, 'debug'),
          jest.spyOn(console, 'info'),
          jest.spyOn(console, 'warn'),
        ];
        scene.upstream.enqueue(anAnswer, json(recordings.json('models.json')));
        const call = scene.call({ credential });
        await scene.answered({}, call);
        await scene.provider.verify(call);
        expect(scene.upstream.requests).toHaveLength(2);
        for (const { headers } of scene.upstream.requests) {
          expect(JSON.stringify(headers)).not.toContain('of-the-environment');
          expect(headers).toMatchObject({ 'x-client-request-id': 'req-ours' });
          expect(headers.authorization).toBe(credential && `Bearer ${credential}`);
        }
        for (const spy of written) {
          expect(spy).not.toHaveBeenCalled();
          spy.mockRestore();
        }
      },
    );
  });

  describe('models', () => {
    it('lists what can chat or embed, and says which', async () => {
      scene.upstream.route('GET', '/v1/models', json(recordings.json('models.json')));
      const models = await scene.provider.listModels(scene.call());
      expect(models).toMatchObject([
        { id: 'gpt-4.1', provider: 'openai', capabilities: ['chat', 'tools'], temperature: { max: 2 } },
        { id: 'o4-mini', capabilities: ['chat', 'reasoning', 'tools'], temperature: { min: 1, max: 1 } },
        { id: 'text-embedding-3-small', capabilities: ['embeddings'] },
      ]);
    });

    it.each([
      ['gpt-4o', ['chat', 'tools']],
      ['gpt-5.3-codex', ['chat', 'reasoning', 'tools']],
      ['gpt-6-astra', ['chat', 'reasoning', 'tools']],
      ['o3-pro', ['chat', 'reasoning', 'tools']],
      ['codex-mini-latest', ['chat', 'reasoning', 'tools']],
      ['gpt-5-chat-latest', ['chat', 'tools']],
      ['gpt-4o-search-preview', []],
      ['gpt-image-1', []],
    ])('knows of %s by its name that it can %j', (model, capabilities) => {
      expect(scene.provider.describeModel(model)).toMatchObject({ capabilities });
    });

    it.each([
      ['o3-pro', 1],
      ['gpt-9-unheard-of', 1],
      ['gpt-5-chat-latest', 2],
      ['gpt-4o', 2],
    ])('expects of %s that it takes temperatures up to %d', (model, max) => {
      expect(scene.provider.describeModel(model)).toMatchObject({ temperature: { max } });
    });

    it.each([{}, { data: {} }, []])('refuses the list %j', async (body) => {
      scene.upstream.route('GET', '/v1/models', json(body));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
    });

    it('refuses a list that is a web page', async () => {
      scene.upstream.enqueue(stream(['<html>'], { headers: { 'content-type': 'text/html' } }));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
    });

    it('verifies a connection by its list', async () => {
      scene.upstream.enqueue(json(recordings.json('models.json')), json({ error: {} }, { status: 401 }));
      await expect(scene.provider.verify(scene.call())).resolves.toBeUndefined();
      await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'authentication' });
    });
  });

  describe('embed', () => {
    it('puts the vectors into the order of the inputs', async () => {
      scene.upstream.route('POST', '/v1/embeddings', json(recordings.json('embeddings.json')));
      const result = await scene.provider.embed(
        { model: 'text-embedding-3-small', inputs: ['a', 'b'] },
        scene.call(),
      );
      expect(result).toEqual({
        vectors: [
          [0.0023064255, -0.009327292],
          [-0.5, 0.25],
        ],
        inputTokens: 8,
      });
      expect(JSON.parse(scene.upstream.requests[0]?.body ?? '')).toEqual({
        model: 'text-embedding-3-small',
        input: ['a', 'b'],
        encoding_format: 'float',
      });
    });

    it('refuses an answer without a vector for each input', async () => {
      scene.upstream.route('POST', '/v1/embeddings', json(recordings.json('embeddings.json')));
      const embedding = scene.provider.embed({ model: 'm', inputs: ['a', 'b', 'c'] }, scene.call());
      await expect(embedding).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });
});
