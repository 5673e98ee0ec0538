import { describe, expect, it } from '@jest/globals';
import { json, stream, type Script } from '../../bench/upstream/scripts.js';
import { SystemClock } from '../../src/common/clock.js';
import { OpenAiProvider } from '../../src/llm-providers/adapters/openai/openai.provider.js';
import { localOutbound } from '../support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../support/provider-scene.js';
import { Recordings } from '../support/recordings.js';
import { describeForwardContract, type ForwardContract } from './forward-contract.js';
import { credentialCanary, upstreamCanary } from './stream-run.js';

const bytes = new Recordings('openai').bytes('text.sse');
const body = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }], stream: true };
const withUsage = { ...body, stream_options: { include_usage: true } };
const request = { protocol: 'openai-chat', model: 'gpt-4.1' } as const;
const done = 'data: [DONE]\n\n';

/** The recording as somebody gets it who asked for no usage: without the field, and without the chunk that has nothing else. */
const withoutUsage = Buffer.from(bytes)
  .toString()
  .split('\n\n')
  .filter((event) => !event.includes('"choices":[]'))
  .join('\n\n')
  .replaceAll(',"usage":null', '');

const choice = { index: 0, message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' };

const contract: Omit<ForwardContract, 'streamed'> = {
  makeProvider: () => new OpenAiProvider('openai-compatible', new SystemClock(), localOutbound),
  connection: (url) => scriptedConnection('openai-compatible', `${url}/v1`, credentialCanary),
  whole: { ...request, body: { ...body, stream: false } },
  answer: {
    bytes,
    seen: Buffer.from(bytes).toString(),
    usage: { inputTokens: 19, outputTokens: 10, cachedInputTokens: 4, reasoningTokens: 0 },
  },
  wholeAnswer: {
    body: { id: 'x', choices: [choice], usage: { prompt_tokens: 3, completion_tokens: 2 }, theirs: [1] },
    usage: { inputTokens: 3, outputTokens: 2 },
  },
  terminator: done,
  errorInStream: {
    bytes: `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"object":"error","message":"${upstreamCanary}","code":400}\n\n${done}`,
    code: 'invalid_request',
  },
};

describeForwardContract('openai-compatible, with usage', {
  ...contract,
  streamed: { ...request, body: withUsage },
});

describeForwardContract('openai-compatible, its usage hidden', {
  ...contract,
  streamed: { ...request, body },
  answer: { ...contract.answer, seen: withoutUsage },
});

describe('what an attack found in passing on', () => {
  const scene = new ProviderScene({
    makeProvider: contract.makeProvider,
    connection: contract.connection,
    request: { model: 'gpt-4.1', messages: [] },
  }).register();

  interface Heard {
    readonly seen: string;
    readonly tokens: number;
    readonly error: unknown;
  }

  async function hear(script: Script, streams: boolean): Promise<Heard> {
    scene.upstream.enqueue(script);
    const { provider } = scene;
    const heard = { seen: '', tokens: 0, error: undefined as unknown };
    try {
      const sent = { ...request, body: { ...body, stream: streams } };
      for await (const event of provider.forward?.(sent, scene.call()) ?? []) {
        if (event.type !== 'bytes') continue;
        heard.seen += Buffer.from(event.bytes).toString();
        heard.tokens += event.tokens;
      }
    } catch (error) {
      heard.error = error;
    }
    return heard;
  }

  it.each([
    [
      'an error with status 200',
      { error: { message: upstreamCanary, code: 'invalid_api_key' } },
      'authentication',
    ],
    [
      'an error of vLLM with status 200',
      { object: 'error', message: upstreamCanary, code: 400 },
      'invalid_request',
    ],
    ['an empty object', {}, 'invalid_response'],
    ['no choices', { choices: [] }, 'invalid_response'],
    ['choices that are none', { choices: [null] }, 'invalid_response'],
  ])('is no answer: %s', async (_name, answer, code) => {
    const { seen, error } = await hear(json(answer), false);
    expect(seen).toBe('');
    expect(error).toMatchObject({ code });
  });

  it.each([
    ['no usage', undefined],
    ['usage without numbers', { prompt_tokens: null, completion_tokens: '12' }],
  ])('is weighed by us when it has %s', async (_name, usage) => {
    const { tokens, error } = await hear(json({ choices: [choice], usage }), false);
    expect(error).toBeUndefined();
    expect(tokens).toBeGreaterThan(1);
  });

  it.each([
    ['[DONE] alone', done],
    ['[DONE] without how it ended', `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n${done}`],
    ['a piece that is no JSON', `data: {"choices":[{"index":0\n\n${done}`],
  ])('is no good end: %s', async (_name, events) => {
    const { seen, error } = await hear(stream([Buffer.from(events)]), true);
    expect(seen).not.toContain('[DONE]');
    expect(error).toMatchObject({ code: 'invalid_response' });
  });

  it('leaves comments with us, which are no output', async () => {
    const { seen } = await hear(stream([Buffer.from(`: PROCESSING\n\n`), Buffer.from(bytes)]), true);
    expect(seen).not.toContain('PROCESSING');
  });

  it('knows a refusal by its status, however long it is', async () => {
    const { error } = await hear(json({ error: { message: 'x'.repeat(100_000) } }, { status: 429 }), false);
    expect(error).toMatchObject({ code: 'rate_limit', status: 429 });
  });
});
