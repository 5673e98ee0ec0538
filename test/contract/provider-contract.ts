import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Exchange } from '../../bench/upstream/exchange.js';
import { Gate } from '../../bench/upstream/gate.js';
import {
  cut,
  json,
  type ReplyOptions,
  type Script,
  silence,
  stream,
  type StreamOptions,
} from '../../bench/upstream/scripts.js';
import { collect } from '../../src/llm-providers/contract/collect.js';
import type { Connection } from '../../src/llm-providers/contract/connection.js';
import type { GenerateEvent } from '../../src/llm-providers/contract/generate-event.js';
import type { GenerateRequest } from '../../src/llm-providers/contract/generate-request.js';
import type { ModelProvider } from '../../src/llm-providers/contract/model-provider.js';
import type { ProviderErrorCode } from '../../src/llm-providers/contract/provider-error.js';
import { ProviderScene } from '../support/provider-scene.js';
import { itReadsTheSameHoweverCut } from './rechunking.js';
import { expectNoLeak, readOn, run, upstreamCanary } from './stream-run.js';

export interface ProviderContract {
  makeProvider(): ModelProvider;
  /** Its credential, where the vendor has one, is `credentialCanary`. */
  connection(upstreamUrl: string): Connection;
  readonly request: GenerateRequest;
  /** For adapters that speak HTTP. */
  readonly http?: HttpContract;
}

export interface HttpContract {
  /** Of the streams; `text/event-stream` by default. */
  readonly contentType?: string;
  /** Recorded streams and what they mean; the first is plain text with usage. */
  readonly recordings: readonly [Recording, ...Recording[]];
  /** The text of the first recording, without usage. */
  readonly withoutUsage: Uint8Array;
  /** The first recording, with things that the adapter does not know in between. */
  readonly withUnknownKinds: Uint8Array;
  /** Streams in which something known is not of its type. */
  readonly invalid: readonly (readonly [name: string, bytes: Uint8Array])[];
  /** An error that the vendor reports after output began. */
  readonly errorInStream: { readonly bytes: Uint8Array; readonly code: ProviderErrorCode };
  /** How the vendor says that the answer is complete: the end of each recording. */
  readonly terminator: string;
  readonly refusals: readonly Refusal[];
}

export interface Recording {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly events: readonly GenerateEvent[];
}

export interface Refusal {
  readonly name: string;
  /** Should contain `upstreamCanary`. */
  readonly body: unknown;
  readonly answer: ReplyOptions;
  readonly expected: {
    readonly code: ProviderErrorCode;
    readonly retryable: boolean;
    readonly retryAfterMs?: number;
  };
}

/** What every spec below works with. */
class Bench extends ProviderScene {
  constructor(readonly contract: ProviderContract) {
    super(contract);
  }

  /** Answers with these pieces of a stream, as the vendor does. */
  stream(pieces: readonly (Uint8Array | string)[], options: StreamOptions = {}): Script {
    const { contentType = 'text/event-stream' } = this.contract.http ?? {};
    return stream(pieces, { headers: { 'content-type': contentType }, ...options });
  }

  /** Streams the answer of this script. */
  events(script?: Script): AsyncIterable<GenerateEvent> {
    if (script !== undefined) this.upstream.enqueue(script);
    return this.provider.stream(this.contract.request, this.call());
  }
}

/**
 * The promises of models.md, on one adapter. An adapter that speaks HTTP does so to a scripted upstream that replays
 * recorded answers; the others are held to the rest.
 */
export function describeProviderContract(name: string, contract: ProviderContract): void {
  describe(`${name} keeps the provider contract:`, () => {
    const bench = new Bench(contract);
    bench.register();
    const { http } = contract;
    describeAnswers(bench, http);
    if (http === undefined) return;
    describeRecordings(bench, http);
    describeFailuresBeforeOutput(bench, http);
    describeTruncation(bench, http);
    describeHangingUp(bench, http);
    describeOtherCalls(bench);
  });
}

function describeAnswers(bench: Bench, http: HttpContract | undefined): void {
  const answer = (): AsyncIterable<GenerateEvent> =>
    bench.events(http && bench.stream([http.recordings[0].bytes]));

  it('starts once and first, finishes once and last', async () => {
    const { events, error } = await run(answer());
    expect(error).toBeUndefined();
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === 'start' || type === 'finish')).toEqual(['start', 'finish']);
    expect([types.at(0), types.at(-1)]).toEqual(['start', 'finish']);
  });

  it('says the same when it is collected', async () => {
    const { events } = await run(answer());
    const result = await collect(answer());
    expect(result.text).toBe(events.map((event) => (event.type === 'text' ? event.text : '')).join(''));
    expect(events.at(-1)).toMatchObject({
      reason: result.reason,
      rawReason: result.rawReason,
      usage: result.usage,
    });
  });

  it('calls nobody when the signal is aborted already, and throws its reason', async () => {
    const reason = new Error('gone');
    bench.abort.abort(reason);
    expect(await run(bench.events())).toEqual({ events: [], error: reason });
    expect(bench.upstream.requests).toEqual([]);
  });

  it('throws the reason of the signal when that aborts in the middle', async () => {
    const reason = new Error('enough');
    const { events, error } = await run(answer(), (event) => {
      if (event.type === 'text') bench.abort.abort(reason);
    });
    expect(error).toBe(reason);
    expect(events.map(({ type }) => type)).toEqual(['start', 'text']);
  });

  it('describes a model without asking anybody', () => {
    const { model } = bench.contract.request;
    expect(bench.provider.describeModel(model)).toMatchObject({ id: model, provider: bench.provider.kind });
    expect(bench.upstream.requests).toEqual([]);
  });
}

function describeRecordings(bench: Bench, http: HttpContract): void {
  const [text] = http.recordings;

  it.each(http.recordings)('replays $name', async ({ bytes, events }) => {
    expect(await run(bench.events(bench.stream([bytes])))).toEqual({ events, error: undefined });
  });

  it('ignores kinds and fields that it does not know', async () => {
    expect(await run(bench.events(bench.stream([http.withUnknownKinds])))).toEqual({
      events: text.events,
      error: undefined,
    });
  });

  it.each(http.invalid)('fails on %s', async (_name, bytes) => {
    const { events, error } = await run(bench.events(bench.stream([bytes])));
    expect(error).toMatchObject({ name: 'ProviderError', code: 'invalid_response', truncated: false });
    expect(events.map(({ type }) => type)).not.toContain('finish');
    expectNoLeak(error);
  });

  it('leaves usage out when the vendor does not tell it', async () => {
    const { events } = await run(bench.events(bench.stream([http.withoutUsage])));
    expect(events).toEqual([...text.events.slice(0, -1), expect.objectContaining({ type: 'finish' })]);
    expect(events.at(-1)).not.toHaveProperty('usage');
  });

  itReadsTheSameHoweverCut(http.recordings, async (pieces) => {
    const result = await run(bench.events(bench.stream(pieces)));
    await bench.upstream.nextExchange();
    return result;
  });
}

function describeFailuresBeforeOutput(bench: Bench, http: HttpContract): void {
  it.each([...http.refusals])('throws before start: $name', async ({ body, answer, expected }) => {
    const { events, error } = await run(bench.events(json(body, answer)));
    expect(events).toEqual([]);
    const { kind } = bench.provider;
    expect(error).toMatchObject({
      name: 'ProviderError',
      provider: kind,
      status: answer.status,
      truncated: false,
    });
    expect(error).toMatchObject(expected);
    expectNoLeak(error);
  });

  it('throws before start when the connection is cut', async () => {
    const { events, error } = await run(bench.events(cut));
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'network', retryable: true, truncated: false });
    expectNoLeak(error);
  });

  it('throws before start, and for good, when nothing may be sent there', async () => {
    const connection = bench.contract.connection('https://10.0.0.1');
    const { events, error } = await run(
      bench.provider.stream(bench.contract.request, { ...bench.call(), connection }),
    );
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'network', retryable: false, truncated: false });
    expectNoLeak(error);
  });

  it('throws before start when the stream is empty', async () => {
    const { events, error } = await run(bench.events(bench.stream([])));
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'invalid_response', retryable: true, truncated: false });
  });

  it('throws before start when the answer is no stream', async () => {
    const { events, error } = await run(bench.events(json({ [upstreamCanary]: true })));
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'invalid_response', retryable: false, truncated: false });
    expectNoLeak(error);
  });

  it('follows no redirect', async () => {
    const location = `${bench.upstream.url}/elsewhere`;
    const { error } = await run(bench.events(json({}, { status: 307, headers: { location } })));
    expect(error).toMatchObject({ code: 'invalid_response' });
    expect(bench.upstream.requests).toHaveLength(1);
  });
}

function describeTruncation(bench: Bench, http: HttpContract): void {
  const [text] = http.recordings;
  const untilTerminator = text.bytes.length - Buffer.byteLength(http.terminator);

  it.each(['end', 'half-close'] as const)(
    'takes no end (%s) without terminator for an answer',
    async (ending) => {
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: untilTerminator }), async (length) => {
          const bytes = text.bytes.subarray(0, length);
          const { events, error } = await run(bench.events(bench.stream([bytes], { ending })));
          const began = events.length > 0;
          expect(events).toEqual(text.events.slice(0, events.length));
          expect(events.map(({ type }) => type)).not.toContain('finish');
          // Without the end of the body, nothing tells a server that says no more from a broken network.
          const code =
            began || ending === 'end'
              ? 'invalid_response'
              : expect.stringMatching(/invalid_response|network/);
          expect(error).toMatchObject({ name: 'ProviderError', code, truncated: began });
        }),
        { numRuns: 50 },
      );
    },
  );

  it('keeps everything that came before the end', async () => {
    const { events } = await run(bench.events(bench.stream([text.bytes.subarray(0, untilTerminator)])));
    expect(events).toEqual(text.events.slice(0, -1));
  });

  it('takes a cut connection for a truncated answer', async () => {
    const gate = new Gate();
    const script = bench.stream([text.bytes.subarray(0, untilTerminator)], {
      ending: 'cut',
      gates: { 1: gate },
    });
    const { error } = await run(bench.events(script), (event) => {
      if (event.type === 'text') gate.open();
    });
    expect(error).toMatchObject({ code: 'invalid_response', retryable: true, truncated: true });
    expectNoLeak(error);
  });

  it('throws an error that the vendor reports in the stream', async () => {
    const { bytes, code } = http.errorInStream;
    const { events, error } = await run(bench.events(bench.stream([bytes])));
    expect(events[0]?.type).toBe('start');
    expect(error).toMatchObject({ name: 'ProviderError', code, truncated: false });
    expectNoLeak(error);
  });
}

function describeHangingUp(bench: Bench, http: HttpContract): void {
  const [text] = http.recordings;

  /** Says the first half of the text and then nothing more. */
  const stallInTheMiddle = bench.stream([text.bytes.subarray(0, Math.floor(text.bytes.length / 2))], {
    ending: 'stall',
  });

  async function startedStream(): Promise<[AsyncIterator<GenerateEvent>, Exchange]> {
    const iterator = bench.events(stallInTheMiddle)[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ type: 'start' });
    return [iterator, await bench.upstream.nextExchange()];
  }

  it('closes the socket on abort before the headers', async () => {
    const reason = new Error('gone');
    const running = run(bench.events(silence));
    const exchange = await bench.upstream.nextExchange();
    bench.abort.abort(reason);
    await exchange.closed;
    expect(await running).toEqual({ events: [], error: reason });
  });

  it('closes the socket on abort in the middle, even when nobody reads', async () => {
    const [iterator, exchange] = await startedStream();
    const reason = new Error('gone');
    bench.abort.abort(reason);
    await exchange.closed;
    await expect(readOn(iterator)).rejects.toBe(reason);
  });

  it('closes the socket when the reader leaves', async () => {
    const [iterator, exchange] = await startedStream();
    await iterator.return?.();
    await exchange.closed;
  });

  it('gives the socket back to the pool when the body ends after the answer', async () => {
    const sockets = new Set<number | undefined>();
    let previous = new Gate();
    for (let count = 0; count < 5; count += 1) {
      const gate = new Gate();
      await run(bench.events(bench.stream([text.bytes], { gates: { 1: gate } })));
      sockets.add((await bench.upstream.nextExchange()).socketId);
      previous.open();
      previous = gate;
    }
    expect(sockets.size).toBeLessThan(5);
    previous.open();
  });

  it('closes what it keeps for connections that are gone, and nothing else', async () => {
    bench.upstream.enqueue(json({}, { status: 401 }));
    const call = bench.call();
    await expect(bench.provider.verify(call)).rejects.toThrow();
    const exchange = await bench.upstream.nextExchange();
    bench.provider.retain?.((id) => id === call.connection.id);
    expect(exchange.isClosed).toBe(false);
    bench.provider.retain?.((id) => id !== call.connection.id);
    // By itself it does so after 4 s.
    await Promise.race([exchange.closed, setTimeout(2000, undefined, { ref: false })]);
    expect(exchange.isClosed).toBe(true);
  });

  it('finishes at the terminator, though the body goes on', async () => {
    const { events, error } = await run(bench.events(bench.stream([text.bytes], { ending: 'stall' })));
    expect({ events, error }).toEqual({ events: text.events, error: undefined });
  });

  it('refuses a line that does not end', async () => {
    const running = run(
      bench.events(bench.stream(['data: "', 'x'.repeat(4 * 1024 * 1024)], { ending: 'stall' })),
    );
    const exchange = await bench.upstream.nextExchange();
    await exchange.closed;
    expect((await running).error).toMatchObject({ code: 'invalid_response', truncated: false });
  });

  it.each([
    ['before the headers', silence],
    ['in the middle', stallInTheMiddle],
  ])('gives up on a vendor that falls silent %s', async (_name, script) => {
    const { connection } = bench.call();
    const timeouts = { ...connection.timeouts, headersMs: 50, idleMs: 50 };
    const call = { ...bench.call(), connection: { ...connection, timeouts } };
    bench.upstream.enqueue(script);
    const { error } = await run(bench.provider.stream(bench.contract.request, call));
    expect(error).toMatchObject({ code: 'timeout', retryable: true, truncated: false });
    await (
      await bench.upstream.nextExchange()
    ).closed;
  });
}

function describeOtherCalls(bench: Bench): void {
  it('throws the reason of the signal while it waits for any other answer, and closes the socket', async () => {
    const reason = new Error('gone');
    bench.upstream.enqueue(silence);
    const verifying = bench.provider.verify(bench.call());
    const exchange = await bench.upstream.nextExchange();
    bench.abort.abort(reason);
    await expect(verifying).rejects.toBe(reason);
    await exchange.closed;
  });

  it('cannot verify a connection to nobody', async () => {
    const verifying = bench.provider.verify(bench.callNobody());
    await expect(verifying).rejects.toMatchObject({ code: 'network', retryable: true });
  });

  it('never speaks plain http to a host that is not trusted', async () => {
    const verifying = bench.provider.verify(bench.call({ baseUrl: 'http://example.com' }));
    await expect(verifying).rejects.toMatchObject({ code: 'network', retryable: false });
  });
}
