import { beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../../../bench/upstream/gate.js';
import { cut, json, silence } from '../../../../bench/upstream/scripts.js';
import {
  lines,
  notFound,
  ollamaScene,
  recordings,
  sentTo,
  show,
} from '../../../../test/support/ollama-scene.js';
import type { LoadProgress, ModelStatus } from '../../contract/model-info.js';
import type { CallContext } from '../../contract/model-provider.js';

const scene = ollamaScene();

async function statusOf(model: string, call: CallContext): Promise<ModelStatus | undefined> {
  return (await scene.provider.status([model], call))[0];
}

describe('OllamaProvider, status', () => {
  beforeEach(() => {
    scene.upstream.route('GET', '/api/ps', json(recordings.json('ps.json')));
    scene.upstream.route('GET', '/api/tags', json(recordings.json('tags.json')));
  });

  it.each(['gemma4', 'gemma4:latest'])('is loaded when it is in memory: %s', async (model) => {
    expect(await statusOf(model, scene.call())).toEqual({
      state: 'loaded',
      memoryBytes: 6_591_830_464,
      expiresAt: new Date('2026-11-12T23:47:07.933Z'),
    });
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it.each([
    ['qwen3.5:35b', 'not_loaded'],
    ['qwen3.5:7b', 'unavailable'],
    ['gpt-oss:120b-cloud', 'loaded'],
  ])('of %s is %s', async (model, state) => {
    expect(await statusOf(model, scene.call())).toEqual({ state });
  });

  it('knows the memory of older servers, and of those that do not tell it', async () => {
    scene.upstream.route('GET', '/api/ps', json({ models: [{ name: 'a', size_vram: 7 }, { name: 'b' }] }));
    expect(await statusOf('a', scene.call())).toEqual({ state: 'loaded', memoryBytes: 7 });
    expect(await statusOf('b', scene.call())).toEqual({ state: 'loaded' });
  });

  it.each([
    ['nobody', cut],
    ['a full queue', json({}, { status: 503 })],
    ['a proxy that finds nobody', json({}, { status: 502 })],
  ])('is unavailable when it asks %s', async (_name, script) => {
    scene.upstream.enqueue(script);
    expect(await statusOf('gemma4', scene.call())).toEqual({ state: 'unavailable' });
  });

  it('asks once for all models', async () => {
    const asked = ['qwen3.5:7b', 'gemma4', 'qwen3.5:35b', 'gemma4'];
    const statuses = await scene.provider.status(asked, scene.call());
    expect(statuses.map(({ state }) => state)).toEqual(['unavailable', 'loaded', 'not_loaded', 'loaded']);
    expect(scene.upstream.requests).toHaveLength(2);
  });

  it('is unavailable when the server is down', async () => {
    expect(await statusOf('gemma4', scene.callNobody())).toEqual({ state: 'unavailable' });
  });

  it('is not known when the server does not tell us', async () => {
    scene.upstream.enqueue(json({}, { status: 401 }));
    await expect(statusOf('gemma4', scene.call())).rejects.toMatchObject({
      code: 'authentication',
    });
  });

  it('refuses a time that is none', async () => {
    scene.upstream.enqueue(json({ models: [{ name: 'gemma4', expires_at: 'soon' }] }));
    await expect(statusOf('gemma4', scene.call())).rejects.toMatchObject({
      code: 'invalid_response',
    });
  });

  it('throws the reason of the signal', async () => {
    const controller = new AbortController();
    controller.abort(new Error('gone'));
    const asking = statusOf('gemma4', { ...scene.call(), signal: controller.signal });
    await expect(asking).rejects.toBe(controller.signal.reason);
  });
});

describe('OllamaProvider, load', () => {
  const loaded = json(recordings.json('load.json'));

  async function progress(model: string, context: CallContext): Promise<readonly LoadProgress[]> {
    const reported: LoadProgress[] = [];
    for await (const event of scene.provider.load(model, context)) reported.push(event);
    return reported;
  }

  beforeEach(() => {
    scene.upstream.route('POST', '/api/show', show);
    scene.upstream.route('POST', '/api/generate', loaded);
  });

  it('asks for nothing, so that the server loads the model', async () => {
    const options = { keep_alive: '1h', num_ctx: 8192 };
    expect(await progress('gemma4', scene.call({ options }))).toEqual([
      { state: 'loading' },
      { state: 'loaded' },
    ]);
    const body = { model: 'gemma4', keep_alive: '1h', options: { num_ctx: 8192 }, stream: false };
    expect(sentTo(scene.upstream).at(-1)).toEqual(['POST /api/generate', body]);
  });

  it('waits for a model longer than for an answer', async () => {
    const gate = new Gate();
    scene.upstream.route('GET', '/api/tags', silence);
    scene.upstream.route('POST', '/api/generate', async (exchange) => {
      await gate.opened;
      return loaded(exchange);
    });
    const context = scene.call({ timeouts: { connectMs: 2000, headersMs: 50, idleMs: 50 } });
    const loading = progress('gemma4', context);
    for (const path of ['/api/show', '/api/generate']) {
      expect((await scene.upstream.nextExchange()).request.path).toBe(path);
    }
    await expect(scene.provider.verify(context)).rejects.toMatchObject({ code: 'timeout' });
    gate.open();
    expect((await loading).at(-1)).toEqual({ state: 'loaded' });
  });

  it('loads a model that only embeds by embedding nothing', async () => {
    scene.upstream.route('POST', '/api/embed', json({ embeddings: [] }));
    expect((await progress('nomic-embed-text', scene.call())).at(-1)).toEqual({ state: 'loaded' });
    expect(sentTo(scene.upstream).at(-1)).toEqual([
      'POST /api/embed',
      { model: 'nomic-embed-text', input: [] },
    ]);
  });

  it('says so when the model is not kept', async () => {
    scene.upstream.route('POST', '/api/generate', json({ done: true, done_reason: 'unload' }));
    expect((await progress('gemma4', scene.call({ options: { keep_alive: 0 } }))).at(-1)).toEqual({
      state: 'not_loaded',
    });
  });

  it.each([{}, { pull: false }, { pull: 'true' }, { pull: 1 }])(
    'downloads nothing with the options %j',
    async (options) => {
      scene.upstream.enqueue(notFound);
      await expect(progress('gemma4', scene.call({ options }))).rejects.toMatchObject({
        code: 'not_found',
      });
      expect(sentTo(scene.upstream)).toEqual([['POST /api/show', { model: 'gemma4' }]]);
    },
  );

  it('downloads a model that is not there when it may, and loads it', async () => {
    scene.upstream.enqueue(notFound, lines(recordings.text('pull.ndjson')));
    expect(await progress('gemma4', scene.call({ options: { pull: true } }))).toEqual([
      { state: 'loading' },
      { state: 'loading', progress: 0 },
      { state: 'loading', progress: 0.25 },
      { state: 'loading', progress: 1 },
      { state: 'loaded' },
    ]);
    expect(sentTo(scene.upstream)).toEqual([
      ['POST /api/show', { model: 'gemma4' }],
      ['POST /api/pull', { model: 'gemma4', stream: true }],
      ['POST /api/show', { model: 'gemma4' }],
      ['POST /api/generate', { model: 'gemma4', stream: false }],
    ]);
  });

  it('downloads nothing that is there', async () => {
    await progress('gemma4', scene.call({ options: { pull: true } }));
    expect(sentTo(scene.upstream)).not.toContainEqual(expect.arrayContaining(['POST /api/pull']));
  });

  it('fails when the download ends early', async () => {
    scene.upstream.enqueue(notFound, lines(recordings.text('pull.ndjson').replace(/.*success.*\n$/, '')));
    await expect(progress('gemma4', scene.call({ options: { pull: true } }))).rejects.toMatchObject({
      code: 'invalid_response',
      retryable: true,
    });
  });

  it('fails when the download fails', async () => {
    scene.upstream.enqueue(
      notFound,
      lines('{"status":"pulling manifest"}\n{"error":"file does not exist"}\n'),
    );
    await expect(progress('gemma4', scene.call({ options: { pull: true } }))).rejects.toMatchObject({
      code: 'unknown',
    });
  });

  it('downloads nothing when the server does not say that the model is missing', async () => {
    scene.upstream.enqueue(json({}, { status: 500 }));
    await expect(progress('gemma4', scene.call({ options: { pull: true } }))).rejects.toMatchObject({
      code: 'unknown',
    });
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it('stops the download on abort', async () => {
    const controller = new AbortController();
    const [first] = recordings.text('pull.ndjson').split('\n');
    scene.upstream.enqueue(notFound, lines(`${first ?? ''}\n`, { ending: 'stall' }));
    const context = { ...scene.call({ options: { pull: true } }), signal: controller.signal };
    const loading = progress('gemma4', context);
    await scene.upstream.nextExchange();
    const exchange = await scene.upstream.nextExchange();
    controller.abort(new Error('gone'));
    await expect(loading).rejects.toBe(controller.signal.reason);
    await exchange.closed;
  });
});

describe('OllamaProvider, unload', () => {
  it('keeps the model alive for no time', async () => {
    scene.upstream.route('POST', '/api/generate', json({ done: true, done_reason: 'unload' }));
    await scene.provider.unload('gemma4', scene.call({ options: { keep_alive: -1 } }));
    expect(sentTo(scene.upstream)).toEqual([
      ['POST /api/generate', { model: 'gemma4', keep_alive: 0, stream: false }],
    ]);
  });

  it('takes no redirect for an answer', async () => {
    scene.upstream.enqueue(json({}, { status: 302, headers: { location: '/elsewhere' } }));
    const unloading = scene.provider.unload('gemma4', scene.call());
    await expect(unloading).rejects.toMatchObject({ code: 'invalid_response', status: 302 });
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it('knows a model that is not there', async () => {
    scene.upstream.enqueue(notFound);
    await expect(scene.provider.unload('gemma4', scene.call())).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
