import { describe, expect, it } from '@jest/globals';
import {
  anAnswer,
  lines,
  ollamaScene,
  recordings,
  request,
  sentTo,
} from '../../../../test/support/ollama-scene.js';
import { collect } from '../../contract/collect.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { CallContext } from '../../contract/model-provider.js';

const scene = ollamaScene();

describe('OllamaProvider, connection', () => {
  async function headersSent(context: CallContext): Promise<unknown> {
    scene.upstream.enqueue(anAnswer);
    await scene.answered({}, context);
    return scene.upstream.requests.at(-1)?.headers;
  }

  it('sends no credential to a server that asks for none', async () => {
    expect(await headersSent(scene.call())).not.toHaveProperty('authorization');
  });

  it('sends credential, headers and our request id', async () => {
    const headers = { 'X-Team': 'blue' };
    expect(await headersSent(scene.call({ credential: 'key-one', headers }))).toMatchObject({
      authorization: 'Bearer key-one',
      'x-team': 'blue',
      'x-request-id': 'req-test',
      'content-type': 'application/json',
    });
  });

  it('lets the headers of the connection replace its own', async () => {
    const headers = { Authorization: 'Basic xyz' };
    expect(await headersSent(scene.call({ credential: 'key-one', headers }))).toMatchObject({
      authorization: 'Basic xyz',
    });
  });

  it('uses the new credential as soon as the version changes', async () => {
    await headersSent(scene.call({ credential: 'key-one' }));
    expect(await headersSent(scene.call({ version: 2, credential: 'key-two' }))).toMatchObject({
      authorization: 'Bearer key-two',
    });
  });

  it.each(['', '/', '/api', '/api/'])('takes a base URL that ends with "%s"', async (end) => {
    await headersSent(scene.call({ baseUrl: `${scene.upstream.url}${end}` }));
    expect(scene.upstream.requests[0]?.path).toBe('/api/chat');
  });

  it('keeps the prefix of a proxy', async () => {
    await headersSent(scene.call({ baseUrl: `${scene.upstream.url}/ollama/` }));
    expect(scene.upstream.requests[0]?.path).toBe('/ollama/api/chat');
  });
});

describe('OllamaProvider, stream', () => {
  it('takes context and keep-alive from the connection', async () => {
    scene.upstream.enqueue(anAnswer);
    const options = { num_ctx: 8192, keep_alive: '10m' };
    await scene.answered({}, scene.call({ options }));
    expect(sentTo(scene.upstream)).toMatchObject([
      ['POST /api/chat', { options: { num_ctx: 8192 }, keep_alive: '10m', truncate: false, shift: false }],
    ]);
  });

  it('sends nothing that it cannot pass on', async () => {
    const stuck = scene.answered({ logitBias: {} });
    await expect(stuck).rejects.toMatchObject({ code: 'unsupported', param: 'logitBias' });
    expect(scene.upstream.requests).toEqual([]);
  });

  it('tells the request id of a proxy', async () => {
    const headers = { 'content-type': 'application/x-ndjson', 'x-request-id': 'req_theirs' };
    scene.upstream.enqueue(lines(recordings.text('text.ndjson'), { headers }));
    expect((await scene.answered()).requestId).toBe('req_theirs');
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['load', 'other'],
    ['unload', 'other'],
    ['constructor', 'other'],
    ['', 'other'],
  ])('reads the reason "%s" as %s', async (rawReason, reason) => {
    scene.upstream.enqueue(lines(`{"message":{"content":"x"},"done":true,"done_reason":"${rawReason}"}\n`));
    expect(await scene.answered()).toMatchObject({ text: 'x', reason, rawReason });
  });

  it.each(['{"eval_count":3,"done":true}', '{"prompt_eval_count":3,"done":true}'])(
    'takes half of a usage for none: %s',
    async (line) => {
      scene.upstream.enqueue(lines(`${line}\n`));
      expect(await scene.answered()).not.toHaveProperty('usage');
    },
  );

  it('gives nameless calls ids that are the same for the same request, and differ otherwise', async () => {
    const ids = async (sentRequest: GenerateRequest, requestId: string): Promise<readonly unknown[]> => {
      scene.upstream.enqueue(lines(recordings.text('tool-calls-without-ids.ndjson')));
      const { parts } = await collect(scene.provider.stream(sentRequest, { ...scene.call(), requestId }));
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
    scene.upstream.enqueue(lines('{"error":"model runner has unexpectedly stopped"}\n'));
    const events = scene.provider.stream(request, scene.call());
    await expect(events.next()).rejects.toMatchObject({ code: 'unknown', retryable: true });
  });

  it('waits for no end of a refusal', async () => {
    scene.upstream.enqueue(lines('{"error":"', { status: 500, ending: 'stall' }));
    await expect(scene.answered()).rejects.toMatchObject({ status: 500 });
    await (
      await scene.upstream.nextExchange()
    ).closed;
  });

  it('finds nobody where nobody is', async () => {
    const reaching = scene.answered({}, scene.callNobody());
    await expect(reaching).rejects.toMatchObject({ code: 'network', retryable: true });
  });
});
