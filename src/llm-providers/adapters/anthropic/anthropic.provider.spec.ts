import { describe, expect, it } from '@jest/globals';
import { json, type Script, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { AnthropicProvider } from './anthropic.provider.js';

const recordings = new Recordings('anthropic');
const anAnswer = stream([recordings.text('text.sse')]);
const request: GenerateRequest = {
  model: 'claude-opus-4-6',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

/** An answer of these events. */
function answer(...events: readonly object[]): Script {
  return stream(events.map((event) => `data: ${JSON.stringify(event)}\n\n`));
}

const usageOf = (fields: object): object => ({ type: 'message_start', message: { usage: fields } });
const ended = (stop_reason: string, usage?: object): object => ({
  type: 'message_delta',
  delta: { stop_reason },
  ...(usage === undefined ? {} : { usage }),
});
const stop = { type: 'message_stop' };

const scene = new ProviderScene({
  makeProvider: () => new AnthropicProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('anthropic', upstreamUrl, 'sk-one'),
  request,
}).register();

describe('AnthropicProvider', () => {
  describe('request', () => {
    it('refuses before anything is sent', async () => {
      const refused = scene.answered({ seed: 7 });
      await expect(refused).rejects.toMatchObject({ code: 'unsupported', param: 'seed' });
      const counted = scene.provider.countTokens({ ...request, seed: 7 }, scene.call());
      await expect(counted).rejects.toMatchObject({ code: 'unsupported', param: 'seed' });
      expect(scene.upstream.requests).toEqual([]);
    });

    it('asks the Messages API for a stream', async () => {
      scene.upstream.route('POST', '/v1/messages', anAnswer);
      await scene.answered();
      expect(scene.upstream.requests).toHaveLength(1);
      expect(scene.sent(0)).toEqual({
        model: 'claude-opus-4-6',
        max_tokens: 128_000,
        stream: true,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      });
    });

    it('never tries again by itself', async () => {
      scene.upstream.enqueue(json({}, { status: 529, headers: { 'x-should-retry': 'true' } }));
      await expect(scene.answered()).rejects.toMatchObject({ status: 529 });
      expect(scene.upstream.requests).toHaveLength(1);
    });

    it('gives thinking back as it came', async () => {
      scene.upstream.enqueue(stream([recordings.text('thinking.sse')]), anAnswer);
      const { parts } = await scene.answered();
      const messages = [...request.messages, { role: 'assistant', parts }, ...request.messages] as const;
      await scene.answered({ messages });
      expect(scene.sent(1)).toMatchObject({
        messages: [
          {},
          {
            content: [
              {
                type: 'thinking',
                thinking: 'I need to find the GCD of 1071 and 462.\n\n1071 = 2 × 462 + 147',
                signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds==',
              },
              { type: 'redacted_thinking', data: expect.stringMatching(/^EmwKAhgBEgy3va3pzix.*YQ==$/) },
              { type: 'thinking', thinking: '', signature: 'EowCCkYICBgCKkCbmitted==' },
              { type: 'text', text: 'The greatest common divisor is **21**.' },
            ],
          },
          {},
        ],
      });
    });
  });

  describe('connection', () => {
    async function headersSent(context: CallContext, sent = request): Promise<Record<string, unknown>> {
      scene.upstream.enqueue(anAnswer);
      await scene.answered(sent, context);
      return { ...scene.upstream.requests.at(-1)?.headers };
    }

    it('sends credential, version and headers, and nothing about this machine', async () => {
      const headers = await headersSent(
        scene.call({ headers: { 'Anthropic-Beta': 'x-2026', 'X-Team': 'blue' } }),
      );
      expect(headers).toMatchObject({
        'x-api-key': 'sk-one',
        'anthropic-version': '2026-10-21',
        'anthropic-beta': 'x-2026',
        'x-team': 'blue',
      });
      expect(headers).not.toHaveProperty('authorization');
      expect(Object.keys(headers).filter((name) => name.startsWith('x-stainless'))).toEqual([]);
    });

    it('speaks the older version to a model that is to sample in its way, which today no longer knows', async () => {
      const headers = await headersSent(scene.call(), { ...request, temperature: 0.2 });
      expect(headers).toMatchObject({ 'anthropic-version': '2023-06-01' });
      expect(await headersSent(scene.call(), { ...request, temperature: 1 })).toMatchObject({
        'anthropic-version': '2026-10-21',
      });
    });

    it('takes nothing from the environment', async () => {
      const names = ['ANTHROPIC_CUSTOM_HEADERS', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL'];
      // eslint-disable-next-line no-restricted-properties -- what the SDK would read there is what this is about
      const { env } = process;
      const before = names.map((name) => env[name]);
      env['ANTHROPIC_CUSTOM_HEADERS'] =
        'X-Planted: yes\nX-API-KEY: sk-planted\nAuthorization: Bearer sk-planted';
      env['ANTHROPIC_API_KEY'] = 'sk-planted';
      env['ANTHROPIC_BASE_URL'] = 'http://127.0.0.1:1';
      try {
        expect(JSON.stringify(await headersSent(scene.call()))).not.toMatch(/planted/i);
        const none = await headersSent(scene.call({ id: 'none', credential: undefined }));
        expect(JSON.stringify(none)).not.toMatch(/planted/i);
      } finally {
        names.forEach((name, index) => {
          if (before[index] === undefined) Reflect.deleteProperty(env, name);
          else env[name] = before[index];
        });
      }
    });

    it('sends no credential to a server that asks for none', async () => {
      const headers = await headersSent(scene.call({ credential: undefined }));
      expect(headers).not.toHaveProperty('x-api-key');
      expect(headers).not.toHaveProperty('authorization');
    });

    it('lets the operator name another way to show who we are', async () => {
      const headers = await headersSent(
        scene.call({ credential: undefined, headers: { authorization: 'Bearer gateway' } }),
      );
      expect(headers).toMatchObject({ authorization: 'Bearer gateway' });
    });

    it('uses the new credential as soon as the version changes, and does not mix up connections', async () => {
      await headersSent(scene.call());
      const [second, other] = [
        await headersSent(scene.call({ version: 2, credential: 'sk-two' })),
        await headersSent(scene.call({ id: 'd', credential: 'sk-other' })),
      ];
      expect([second['x-api-key'], other['x-api-key']]).toEqual(['sk-two', 'sk-other']);
    });

    it.each(['', '/', '/v1', '/v1/'])('finds the API below a base URL that ends in "%s"', async (ending) => {
      scene.upstream.route('GET', '/v1/models?limit=1', json({ data: [] }));
      await scene.provider.verify(scene.call({ baseUrl: scene.upstream.url + ending }));
      expect(scene.upstream.surprises).toEqual([]);
    });
  });

  describe('answer', () => {
    it('tells the vendor request id', async () => {
      scene.upstream.enqueue(
        stream([recordings.text('text.sse')], { headers: { 'request-id': 'req_theirs' } }),
      );
      expect((await scene.answered()).requestId).toBe('req_theirs');
    });

    it.each([
      ['end_turn', 'stop'],
      ['stop_sequence', 'stop'],
      ['max_tokens', 'length'],
      ['model_context_window_exceeded', 'length'],
      ['tool_use', 'tool_calls'],
      ['refusal', 'content_filter'],
      ['pause_turn', 'other'],
      ['of_tomorrow', 'other'],
    ])('reads the stop reason %s as %s', async (rawReason, reason) => {
      scene.upstream.enqueue(answer(ended(rawReason), stop));
      expect(await scene.answered()).toMatchObject({ reason, rawReason });
    });

    it('is truncated when the terminator comes without a stop reason', async () => {
      const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'x' } };
      scene.upstream.enqueue(answer(block, stop));
      await expect(scene.answered()).rejects.toMatchObject({ truncated: true });
    });

    it.each([
      ['the last of several, and does not add them up', [{ output_tokens: 3 }, { output_tokens: 9 }], 9],
      ['what is told once', [{ output_tokens: 4 }, undefined], 4],
    ])('counts %s', async (_name, [first, second], outputTokens) => {
      const start = usageOf({ input_tokens: 10, output_tokens: 1 });
      scene.upstream.enqueue(answer(start, ended('end_turn', first), ended('end_turn', second), stop));
      const { usage } = await scene.answered();
      expect(usage).toEqual({ inputTokens: 10, outputTokens });
    });

    it('takes the later word on the prompt', async () => {
      const start = usageOf({ input_tokens: 10, cache_read_input_tokens: null, output_tokens: 1 });
      const last = { input_tokens: 30, cache_read_input_tokens: 5, output_tokens: 2 };
      scene.upstream.enqueue(answer(start, ended('end_turn', last), stop));
      const { usage } = await scene.answered();
      expect(usage).toEqual({ inputTokens: 35, cachedInputTokens: 5, outputTokens: 2 });
    });

    it('does not take the first token for the whole output', async () => {
      scene.upstream.enqueue(
        answer(usageOf({ input_tokens: 10, output_tokens: 1 }), ended('end_turn'), stop),
      );
      expect(await scene.answered()).not.toHaveProperty('usage');
    });

    it('takes whole arguments from a proxy that sends no pieces, and an end of the call that it forgets', async () => {
      const content_block = { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } };
      scene.upstream.enqueue(
        answer({ type: 'content_block_start', index: 0, content_block }, ended('tool_use'), stop),
      );
      expect(await scene.answered()).toMatchObject({
        parts: [{ type: 'tool-call', id: 'a', name: 'look', input: '{"at":1}' }],
      });
    });

    it('throws an error of a stream before start', async () => {
      scene.upstream.enqueue(
        answer({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }, stop),
      );
      const error = { code: 'overloaded', retryable: true, truncated: false };
      await expect(scene.answered()).rejects.toMatchObject(error);
    });
  });

  describe('countTokens', () => {
    it('asks the vendor', async () => {
      scene.upstream.route('POST', '/v1/messages/count_tokens', json({ input_tokens: 2095 }));
      expect(await scene.provider.countTokens(request, scene.call())).toBe(2095);
      expect(scene.sent(0)).not.toHaveProperty('max_tokens');
    });

    it.each([{}, { input_tokens: '7' }, []])('refuses the count %j', async (body) => {
      scene.upstream.enqueue(json(body));
      const counting = scene.provider.countTokens(request, scene.call());
      await expect(counting).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('models', () => {
    it('lists all pages, and says what the vendor says', async () => {
      scene.upstream.route('GET', '/v1/models?limit=1000', json(recordings.json('models-1.json')));
      scene.upstream.route(
        'GET',
        '/v1/models?limit=1000&after_id=claude-nova-7',
        json(recordings.json('models-2.json')),
      );
      const [sampling, fixed] = [
        { min: 0, max: 1, step: 0.1, default: 1 },
        { min: 1, max: 1, step: 0.1, default: 1 },
      ];
      expect(await scene.provider.listModels(scene.call())).toEqual([
        {
          id: 'claude-opus-5-5',
          name: 'Claude Opus 5.5',
          provider: 'anthropic',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          contextLength: 1_000_000,
          maxOutputTokens: 128_000,
          temperature: fixed,
          told: ['capabilities'],
        },
        {
          id: 'claude-nova-7',
          name: 'Claude Nova 7',
          provider: 'anthropic',
          capabilities: ['chat', 'tools', 'structured_output'],
          contextLength: 2_000_000,
          maxOutputTokens: 256_000,
          temperature: sampling,
          told: ['capabilities'],
        },
        {
          id: 'claude-haiku-4-5-20251001',
          name: 'Claude Haiku 4.5',
          provider: 'anthropic',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          maxOutputTokens: 64_000,
          temperature: sampling,
        },
      ]);
    });

    it('gives up on a list that never ends', async () => {
      const page = json({ data: [], has_more: true, last_id: 'x' });
      scene.upstream.enqueue(...Array.from({ length: 30 }, () => page));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
      expect(scene.upstream.requests).toHaveLength(20);
    });

    it.each([{}, { data: {} }, [], { data: [], has_more: true }])('refuses the list %j', async (body) => {
      scene.upstream.enqueue(json(body));
      await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({
        code: 'invalid_response',
      });
    });

    it('verifies a connection by one model', async () => {
      scene.upstream.enqueue(
        json(recordings.json('models-1.json')),
        json({ error: {} }, { status: 401 }),
        json({}),
      );
      await expect(scene.provider.verify(scene.call())).resolves.toBeUndefined();
      expect(scene.upstream.requests[0]).toMatchObject({ method: 'GET', path: '/v1/models?limit=1' });
      await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'authentication' });
      await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it.each([
      ['claude-opus-5-5', 128_000, 1],
      ['claude-sonnet-4-6', 128_000, 0],
      ['claude-opus-4-5-20251101', 64_000, 0],
      ['claude-nova-7', undefined, 0],
      ['claude-opus-4-20250514', undefined, 0],
      ['constructor', undefined, 0],
    ])('knows what %s can', (id, maxOutputTokens, min) => {
      const described = scene.provider.describeModel(id);
      expect(described).toMatchObject({ id, name: id, provider: 'anthropic', temperature: { min, max: 1 } });
      expect(described.maxOutputTokens).toBe(maxOutputTokens);
    });
  });
});
