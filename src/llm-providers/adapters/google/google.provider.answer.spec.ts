import { describe, expect, it } from '@jest/globals';
import { Gate } from '../../../../bench/upstream/gate.js';
import { json, type Script, silence, stream } from '../../../../bench/upstream/scripts.js';
import { localOutbound } from '../../../../test/support/local-outbound.js';
import { ProviderScene, scriptedConnection } from '../../../../test/support/provider-scene.js';
import { Recordings } from '../../../../test/support/recordings.js';
import { SystemClock } from '../../../common/clock.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import { GoogleProvider } from './google.provider.js';

const recordings = new Recordings('google');
const path = '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse';
const request: GenerateRequest = {
  model: 'gemini-2.5-flash',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

const eventOf = (chunk: object): string => `data: ${JSON.stringify(chunk)}\r\n\r\n`;

/** An answer of these chunks. */
function answer(...chunks: readonly object[]): Script {
  return stream(chunks.map(eventOf));
}

const said = (text: string): object => ({ candidates: [{ content: { parts: [{ text }] } }] });
const ended = (finishReason: string, fields: object = {}): object => ({
  candidates: [{ finishReason }],
  ...fields,
});
const called = (name: string): object => ({
  candidates: [{ content: { parts: [{ functionCall: { name } }] } }],
});

const scene = new ProviderScene({
  makeProvider: () => new GoogleProvider(new SystemClock(), localOutbound),
  connection: (upstreamUrl) => scriptedConnection('google', upstreamUrl, 'key-one'),
  request,
  requestId: 'req ours',
}).register();

describe('GoogleProvider, answering', () => {
  describe('answer', () => {
    it.each([
      ['STOP', 'stop'],
      ['MAX_TOKENS', 'length'],
      ['SAFETY', 'content_filter'],
      ['RECITATION', 'content_filter'],
      ['BLOCKLIST', 'content_filter'],
      ['PROHIBITED_CONTENT', 'content_filter'],
      ['SPII', 'content_filter'],
      ['IMAGE_SAFETY', 'content_filter'],
      ['LANGUAGE', 'other'],
      ['OTHER', 'other'],
      ['OF_TOMORROW', 'other'],
    ])('reads the finish reason %s as %s', async (rawReason, reason) => {
      scene.upstream.enqueue(answer(ended(rawReason)));
      expect(await scene.answered()).toMatchObject({ reason, rawReason, text: '' });
    });

    it.each([
      ['STOP', 'tool_calls'],
      ['MAX_TOKENS', 'length'],
      ['SAFETY', 'content_filter'],
    ])('with calls reads the finish reason %s as %s', async (rawReason, reason) => {
      scene.upstream.enqueue(answer(called('look'), ended(rawReason)));
      expect(await scene.answered()).toMatchObject({ reason, rawReason });
    });

    it.each(['MALFORMED_FUNCTION_CALL', 'MALFORMED_RESPONSE', 'UNEXPECTED_TOOL_CALL'])(
      'fails on %s',
      async (word) => {
        const error = { code: 'invalid_response', retryable: true, truncated: false };
        scene.upstream.enqueue(answer(ended(word)), answer(said('Hi'), ended(word)));
        await expect(scene.answered()).rejects.toMatchObject(error);
        await expect(scene.answered()).rejects.toMatchObject(error);
      },
    );

    it('fails when the prompt was blocked, before start', async () => {
      scene.upstream.enqueue(stream([recordings.text('blocked-prompt.sse')]));
      const events = scene.provider.stream(request, scene.call())[Symbol.asyncIterator]();
      const error = { code: 'content_filter', retryable: false, truncated: false, requestId: 'bLocked' };
      await expect(events.next()).rejects.toMatchObject(error);
    });

    it('makes ids for calls from our request when the answer has none', async () => {
      scene.upstream.enqueue(answer(called('look'), called('see'), ended('STOP')));
      expect((await scene.answered()).parts).toMatchObject([
        { id: 'call_req_ours_0', name: 'look', input: '{}' },
        { id: 'call_req_ours_1', name: 'see', input: '{}' },
      ]);
    });

    it('counts the last usage only, and thoughts as output', async () => {
      const usage = (candidatesTokenCount: number): object => ({
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount, thoughtsTokenCount: 4 },
      });
      scene.upstream.enqueue(
        answer({ ...said('a'), ...usage(1) }, { ...said('b'), ...usage(2) }, ended('STOP', usage(3))),
      );
      expect((await scene.answered()).usage).toEqual({ inputTokens: 9, outputTokens: 7, reasoningTokens: 4 });
    });

    it('knows that a model which only thought wrote nothing', async () => {
      const usageMetadata = { promptTokenCount: 9, thoughtsTokenCount: 100, totalTokenCount: 109 };
      scene.upstream.enqueue(answer(ended('MAX_TOKENS', { usageMetadata })));
      expect((await scene.answered()).usage).toEqual({
        inputTokens: 9,
        outputTokens: 100,
        reasoningTokens: 100,
      });
    });

    it.each([{}, { trafficType: 'ON_DEMAND' }])('takes %j for no usage', async (usageMetadata) => {
      scene.upstream.enqueue(answer(said('a'), ended('STOP', { usageMetadata })));
      expect(await scene.answered()).not.toHaveProperty('usage');
    });

    it('takes a signature that comes without a text field', async () => {
      const parts = [{ thoughtSignature: 'A' }];
      scene.upstream.enqueue(
        answer(said('a'), { candidates: [{ content: { parts }, finishReason: 'STOP' }] }),
      );
      expect((await scene.answered()).parts).toEqual([
        { type: 'text', text: 'a' },
        { type: 'reasoning', text: '', signature: 'A' },
      ]);
    });

    it('throws an error of a stream before start', async () => {
      scene.upstream.enqueue(answer({ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }, ended('STOP')));
      await expect(scene.answered()).rejects.toMatchObject({ code: 'rate_limit', truncated: false });
    });
  });

  describe('end of an answer', () => {
    it('takes what comes right after the reason', async () => {
      const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 2 };
      scene.upstream.enqueue(answer(ended('STOP'), said('more'), { usageMetadata }));
      expect(await scene.answered()).toMatchObject({
        text: 'more',
        usage: { inputTokens: 9, outputTokens: 2 },
      });
    });

    it('needs no clean end once there is a reason', async () => {
      const gate = new Gate();
      const chunks = [said('all'), ended('STOP')].map(eventOf);
      scene.upstream.enqueue(stream(chunks, { ending: 'cut', gates: { 2: gate } }));
      const events = scene.provider.stream(request, scene.call())[Symbol.asyncIterator]();
      expect((await events.next()).value).toMatchObject({ type: 'start' });
      expect((await events.next()).value).toMatchObject({ type: 'text' });
      const last = events.next();
      gate.open();
      expect((await last).value).toMatchObject({ type: 'finish', reason: 'stop' });
    });

    it('lets go of a body that goes on and on after the answer', async () => {
      scene.upstream.enqueue(stream([eventOf(ended('STOP'))], { ending: 'stall' }));
      const exchange = scene.upstream.nextExchange();
      const timeouts = { connectMs: 2000, headersMs: 10_000, idleMs: 600_000 };
      await scene.answered({}, scene.call({ timeouts }));
      await (
        await exchange
      ).closed;
    });

    it('throws the reason of the signal while it waits for more', async () => {
      const controller = new AbortController();
      const reason = new Error('gone');
      scene.upstream.enqueue(stream([recordings.text('text.sse')], { ending: 'stall' }));
      const events = scene.provider.stream(request, { ...scene.call(), signal: controller.signal });
      const reading = (async (): Promise<void> => {
        for await (const event of events) {
          expect(event.type).not.toBe('finish');
          if (event.type === 'text' && event.text.includes('quoted'))
            setImmediate(() => controller.abort(reason));
        }
      })();
      await expect(reading).rejects.toBe(reason);
    });
  });

  describe('long answer', () => {
    const [first, second] = [recordings.text('long-decode-1.sse'), recordings.text('long-decode-2.sse')].map(
      (text) => stream([text]),
    );

    it('is asked for until it ends, and is one', async () => {
      scene.upstream.enqueue(first ?? silence, second ?? silence);
      const types: string[] = [];
      const texts: string[] = [];
      for await (const event of scene.provider.stream(request, scene.call())) {
        types.push(event.type);
        if (event.type === 'text') texts.push(event.text);
        if (event.type === 'start') expect(event.requestId).toBe('Zk4saufdIrSwmtkPhPqJ2A8');
        if (event.type !== 'finish') continue;
        expect(event).toMatchObject({ reason: 'stop', rawReason: 'STOP' });
        expect(event.usage).toEqual({
          inputTokens: 100 + 65_636,
          outputTokens: 65_036 + 500 + 310,
          cachedInputTokens: 65_000,
          reasoningTokens: 500,
        });
      }
      expect(types).toEqual(['start', 'text', 'text', 'text', 'finish']);
      expect(texts.join('')).toBe('Chapter one ends here. Chapter two.');
      expect(scene.upstream.requests.map((one) => one.path)).toEqual([path, path]);
      expect(scene.sent(1)).toEqual({ ...(scene.sent(0) as object), continuationToken: 'Q29udGludWUx' });
    });

    it('is of unknown usage when one of its requests is', async () => {
      scene.upstream.enqueue(first ?? silence, answer(ended('STOP')));
      expect(await scene.answered()).not.toHaveProperty('usage');
    });

    it('is of unknown usage when its first request is', async () => {
      const more = { candidates: [{ finishReason: 'CONTINUATION', continuationToken: 't' }] };
      scene.upstream.enqueue(answer(said('a'), more), second ?? silence);
      expect(await scene.answered()).not.toHaveProperty('usage');
    });

    it('is not asked for beyond the tokens that the caller allows', async () => {
      const spent = { candidates: [{ finishReason: 'MAX_TOKENS', continuationToken: 't' }] };
      scene.upstream.enqueue(answer(said('a'), spent));
      expect(await scene.answered()).toMatchObject({ reason: 'length', rawReason: 'MAX_TOKENS' });
      expect(scene.upstream.requests).toHaveLength(1);
    });

    it('ends for its length when there is no token to go on with, or the same one again', async () => {
      scene.upstream.enqueue(answer(said('a'), ended('CONTINUATION')));
      expect(await scene.answered()).toMatchObject({ reason: 'length', rawReason: 'CONTINUATION' });
      scene.upstream.enqueue(first ?? silence, first ?? silence);
      expect(await scene.answered()).toMatchObject({ reason: 'length', rawReason: 'CONTINUATION' });
      expect(scene.upstream.requests).toHaveLength(3);
    });

    it('is not asked for beyond what a window holds', async () => {
      const endless = Array.from({ length: 70 }, (_, index) =>
        answer({ candidates: [{ finishReason: 'CONTINUATION', continuationToken: `t${index}` }] }),
      );
      scene.upstream.enqueue(...endless);
      expect(await scene.answered()).toMatchObject({ reason: 'length' });
      expect(scene.upstream.requests).toHaveLength(64);
    });

    it('is not whole when a later request fails', async () => {
      scene.upstream.enqueue(first ?? silence, json({ error: { status: 'UNAVAILABLE' } }, { status: 503 }));
      await expect(scene.answered()).rejects.toMatchObject({ code: 'overloaded', status: 503 });
      scene.upstream.enqueue(first ?? silence, (exchange) => exchange.cut());
      await expect(scene.answered()).rejects.toMatchObject({ code: 'invalid_response', truncated: true });
      scene.upstream.enqueue(first ?? silence, answer(said('half')));
      await expect(scene.answered()).rejects.toMatchObject({ code: 'invalid_response', truncated: true });
    });
  });
});
