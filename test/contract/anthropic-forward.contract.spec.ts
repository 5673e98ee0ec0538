import { describe, expect, it } from '@jest/globals';
import { json, stream } from '../../bench/upstream/scripts.js';
import { SystemClock } from '../../src/common/clock.js';
import { AnthropicProvider } from '../../src/llm-providers/adapters/anthropic/anthropic.provider.js';
import type { ForwardEvent, ForwardRequest } from '../../src/llm-providers/contract/forward.js';
import { localOutbound } from '../support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../support/provider-scene.js';
import { Recordings } from '../support/recordings.js';
import { describeForwardContract, type ForwardContract } from './forward-contract.js';
import { credentialCanary, expectNoLeak, upstreamCanary } from './stream-run.js';

const recordings = new Recordings('anthropic');
const body = {
  model: 'claude-sonnet-4-6',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
  stream: true,
};
const streamed = { protocol: 'anthropic-messages', model: 'claude-sonnet-4-6', body } as const;
const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';

const contract: ForwardContract = {
  makeProvider: () => new AnthropicProvider(new SystemClock(), localOutbound),
  connection: (url) => scriptedConnection('anthropic', url, credentialCanary),
  streamed,
  whole: { ...streamed, body: { ...body, stream: false } },
  answer: {
    bytes: recordings.bytes('text.sse'),
    seen: recordings.text('text.sse'),
    usage: { inputTokens: 2073, outputTokens: 15, cachedInputTokens: 1800, cacheWriteInputTokens: 248 },
  },
  wholeAnswer: {
    body: {
      type: 'message',
      content: [],
      usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 2 },
      theirs: [1],
    },
    usage: { inputTokens: 7, outputTokens: 2, cachedInputTokens: 4 },
  },
  terminator: stop,
  errorInStream: {
    bytes: recordings.text('error-in-stream.sse').replace('Overloaded', upstreamCanary),
    code: 'overloaded',
  },
};

describeForwardContract('anthropic', contract);

describe('anthropic passes on:', () => {
  const scene = new ProviderScene({ ...contract, request: { model: 'm', messages: [] } }).register();

  async function forward(
    request: Partial<ForwardRequest> = {},
    call = scene.call(),
  ): Promise<{ readonly seen: string; readonly events: readonly ForwardEvent[]; readonly error: unknown }> {
    const events: ForwardEvent[] = [];
    let error: unknown;
    try {
      for await (const event of scene.provider.forward?.({ ...streamed, ...request }, call) ?? []) {
        events.push(event);
      }
    } catch (caught) {
      error = caught;
    }
    const bytes = events.map((event) => (event.type === 'bytes' ? event.bytes : new Uint8Array()));
    return { seen: Buffer.concat(bytes).toString(), events, error };
  }

  const sse = (...events: readonly object[]): string =>
    events
      .map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join('');
  const delta = (text: string): object => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  });
  const ended = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } };

  it('the body as it came, and one with another model where an alias led here', async () => {
    const bytes = Buffer.from('{ "model":"claude-sonnet-4-6", "big": 12345678901234567890, "stream":true }');
    scene.upstream.enqueue(stream([recordings.bytes('text.sse')]), stream([recordings.bytes('text.sse')]));
    await forward({ bytes, body: { ...body, model: 'claude-sonnet-4-6' } });
    await forward({ bytes, body: { ...body, model: 'alias' } });
    expect(scene.upstream.requests.map((request) => request.body)).toEqual([
      bytes.toString(),
      JSON.stringify(body),
    ]);
  });

  it('a body with a field that is there twice only as it was understood', async () => {
    scene.upstream.enqueue(stream([recordings.bytes('text.sse')]));
    await forward({ bytes: undefined });
    expect(scene.sent(-1)).toEqual(body);
  });

  it('the headers of the protocol, those of the connection first, the betas of both', async () => {
    scene.upstream.enqueue(stream([recordings.bytes('text.sse')]), stream([recordings.bytes('text.sse')]));
    await forward();
    const connection = {
      id: 'other',
      baseUrl: `${scene.upstream.url}/base/v1/`,
      headers: { 'Anthropic-Beta': 'ours', 'X-Tenant': 't' },
    };
    const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'theirs' };
    await forward({ headers }, scene.call(connection));
    const [bare, full] = scene.upstream.requests;
    expect(bare?.headers).toMatchObject({ 'anthropic-version': '2023-06-01', 'x-api-key': credentialCanary });
    expect(bare?.headers).not.toHaveProperty('anthropic-beta');
    expect(full?.path).toBe('/base/v1/messages');
    expect(full?.headers).toMatchObject({
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'theirs,ours',
      'x-tenant': 't',
    });
  });

  it('nothing until there is output, so that another model may be asked instead', async () => {
    const [first = '', ...rest] = recordings.text('text.sse').split(/(?<=\n\n)/);
    const began = [first, ...rest.slice(0, 2)].join('');
    expect(began).toContain('content_block_start');
    const error = { type: 'error', error: { type: 'overloaded_error', message: upstreamCanary } };
    scene.upstream.enqueue(stream([began, sse(error)]));
    const run = await forward();
    expect(run.events).toEqual([]);
    expect(run.error).toMatchObject({ code: 'overloaded', retryable: true });
  });

  it('kinds that it does not know, unless nobody could read them, and names what has no name', async () => {
    scene.upstream.enqueue(stream([recordings.bytes('text-with-unknown-kinds.sse')]));
    const { seen, error, events } = await forward();
    expect(error).toBeUndefined();
    expect(seen).toContain('event: message_notice\n');
    expect(seen).not.toContain('not even JSON');
    const names = seen.split('\n\n').filter((event) => event.includes('data:'));
    expect(names.filter((event) => !event.includes('event:'))).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'finish', usage: contract.answer.usage });
  });

  it.each([
    ['no reason to stop', sse(delta('Hi'), { type: 'message_stop' })],
    [
      'text that is no JSON',
      `${sse(delta('Hi'))}event: content_block_delta\ndata: {"type\n\n${sse(ended)}${stop}`,
    ],
    [
      'an event that is no object',
      `${sse(delta('Hi'))}event: content_block_delta\ndata: [1]\n\n${sse(ended)}${stop}`,
    ],
    ['usage that is no count', `${sse(delta('Hi'), { ...ended, usage: { output_tokens: 'x' } })}${stop}`],
    ['an end without its delta', `${sse(delta('Hi'), { type: 'message_delta' })}${stop}`],
  ])('what came before it is not valid: %s', async (_name, bytes) => {
    scene.upstream.enqueue(stream([bytes]));
    const { seen, events, error } = await forward();
    expect(seen).toBe(sse(delta('Hi')));
    expect(events.map(({ type }) => type)).not.toContain('finish');
    expect(error).toMatchObject({ code: 'invalid_response' });
    expectNoLeak(error);
  });

  it('an error under another name as the error that it is', async () => {
    const data = JSON.stringify({
      type: 'error',
      error: { type: 'rate_limit_error', message: upstreamCanary },
    });
    scene.upstream.enqueue(stream([sse(delta('Hi')), `data: ${data}\n\n`]));
    const { seen, error } = await forward();
    expect(seen).toBe(sse(delta('Hi')));
    expect(error).toMatchObject({ code: 'rate_limit' });
  });

  it.each([
    [
      'an error',
      { type: 'error', error: { type: 'overloaded_error', message: upstreamCanary } },
      'overloaded',
    ],
    ['something else', { type: 'completion' }, 'invalid_response'],
    ['nothing', {}, 'invalid_response'],
  ])('no answer of 200 that is %s', async (_name, answer, code) => {
    scene.upstream.enqueue(json(answer));
    const { events, error } = await forward({ body: { ...body, stream: false } });
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code });
    expectNoLeak(error);
  });

  it('how much was said, for when its usage never comes', async () => {
    scene.upstream.enqueue(
      stream([sse(delta('A sentence of several words, in one piece.')), sse(delta('!'))]),
    );
    const { events } = await forward();
    const tokens = events.map((event) => (event.type === 'bytes' ? event.tokens : 0));
    expect(tokens.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(9);
  });

  it('counts of tokens, and no other answer to that', async () => {
    const request = { protocol: 'anthropic-count-tokens', body: { ...body, stream: undefined } } as const;
    scene.upstream.enqueue(json({ input_tokens: 8, theirs: 1 }), json({}));
    const good = await forward(request);
    expect(JSON.parse(good.seen)).toEqual({ input_tokens: 8, theirs: 1 });
    expect(scene.upstream.requests.at(-1)?.path).toBe('/v1/messages/count_tokens');
    expect((await forward(request)).error).toMatchObject({ code: 'invalid_response' });
  });
});
