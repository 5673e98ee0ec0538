import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { cut, json, stream } from '../../../../bench/upstream/scripts.js';
import { notFound, ollamaScene, recordings, sentTo, show } from '../../../../test/support/ollama-scene.js';

const scene = ollamaScene();

describe('OllamaProvider, models', () => {
  beforeEach(() => {
    scene.upstream.route('GET', '/api/tags', json(recordings.json('tags.json')));
    scene.upstream.route('POST', '/api/show', show);
  });

  it('lists what can chat or embed, with what each can do', async () => {
    expect(await scene.provider.listModels(scene.call())).toEqual([
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
    const models = await scene.provider.listModels(scene.call({ options: { num_ctx: 16_384 } }));
    expect(models.map(({ contextLength }) => contextLength)).toEqual([16_384, 16_384, 2048, 16_384]);
  });

  it('asks for the details of four at a time', async () => {
    const models = Array.from({ length: 12 }, (_, index) => ({ name: `m${index}` }));
    let [asked, most] = [0, 0];
    scene.upstream.route('GET', '/api/tags', json({ models }));
    scene.upstream.route('POST', '/api/show', async (exchange) => {
      most = Math.max(most, (asked += 1));
      for (let turn = 0; turn < 50; turn += 1) await setImmediate();
      asked -= 1;
      return json({ capabilities: ['completion'] })(exchange);
    });
    expect((await scene.provider.listModels(scene.call())).map(({ id }) => id)).toEqual(
      models.map(({ name }) => name),
    );
    expect(most).toBe(4);
  });

  it('leaves a model out that has gone meanwhile, and knows others by their names', async () => {
    const models = ['gone', 'broken', 'odd', 'old', 'all-minilm:22m'].map((name) => ({ name }));
    scene.upstream.route('GET', '/api/tags', json({ models }));
    scene.upstream.route('POST', '/api/show', (exchange) => {
      const { model } = JSON.parse(exchange.request.body) as { model: string };
      if (model === 'gone') return notFound(exchange);
      if (model === 'odd') return json({ model_info: 'x' })(exchange);
      return json({ error: 'x' }, { status: model === 'broken' ? 500 : 200 })(exchange);
    });
    expect(await scene.provider.listModels(scene.call())).toMatchObject([
      { id: 'broken', capabilities: ['chat', 'tools', 'structured_output'] },
      { id: 'odd', capabilities: ['chat', 'tools', 'structured_output'] },
      { id: 'old', capabilities: ['chat', 'tools', 'structured_output'] },
      { id: 'all-minilm:22m', capabilities: ['embeddings'] },
    ]);
  });

  it('fails when the server goes away while it lists', async () => {
    scene.upstream.route('POST', '/api/show', cut);
    await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject({ code: 'network' });
  });

  it.each([{}, { models: {} }, []])('refuses the list %j', async (body) => {
    scene.upstream.route('GET', '/api/tags', json(body));
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

  it('verifies a connection by its list alone', async () => {
    await expect(scene.provider.verify(scene.call())).resolves.toBeUndefined();
    expect(sentTo(scene.upstream)).toEqual([['GET /api/tags', undefined]]);
    scene.upstream.enqueue(json({}, { status: 401 }));
    await expect(scene.provider.verify(scene.call())).rejects.toMatchObject({ code: 'authentication' });
  });
});

describe('OllamaProvider, embed', () => {
  const inputs = ['a', 'b'];

  it('gives a vector for each input', async () => {
    scene.upstream.route('POST', '/api/embed', json(recordings.json('embed.json')));
    const options = { keep_alive: -1, num_ctx: 512 };
    expect(
      await scene.provider.embed({ model: 'nomic-embed-text', inputs }, scene.call({ options })),
    ).toEqual({
      vectors: [
        [0.010071029, -0.0017594862],
        [-0.5, 0.25],
      ],
      inputTokens: 8,
    });
    const body = { model: 'nomic-embed-text', input: inputs, truncate: false };
    expect(sentTo(scene.upstream)).toEqual([
      ['POST /api/embed', { ...body, keep_alive: -1, options: { num_ctx: 512 } }],
    ]);
  });

  it.each([
    {},
    { embeddings: [[1]] },
    { embeddings: [[1], [2], [3]] },
    { embeddings: [[1], ['2']] },
    { embeddings: [[1], 2] },
    { embeddings: [[1], [2]], prompt_eval_count: 'x' },
  ])('refuses the answer %j', async (body) => {
    scene.upstream.route('POST', '/api/embed', json(body));
    const embedding = scene.provider.embed({ model: 'm', inputs }, scene.call());
    await expect(embedding).rejects.toMatchObject({ code: 'invalid_response' });
  });

  it('leaves the count out when the server does not tell it', async () => {
    scene.upstream.route('POST', '/api/embed', json({ embeddings: [[1], [2]] }));
    expect(await scene.provider.embed({ model: 'm', inputs }, scene.call())).toEqual({
      vectors: [[1], [2]],
    });
  });
});
