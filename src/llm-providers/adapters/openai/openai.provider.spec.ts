import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { json, silence, stream } from '../../../../bench/upstream/scripts.js';
import { ScriptedUpstream } from '../../../../bench/upstream/scripted-upstream.js';
import { SystemClock } from '../../../common/clock.js';
import { collect } from '../../contract/collect.js';
import type { Connection } from '../../contract/connection.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';
import { OpenAiProvider } from './openai.provider.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';

function fixture(name: string): string {
  return readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8');
}

const parsed = (name: string): unknown => JSON.parse(fixture(name));
const anAnswer = stream([fixture('text.sse')]);
const request: GenerateRequest = {
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

describe('OpenAiProvider', () => {
  let upstream: ScriptedUpstream;
  let openai: OpenAiProvider;
  let compatible: OpenAiProvider;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
  });
  beforeEach(() => {
    upstream.reset();
    openai = new OpenAiProvider('openai', new SystemClock(), localOutbound);
    compatible = new OpenAiProvider('openai-compatible', new SystemClock(), localOutbound);
  });
  afterEach(() => Promise.all([openai.close(), compatible.close()]));
  afterAll(() => upstream.stop());

  function call(fields: Partial<Connection> = {}): CallContext {
    const connection: Connection = {
      id: 'c',
      version: 1,
      kind: 'openai',
      name: 'Scripted',
      baseUrl: `${upstream.url}/v1`,
      credential: 'sk-one',
      timeouts: { connectMs: 2000, headersMs: 10_000, idleMs: 10_000 },
      ...fields,
    };
    return { connection, signal: new AbortController().signal, requestId: 'req-ours' };
  }

  async function bodySent(provider: OpenAiProvider, sent: GenerateRequest): Promise<unknown> {
    upstream.enqueue(anAnswer);
    await collect(provider.stream(sent, call()));
    const last = upstream.requests.at(-1);
    expect(last).toMatchObject({ method: 'POST', path: '/v1/chat/completions' });
    return JSON.parse(last?.body ?? '');
  }

  describe('request', () => {
    it('asks for a stream with usage, and for nothing that was not asked for', async () => {
      expect(await bodySent(openai, request)).toEqual({
        model: 'm',
        messages: [{ role: 'user', content: 'Hi' }],
        stream: true,
        stream_options: { include_usage: true },
      });
    });

    it('limits the output in the words of each kind', async () => {
      const limited = { ...request, maxOutputTokens: 7 };
      const [ours, theirs] = [await bodySent(openai, limited), await bodySent(compatible, limited)];
      expect(ours).toMatchObject({ max_completion_tokens: 7 });
      expect(ours).not.toHaveProperty('max_tokens');
      expect(theirs).toMatchObject({ max_tokens: 7 });
      expect(theirs).not.toHaveProperty('max_completion_tokens');
    });

    it('carries a whole conversation with tools', async () => {
      const inputSchema = { type: 'object', properties: {} };
      const body = await bodySent(openai, {
        model: 'm',
        systemPrompt: 'Be brief.',
        temperature: 0,
        stop: ['END'],
        tools: [{ name: 'look', inputSchema }],
        messages: [
          ...request.messages,
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'hidden' },
              { type: 'tool-call', id: 'a', name: 'look', input: '{}' },
            ],
          },
          { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', output: 'seen' }] },
          { role: 'assistant', parts: [{ type: 'text', text: 'It is there.' }] },
        ],
      });
      expect(body).toMatchObject({
        temperature: 0,
        stop: ['END'],
        tools: [{ type: 'function', function: { name: 'look', parameters: inputSchema } }],
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }],
          },
          { role: 'tool', tool_call_id: 'a', content: 'seen' },
          { role: 'assistant', content: 'It is there.' },
        ],
      });
      expect(JSON.stringify(body)).not.toContain('hidden');
    });

    it('never tries again by itself', async () => {
      upstream.enqueue(json({}, { status: 500, headers: { 'x-should-retry': 'true' } }));
      await expect(collect(openai.stream(request, call()))).rejects.toMatchObject({ status: 500 });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  describe('connection', () => {
    async function headersSent(context: CallContext): Promise<unknown> {
      upstream.enqueue(anAnswer);
      await collect(openai.stream(request, context));
      return upstream.requests.at(-1)?.headers;
    }

    it('sends credential, headers and our request id', async () => {
      expect(await headersSent(call({ headers: { 'X-Team': 'blue' } }))).toMatchObject({
        authorization: 'Bearer sk-one',
        'x-team': 'blue',
        'x-client-request-id': 'req-ours',
      });
    });

    it('sends no credential to a server that asks for none', async () => {
      expect(await headersSent(call({ credential: undefined }))).not.toHaveProperty('authorization');
    });

    it('uses the new credential as soon as the version changes', async () => {
      await headersSent(call());
      expect(await headersSent(call({ version: 2, credential: 'sk-two' }))).toMatchObject({
        authorization: 'Bearer sk-two',
      });
    });

    it('lets running answers end when the version changes', async () => {
      upstream.enqueue(anAnswer, anAnswer);
      const running = openai.stream(request, call())[Symbol.asyncIterator]();
      await running.next();
      await collect(openai.stream(request, call({ version: 2 })));
      let last;
      for (let next = await running.next(); !next.done; next = await running.next()) last = next.value;
      expect(last).toMatchObject({ type: 'finish' });
    });

    it('does not mix up connections', async () => {
      await headersSent(call());
      expect(await headersSent(call({ id: 'd', credential: 'sk-other' }))).toMatchObject({
        authorization: 'Bearer sk-other',
      });
    });
  });

  describe('answer', () => {
    it('tells the vendor request id', async () => {
      upstream.enqueue(stream([fixture('text.sse')], { headers: { 'x-request-id': 'req_theirs' } }));
      expect((await collect(openai.stream(request, call()))).requestId).toBe('req_theirs');
    });

    it('takes the last of several usages, and does not add them up', async () => {
      const usage = (count: number): string =>
        `data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":${count},"completion_tokens":${count}}}\n\n`;
      upstream.enqueue(stream([usage(1), usage(2), 'data: [DONE]\n\n']));
      const result = await collect(compatible.stream(request, call()));
      expect(result.usage).toEqual({ inputTokens: 2, outputTokens: 2 });
    });

    it.each([
      ['length', 'length'],
      ['content_filter', 'content_filter'],
      ['eos_token', 'other'],
      ['constructor', 'other'],
    ])('reads the finish reason %s as %s', async (rawReason, reason) => {
      const chunk = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"${rawReason}"}]}\n\n`;
      upstream.enqueue(stream([chunk, 'data: [DONE]\n\n']));
      expect(await collect(openai.stream(request, call()))).toMatchObject({ reason, rawReason });
    });

    it('is truncated when the terminator comes without a finish reason', async () => {
      const chunk = 'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n';
      upstream.enqueue(stream([chunk, 'data: [DONE]\n\n']));
      await expect(collect(openai.stream(request, call()))).rejects.toMatchObject({ truncated: true });
    });

    it('shows a refusal of the model as text', async () => {
      const chunk = 'data: {"choices":[{"delta":{"refusal":"I will not."},"finish_reason":"stop"}]}\n\n';
      upstream.enqueue(stream([chunk, 'data: [DONE]\n\n']));
      expect((await collect(openai.stream(request, call()))).text).toBe('I will not.');
    });

    it.each(['{"error":{"code":429}}', '{"object":"error","code":429,"message":"x"}'])(
      'throws the error %s of a stream before start',
      async (data) => {
        upstream.enqueue(stream([`data: ${data}\n\n`, 'data: [DONE]\n\n']));
        const error = { code: 'rate_limit', status: 429 };
        await expect(collect(compatible.stream(request, call()))).rejects.toMatchObject(error);
      },
    );
  });

  describe('models', () => {
    it('lists what can chat or embed, and says which', async () => {
      upstream.route('GET', '/v1/models', json(parsed('models.json')));
      const models = await openai.listModels(call());
      expect(models).toMatchObject([
        { id: 'gpt-4.1', provider: 'openai', capabilities: ['chat', 'tools'], temperature: { max: 2 } },
        { id: 'o4-mini', capabilities: ['chat', 'reasoning', 'tools'], temperature: { min: 1, max: 1 } },
        { id: 'text-embedding-3-small', capabilities: ['embeddings'] },
      ]);
    });

    it('takes the context length from a server that tells it', async () => {
      upstream.route('GET', '/v1/models', json(parsed('models-vllm.json')));
      expect(await compatible.listModels(call())).toMatchObject([{ contextLength: 131_072 }]);
    });

    it.each([{}, { data: {} }, { data: [{ id: 7 }] }, { data: [{}] }, []])(
      'refuses the list %j',
      async (body) => {
        upstream.route('GET', '/v1/models', json(body));
        await expect(openai.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
      },
    );

    it('refuses a list that is a web page', async () => {
      upstream.enqueue(stream(['<html>'], { headers: { 'content-type': 'text/html' } }));
      await expect(openai.listModels(call())).rejects.toMatchObject({ code: 'invalid_response' });
    });

    it('throws the reason of the signal while it waits', async () => {
      const controller = new AbortController();
      upstream.enqueue(silence);
      const listing = openai.listModels({ ...call(), signal: controller.signal });
      const exchange = await upstream.nextExchange();
      const reason = new Error('gone');
      controller.abort(reason);
      await expect(listing).rejects.toBe(reason);
      await exchange.closed;
    });

    it('verifies a connection by its list', async () => {
      upstream.enqueue(json(parsed('models.json')), json({ error: {} }, { status: 401 }));
      await expect(openai.verify(call())).resolves.toBeUndefined();
      await expect(openai.verify(call())).rejects.toMatchObject({ code: 'authentication' });
    });

    it('cannot verify a connection to nobody', async () => {
      const nobody = call({ baseUrl: 'http://127.0.0.1:1/v1' });
      await expect(openai.verify(nobody)).rejects.toMatchObject({ code: 'network', retryable: true });
    });
  });

  describe('embed', () => {
    it('puts the vectors into the order of the inputs', async () => {
      upstream.route('POST', '/v1/embeddings', json(parsed('embeddings.json')));
      const result = await openai.embed({ model: 'text-embedding-3-small', inputs: ['a', 'b'] }, call());
      expect(result).toEqual({
        vectors: [
          [0.0023064255, -0.009327292],
          [-0.5, 0.25],
        ],
        inputTokens: 8,
      });
      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
        model: 'text-embedding-3-small',
        input: ['a', 'b'],
        encoding_format: 'float',
      });
    });

    it('refuses an answer without a vector for each input', async () => {
      upstream.route('POST', '/v1/embeddings', json(parsed('embeddings.json')));
      const embedding = openai.embed({ model: 'm', inputs: ['a', 'b', 'c'] }, call());
      await expect(embedding).rejects.toMatchObject({ code: 'invalid_response' });
    });
  });
});
