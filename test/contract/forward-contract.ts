import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cut, json, silence, splitAt, stream, type Script } from '../../bench/upstream/scripts.js';
import type { Connection } from '../../src/llm-providers/contract/connection.js';
import type { ForwardEvent, ForwardRequest } from '../../src/llm-providers/contract/forward.js';
import type { TokenUsage } from '../../src/llm-providers/contract/generate-event.js';
import type { ModelProvider } from '../../src/llm-providers/contract/model-provider.js';
import type { ProviderErrorCode } from '../../src/llm-providers/contract/provider-error.js';
import { ProviderScene } from '../support/provider-scene.js';
import { expectNoLeak } from './stream-run.js';

export interface ForwardContract {
  makeProvider(): ModelProvider;
  connection(upstreamUrl: string): Connection;
  /** A request that is streamed, and one that is not. */
  readonly streamed: ForwardRequest;
  readonly whole: ForwardRequest;
  /** What the vendor streams, what the program gets of it, and what it says was used. */
  readonly answer: { readonly bytes: Uint8Array; readonly seen: string; readonly usage: TokenUsage };
  readonly wholeAnswer: { readonly body: object; readonly usage: TokenUsage };
  /** The end of the stream, by which the vendor says that it is complete. */
  readonly terminator: string;
  /** An error that the vendor reports after output began. */
  readonly errorInStream: { readonly bytes: string; readonly code: ProviderErrorCode };
}

interface Run {
  readonly types: readonly ForwardEvent['type'][];
  readonly seen: string;
  readonly finish: ForwardEvent | undefined;
  readonly error: unknown;
}

async function run(events: AsyncIterable<ForwardEvent>): Promise<Run> {
  const all: ForwardEvent[] = [];
  let error: unknown;
  try {
    for await (const event of events) all.push(event);
  } catch (caught) {
    error = caught;
  }
  const pieces = all.map((event) => (event.type === 'bytes' ? event.bytes : new Uint8Array()));
  const seen = Buffer.concat(pieces).toString();
  const finish = all.find(({ type }) => type === 'finish');
  return { types: [...new Set(all.map(({ type }) => type))], seen, finish, error };
}

/** What an adapter promises that passes on what programs say, and what the vendor answers (contract/forward.ts). */
export function describeForwardContract(name: string, contract: ForwardContract): void {
  describe(`${name} passes on:`, () => {
    const { streamed, whole, answer, wholeAnswer, terminator, errorInStream } = contract;
    const scene = new ProviderScene({
      ...contract,
      request: { model: streamed.model, messages: [] },
    }).register();

    function forwarded(request = streamed, script?: Script): AsyncIterable<ForwardEvent> {
      if (script !== undefined) scene.upstream.enqueue(script);
      const { provider } = scene;
      if (provider.forward === undefined) throw new Error('passes nothing on');
      return provider.forward(request, scene.call());
    }

    const good = { types: ['start', 'bytes', 'finish'], seen: answer.seen, error: undefined };
    const finish = { type: 'finish', usage: answer.usage };

    it('the same bytes, however they were cut', async () => {
      const cuts = fc.array(fc.nat({ max: answer.bytes.length }), { maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(cuts, async (places) => {
          const script = stream(splitAt(answer.bytes, places));
          expect(await run(forwarded(streamed, script))).toEqual({ ...good, finish });
        }),
        { numRuns: 60 },
      );
      const bytes = Array.from(answer.bytes.keys());
      expect(await run(forwarded(streamed, stream(splitAt(answer.bytes, bytes))))).toEqual({
        ...good,
        finish,
      });
    });

    it('an answer that is no stream, as it is', async () => {
      const { seen, ...rest } = await run(forwarded(whole, json(wholeAnswer.body)));
      expect(JSON.parse(seen)).toEqual(wholeAnswer.body);
      expect(rest).toMatchObject({ error: undefined, finish: { usage: wholeAnswer.usage } });
    });

    it('nothing after the terminator, for which it does not wait', async () => {
      const script = stream([answer.bytes, 'data: {"late":true}\n\n'], { ending: 'stall' });
      expect(await run(forwarded(streamed, script))).toEqual({ ...good, finish });
    });

    it.each(['end', 'half-close'] as const)('no end (%s) without terminator', async (ending) => {
      const length = answer.bytes.length - Buffer.byteLength(terminator);
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: length }), async (until) => {
          const script = stream([answer.bytes.subarray(0, until)], { ending });
          const { types, seen, error } = await run(forwarded(streamed, script));
          expect(types).not.toContain('finish');
          expect(answer.seen.startsWith(seen)).toBe(true);
          expect(error).toMatchObject({ name: 'ProviderError', truncated: types.includes('bytes') });
        }),
        { numRuns: 30 },
      );
    });

    it('no error of the vendor, but throws it', async () => {
      const { types, error } = await run(forwarded(streamed, stream([errorInStream.bytes])));
      expect(types).toEqual(['start', 'bytes']);
      expect(error).toMatchObject({ name: 'ProviderError', code: errorInStream.code, truncated: false });
      expectNoLeak(error);
    });

    it.each<[string, Script, object]>([
      [
        'a refusal',
        json({ error: { message: 'x' } }, { status: 400 }),
        { code: 'invalid_request', status: 400 },
      ],
      [
        'a limit',
        json({ error: { message: 'x' } }, { status: 429, headers: { 'retry-after': '7' } }),
        { code: 'rate_limit', retryAfterMs: 7000 },
      ],
      ['a broken server', json('x', { status: 500 }), { retryable: true, status: 500 }],
      ['a cut', cut, { code: 'network', retryable: true }],
      [
        'what is no answer',
        stream(['<html>'], { headers: { 'content-type': 'text/html' } }),
        { code: 'invalid_response' },
      ],
      [
        'an event that does not end',
        stream(['data: ', 'x'.repeat(2 * 1024 ** 2)], { ending: 'stall' }),
        { code: 'invalid_response' },
      ],
    ])('nothing before it fails: %s', async (_name, script, expected) => {
      const { types, error } = await run(forwarded(streamed, script));
      expect(types).toEqual([]);
      expect(error).toMatchObject({ name: 'ProviderError', truncated: false, ...expected });
      expectNoLeak(error);
    });

    it.each([
      ['before the headers', silence],
      [
        'in the middle',
        stream([answer.bytes.subarray(0, Math.floor(answer.bytes.length / 2))], { ending: 'stall' }),
      ],
    ])('nothing when the caller leaves %s, and closes the socket', async (_name, script) => {
      const reason = new Error('gone');
      const running = run(forwarded(streamed, script));
      const exchange = await scene.upstream.nextExchange();
      scene.abort.abort(reason);
      await exchange.closed;
      expect((await running).error).toBe(reason);
    });

    it('answers over sockets that go back to the pool', async () => {
      const sockets = new Set<number | undefined>();
      for (let count = 0; count < 4; count += 1) {
        await run(forwarded(streamed, stream([answer.bytes])));
        sockets.add((await scene.upstream.nextExchange()).socketId);
        await setTimeout(0);
      }
      expect(sockets.size).toBeLessThan(4);
    });
  });
}
