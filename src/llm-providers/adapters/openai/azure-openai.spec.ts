import { describe, expect, it } from '@jest/globals';
import { json, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import { OpenAiProvider } from './openai.provider.js';

const recordings = new Recordings('openai');
const anAnswer = stream([recordings.bytes('azure-text.sse')]);
const version = '2024-10-21';

const scene = new ProviderScene({
  makeProvider: () => new OpenAiProvider('azure-openai', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('azure-openai', upstreamUrl, 'key-one'),
  request: { model: 'our gpt', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }] },
  requestId: 'req-ours',
}).register();

const classic = { options: { apiVersion: version } };

describe('OpenAiProvider of Azure', () => {
  it('cannot list deployments, so the operator has to name them', async () => {
    scene.upstream.enqueue(json(recordings.json('azure-models.json')));
    const refused = { provider: 'azure-openai', code: 'invalid_request', param: 'connection.models' };
    await expect(scene.provider.listModels(scene.call())).rejects.toMatchObject(refused);
  });

  it('tells of a wrong key before it tells that', async () => {
    scene.upstream.enqueue(json({ error: { code: '401' } }, { status: 401 }));
    const listing = scene.provider.listModels(scene.call());
    await expect(listing).rejects.toMatchObject({ code: 'authentication' });
  });

  it('refuses a prompt that its filter stops', async () => {
    const headers = { 'apim-request-id': '5b1e' };
    scene.upstream.enqueue(json(recordings.json('azure-filtered-prompt.json'), { status: 400, headers }));
    const refused = { code: 'content_filter', retryable: false, status: 400, requestId: '5b1e' };
    await expect(scene.answered()).rejects.toMatchObject(refused);
  });

  it.each(['', '/', '/openai', '/openai/v1', '/openai/v1/'])(
    'speaks the v1 API below the resource%s',
    async (path) => {
      scene.upstream.route('POST', '/openai/v1/chat/completions', anAnswer);
      await scene.answered({ maxOutputTokens: 7 }, scene.call({ baseUrl: scene.upstream.url + path }));
      expect(scene.sent(0)).toMatchObject({ model: 'our gpt', max_completion_tokens: 7 });
      const [{ headers } = { headers: {} }] = scene.upstream.requests;
      expect(headers).toMatchObject({ 'api-key': 'key-one', 'x-client-request-id': 'req-ours' });
      expect(headers).not.toHaveProperty('authorization');
    },
  );

  it('speaks Responses where the connection says so', async () => {
    scene.upstream.route('POST', '/openai/v1/responses', stream([recordings.bytes('responses-text.sse')]));
    await scene.answered({ user: 'u' }, scene.call({ options: { api: 'responses' } }));
    expect(scene.sent(0)).toMatchObject({ store: false, user: 'u' });
  });

  it('finds the deployment in the path of the classic API', async () => {
    const path = `/openai/deployments/our%20gpt/chat/completions?api-version=${version}`;
    scene.upstream.route('POST', path, anAnswer);
    await scene.answered({}, scene.call(classic));
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it('finds nothing else than the deployment there', async () => {
    const path = `/openai/deployments/..%2Fmodels%3F/chat/completions?api-version=${version}`;
    scene.upstream.route('POST', path, anAnswer);
    await scene.answered({ model: '../models?' }, scene.call(classic));
    expect(scene.upstream.requests).toHaveLength(1);
  });

  it('has Responses and models of the classic API beside the deployments', async () => {
    const responses = stream([recordings.bytes('responses-text.sse')]);
    scene.upstream.route('POST', `/openai/responses?api-version=${version}`, responses);
    scene.upstream.route(
      'GET',
      `/openai/models?api-version=${version}`,
      json(recordings.json('azure-models.json')),
    );
    await scene.answered({}, scene.call({ options: { ...classic.options, api: 'responses' } }));
    await scene.provider.verify(scene.call(classic));
    expect(scene.upstream.requests).toHaveLength(2);
  });

  it('embeds', async () => {
    const embeddings = json(recordings.json('embeddings.json'));
    scene.upstream.route('POST', '/openai/v1/embeddings', embeddings);
    scene.upstream.route('POST', `/openai/deployments/e/embeddings?api-version=${version}`, embeddings);
    const request = { model: 'e', inputs: ['a', 'b'] };
    const vectors = await scene.provider.embed(request, scene.call());
    expect(await scene.provider.embed(request, scene.call({ ...classic, version: 2 }))).toEqual(vectors);
    expect(vectors).toMatchObject({ inputTokens: 8 });
  });

  it('describes a deployment by its name, where that says something', () => {
    expect(scene.provider.describeModel('gpt-5-mini')).toMatchObject({
      capabilities: ['chat', 'reasoning', 'tools'],
    });
    expect(scene.provider.describeModel('text-embedding-3-small')).toMatchObject({
      capabilities: ['embeddings'],
    });
    expect(scene.provider.describeModel('image-describer')).toMatchObject({
      capabilities: ['chat', 'tools'],
    });
  });
});
