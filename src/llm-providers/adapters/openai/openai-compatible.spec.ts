import { describe, expect, it } from '@jest/globals';
import { json, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import { OpenAiProvider } from './openai.provider.js';

const recordings = new Recordings('openai');

const scene = new ProviderScene({
  makeProvider: () => new OpenAiProvider('openai-compatible', new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('openai-compatible', `${upstreamUrl}/v1`, 'sk-one'),
  request: { model: 'm', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }] },
}).register();

function answer(...chunks: readonly string[]): void {
  scene.upstream.enqueue(stream([...chunks.map((chunk) => `data: ${chunk}\n\n`), 'data: [DONE]\n\n']));
}

describe('OpenAiProvider of a compatible server', () => {
  it('speaks chat completions, but Responses where the connection says so', async () => {
    scene.upstream.route('POST', '/v1/chat/completions', stream([recordings.bytes('text.sse')]));
    scene.upstream.route('POST', '/v1/responses', stream([recordings.bytes('responses-text.sse')]));
    await scene.answered();
    await scene.answered({}, scene.call({ options: { api: 'responses' } }));
    const paths = scene.upstream.requests.map(({ path }) => path);
    expect(paths).toEqual(['/v1/chat/completions', '/v1/responses']);
  });

  it('takes the last of several usages, and does not add them up', async () => {
    const usage = (count: number): string =>
      `{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":${count},"completion_tokens":${count}}}`;
    answer(usage(1), usage(2));
    expect((await scene.answered()).usage).toEqual({ inputTokens: 2, outputTokens: 2 });
  });

  it.each([
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['eos_token', 'other'],
    ['constructor', 'other'],
  ])('reads the finish reason %s as %s', async (rawReason, reason) => {
    answer(`{"choices":[{"index":0,"delta":{},"finish_reason":"${rawReason}"}]}`);
    expect(await scene.answered()).toMatchObject({ reason, rawReason });
  });

  it('is truncated when the terminator comes without a finish reason', async () => {
    answer('{"choices":[{"index":0,"delta":{"content":"x"}}]}');
    await expect(scene.answered()).rejects.toMatchObject({ code: 'invalid_response', truncated: true });
  });

  it('shows a refusal of the model as text', async () => {
    answer('{"choices":[{"delta":{"refusal":"I will not."},"finish_reason":"stop"}]}');
    expect((await scene.answered()).text).toBe('I will not.');
  });

  it.each(['{"error":{"code":429}}', '{"object":"error","code":429,"message":"x"}'])(
    'throws the error %s of a stream before start',
    async (error) => {
      answer(error);
      await expect(scene.answered()).rejects.toMatchObject({ code: 'rate_limit', status: 429 });
    },
  );

  it('takes the context length from a server that tells it', async () => {
    scene.upstream.route('GET', '/v1/models', json(recordings.json('models-vllm.json')));
    const models = await scene.provider.listModels(scene.call());
    expect(models).toMatchObject([{ contextLength: 131_072 }]);
  });
});
