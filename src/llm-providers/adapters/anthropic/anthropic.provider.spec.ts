import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { json, type Script, silence, stream } from '../../../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../../../bench/upstream/scripted-upstream.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { SystemClock } from '../../../common/clock.js';
import { collect } from '../../contract/collect.js';
import type { Connection } from '../../contract/connection.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { AnthropicProvider } from './anthropic.provider.js';

function fixture(name: string): string {
  return readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8');
}

const parsed = (name: string): unknown => JSON.parse(fixture(name));
const anAnswer = stream([fixture('text.sse')]);
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

describe('AnthropicProvider', () => {
  let upstream: ScriptedUpstream;
  let provider: AnthropicProvider;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
  });
  beforeEach(() => {
    upstream.reset();
    provider = new AnthropicProvider(new SystemClock(), localOutbound);
  });
  afterEach(() => provider.close());
  afterAll(() => upstream.stop());

  function call(fields: Partial<Connection> = {}): CallContext {
    const connection: Connection = {
      id: 'c',
      version: 1,
      kind: 'anthropic',
      name: 'Scripted',
      baseUrl: upstream.url,
      credential: 'sk-one',
      timeouts: { connectMs: 2000, headersMs: 10_000, idleMs: 10_000 },
      ...fields,
    };
    return { connection, signal: new AbortController().signal, requestId: 'req-ours' };
  }

  describe('request', () => {
    it('refuses before anything is sent', async () => {
      const refused = collect(provider.stream({ ...request, seed: 7 }, call()));
      await expect(refused).rejects.toMatchObject({ code: 'unsupported', param: 'seed' });
      const counted = provider.countTokens({ ...request, seed: 7 }, call());
      await expect(counted).rejects.toMatchObject({ code: 'unsupported', param: 'seed' });
      expect(upstream.requests).toEqual([]);
    });

    it('asks the Messages API for a stream', async () => {
      upstream.route('POST', '/v1/messages', anAnswer);
      await collect(provider.stream(request, call()));
      expect(upstream.requests).toHaveLength(1);
      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
        model: 'claude-opus-4-6',
        max_tokens: 128_000,
        stream: true,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      });
    });

    it('never tries again by itself', async () => {
      upstream.enqueue(json({}, { status: 529, headers: { 'x-should-retry': 'true' } }));
      await expect(collect(provider.stream(request, call()))).rejects.toMatchObject({ status: 529 });
      expect(upstream.requests).toHaveLength(1);
    });

    it('gives thinking back as it came', async () => {
      upstream.enqueue(stream([fixture('thinking.sse')]), anAnswer);
      const { parts } = await collect(provider.stream(request, call()));
      const messages = [...request.messages, { role: 'assistant', parts }, ...request.messages] as const;
      await collect(provider.stream({ ...request, messages }, call()));
      expect(JSON.parse(upstream.requests[1]?.body ?? '')).toMatchObject({
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
      upstream.enqueue(anAnswer);
      await collect(provider.stream(sent, context));
      return { ...upstream.requests.at(-1)?.headers };
    }

    it('sends credential, version and headers, and nothing about this machine', async () => {
      const headers = await headersSent(call({ headers: { 'Anthropic-Beta': 'x-2026', 'X-Team': 'blue' } }));
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
      const headers = await headersSent(call(), { ...request, temperature: 0.2 });
      expect(headers).toMatchObject({ 'anthropic-version': '2023-06-01' });
      expect(await headersSent(call(), { ...request, temperature: 1 })).toMatchObject({
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
        expect(JSON.stringify(await headersSent(call()))).not.toMatch(/planted/i);
        const none = await headersSent(call({ id: 'none', credential: undefined }));
        expect(JSON.stringify(none)).not.toMatch(/planted/i);
      } finally {
        names.forEach((name, index) => {
          if (before[index] === undefined) Reflect.deleteProperty(env, name);
          else env[name] = before[index];
        });
      }
    });

    it('sends no credential to a server that asks for none', async () => {
      const headers = await headersSent(call({ credential: undefined }));
      expect(headers).not.toHaveProperty('x-api-key');
      expect(headers).not.toHaveProperty('authorization');
    });

    it('lets the operator name another way to show who we are', async () => {
      const headers = await headersSent(
        call({ credential: undefined, headers: { authorization: 'Bearer gateway' } }),
      );
      expect(headers).toMatchObject({ authorization: 'Bearer gateway' });
    });

    it('uses the new credential as soon as the version changes, and does not mix up connections', async () => {
      await headersSent(call());
      const [second, other] = [
        await headersSent(call({ version: 2, credential: 'sk-two' })),
        await headersSent(call({ id: 'd', credential: 'sk-other' })),
      ];
      expect([second['x-api-key'], other['x-api-key']]).toEqual(['sk-two', 'sk-other']);
    });

    it.each(['', '/', '/v1', '/v1/'])('finds the API below a base URL that ends in "%s"', async (ending) => {
      upstream.route('GET', '/v1/models?limit=1', json({ data: [] }));
      await provider.verify(call({ baseUrl: upstream.url + ending }));
      expect(upstream.surprises).toEqual([]);
    });
  });

  describe('answer', () => {
    it('tells the vendor request id', async () => {
      upstream.enqueue(stream([fixture('text.sse')], { headers: { 'request-id': 'req_theirs' } }));
      expect((await collect(provider.stream(request, call()))).requestId).toBe('req_theirs');
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
      upstream.enqueue(answer(ended(rawReason), stop));
      expect(await collect(provider.stream(request, call()))).toMatchObject({ reason, rawReason });
    });

    it('is truncated when the terminator comes without a stop reason', async () => {
      const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'x' } };
      upstream.enqueue(answer(block, stop));
      await expect(collect(provider.stream(request, call()))).rejects.toMatchObject({ truncated: true });
    });

    it.each([
      ['the last of several, and does not add them up', [{ output_tokens: 3 }, { output_tokens: 9 }], 9],
      ['what is told once', [{ output_tokens: 4 }, undefined], 4],
    ])('counts %s', async (_name, [first, second], outputTokens) => {
      const start = usageOf({ input_tokens: 10, output_tokens: 1 });
      upstream.enqueue(answer(start, ended('end_turn', first), ended('end_turn', second), stop));
      const { usage } = await collect(provider.stream(request, call()));
      expect(usage).toEqual({ inputTokens: 10, outputTokens });
    });

    it('takes the later word on the prompt', async () => {
      const start = usageOf({ input_tokens: 10, cache_read_input_tokens: null, output_tokens: 1 });
      const last = { input_tokens: 30, cache_read_input_tokens: 5, output_tokens: 2 };
      upstream.enqueue(answer(start, ended('end_turn', last), stop));
      const { usage } = await collect(provider.stream(request, call()));
      expect(usage).toEqual({ inputTokens: 35, cachedInputTokens: 5, outputTokens: 2 });
    });

    it('does not take the first token for the whole output', async () => {
      upstream.enqueue(answer(usageOf({ input_tokens: 10, output_tokens: 1 }), ended('end_turn'), stop));
      expect(await collect(provider.stream(request, call()))).not.toHaveProperty('usage');
    });

    it('takes whole arguments from a proxy that sends no pieces, and an end of the call that it forgets', async () => {
      const content_block = { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } };
      upstream.enqueue(
        answer({ type: 'content_block_start', index: 0, content_block }, ended('tool_use'), stop),
      );
      expect(await collect(provider.stream(request, call()))).toMatchObject({
        parts: [{ type: 'tool-call', id: 'a', name: 'look', input: '{"at":1}' }],
      });
    });

    it('throws an error of a stream before start', async () => {
      upstream.enqueue(answer({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }, stop));
      const error = { code: 'overloaded', retryable: true, truncated: false };
      await expect(collect(provider.stream(request, call()))).rejects.toMatchObject(error);
    });
  });

  describe('countTokens', () => {
    it('asks the vendor', async () => {
      upstream.route('POST', '/v1/messages/count_tokens', json({ input_tokens: 2095 }));
      expect(await provider.countTokens(request, call())).toBe(2095);
      expect(JSON.parse(upstream.requests[0]?.body ?? '')).not.toHaveProperty('max_tokens');
    });

    it.each([{}, { input_tokens: '7' }, []])('refuses the count %j', async (body) => {
      upstream.enqueue(json(body));
      const counting = provider.countTokens(request, call());
      await expect(counting).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });

  describe('models', () => {
    it('lists all pages, and says what the vendor says', async () => {
      upstream.route('GET', '/v1/models?limit=1000', json(parsed('models-1.json')));
      upstream.route('GET', '/v1/models?limit=1000&after_id=claude-nova-7', json(parsed('models-2.json')));
      const [sampling, fixed] = [
        { min: 0, max: 1, step: 0.1, default: 1 },
        { min: 1, max: 1, step: 0.1, default: 1 },
      ];
      expect(await provider.listModels(call())).toEqual([
        {
          id: 'claude-opus-5-5',
          name: 'Claude Opus 5.5',
          provider: 'anthropic',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          contextLength: 1_000_000,
          maxOutputTokens: 128_000,
          temperature: fixed,
        },
        {
          id: 'claude-nova-7',
          name: 'Claude Nova 7',
          provider: 'anthropic',
          capabilities: ['chat', 'tools', 'structured_output'],
          contextLength: 2_000_000,
          maxOutputTokens: 256_000,
          temperature: sampling,
        },
        {
          id: 'claude-haiku-4-5-20251001',
          name: 'Claude Haiku 4.5',
          provider: 'anthropic',
          capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
          contextLength: 200_000,
          maxOutputTokens: 64_000,
          temperature: sampling,
        },
      ]);
    });

    it('gives up on a list that never ends', async () => {
      const page = json({ data: [], has_more: true, last_id: 'x' });
      upstream.enqueue(...Array.from({ length: 30 }, () => page));
      await expect(provider.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
      expect(upstream.requests).toHaveLength(20);
    });

    it.each([{}, { data: {} }, { data: [{ id: 7 }] }, { data: [{}] }, [], { data: [], has_more: true }])(
      'refuses the list %j',
      async (body) => {
        upstream.enqueue(json(body));
        await expect(provider.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
      },
    );

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
      upstream.enqueue(json(parsed('models-1.json')), json({ error: {} }, { status: 401 }), json({}));
      await expect(provider.verify(call())).resolves.toBeUndefined();
      expect(upstream.requests[0]).toMatchObject({ method: 'GET', path: '/v1/models?limit=1' });
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
      ['claude-opus-5-5', 128_000, 1],
      ['claude-sonnet-4-6', 128_000, 0],
      ['claude-opus-4-5-20251101', 64_000, 0],
      ['claude-nova-7', undefined, 0],
      ['claude-opus-4-20250514', undefined, 0],
      ['constructor', undefined, 0],
    ])('knows what %s can', (id, maxOutputTokens, min) => {
      const described = provider.describeModel(id);
      expect(described).toMatchObject({ id, name: id, provider: 'anthropic', temperature: { min, max: 1 } });
      expect(described.maxOutputTokens).toBe(maxOutputTokens);
    });
  });
});
