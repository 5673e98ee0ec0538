import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { BytesEvent, ForwardEvent } from './contract/forward.js';
import type { TokenUsage } from './contract/generate-event.js';
import { ForwardedEvents } from './forwarded-events.js';
import { isRecord, JsonObject, UnexpectedShapeError } from './json-shape.js';
import { spokenIn } from './spoken-text.js';
import { estimateTokens } from './tokens/estimated-tokens.js';

/** After the terminator the body normally ends at once, and the socket can serve the next request. */
const drainMs = 1000;

/** What a program gets of an event stream. */
export interface Passed {
  readonly bytes: Buffer;
  /** As `BytesEvent`. */
  readonly tokens: number;
}

/** Reads along while an event stream is passed on. */
export interface StreamTap {
  /** As far as the vendor has told. */
  readonly usage: TokenUsage | undefined;
  /** The vendor has said that the answer is complete: nothing that follows is passed on. */
  readonly isOver: boolean;
  /**
   * @param event of the stream, whole
   * @returns what the program gets now, of this one and of those that were held back; undefined for nothing yet
   * @throws whatever its vendor's `toProviderError` understands, when the event is an error or is not valid
   */
  pass(event: Buffer): Passed | undefined;
}

/** How a vendor answers a request of one protocol. */
export interface ForwardedProtocolAnswer {
  /** Undefined where the answer is no stream. */
  readonly tap: StreamTap | undefined;
  /**
   * The usage of an answer that is no stream.
   * @throws UnexpectedShapeError when it is no such answer, and what the vendor's `toProviderError` understands when it is an error
   */
  readonly usageOf: (answer: JsonObject, said: unknown) => TokenUsage | undefined;
  /** An answer that is no stream as the program is to get it; undefined for as it is. */
  readonly convert?: (answer: object) => object | undefined;
  /** The failure of an answer of another status than 200. */
  readonly refusal: (status: number, body: object | undefined, headers: Headers) => Error;
  /** The failure of a stream that ends before the vendor said that it is complete. */
  readonly unfinished: () => Error;
}

/** The answer to a request that was passed on, while it comes. */
export class ForwardedAnswer {
  /** Whether anything of it has been passed on. */
  outputBegan = false;

  constructor(
    private readonly response: Dispatcher.ResponseData,
    private readonly requestId: string | undefined,
  ) {
    // Whoever reads is told. One that is destroyed says so once more, to nobody: unheard, that would end the process.
    response.body.on('error', () => undefined);
  }

  /**
   * Ending the iteration early closes the connection.
   * @throws what `protocol` makes, UnexpectedShapeError, SyntaxError, and whatever reading throws
   */
  async *events(protocol: ForwardedProtocolAnswer): AsyncGenerator<ForwardEvent, void, undefined> {
    const { statusCode, headers, body } = this.response;
    const { tap } = protocol;
    try {
      if (statusCode !== 200) {
        // Of one that is too large the status counts.
        const said = await body.text().catch(() => '');
        throw protocol.refusal(statusCode, parsed(said), toHeaders(headers));
      }
      const type = String(headers['content-type'] ?? '');
      if (!(tap === undefined ? /^application\/json\b/i : /^text\/event-stream\b/i).test(type)) {
        throw new UnexpectedShapeError('response', tap === undefined ? 'JSON' : 'an event stream');
      }
      if (tap === undefined) yield* this.whole(protocol);
      else yield* this.stream(tap, protocol);
    } finally {
      if (tap?.isOver === true) drain(body);
      else body.destroy();
    }
  }

  private async *whole({
    usageOf,
    convert,
  }: ForwardedProtocolAnswer): AsyncGenerator<ForwardEvent, void, undefined> {
    const arrived = await this.response.body.bytes();
    const answer: unknown = JSON.parse(Buffer.from(arrived).toString('utf8'));
    const usage = usageOf(JsonObject.from(answer, 'response'), answer);
    const converted = isRecord(answer) ? convert?.(answer) : undefined;
    const bytes = converted === undefined ? arrived : Buffer.from(JSON.stringify(converted));
    yield this.start();
    yield { type: 'bytes', bytes, tokens: usage === undefined ? estimateTokens(spokenIn(answer)) : 0 };
    yield { type: 'finish', ...(usage === undefined ? {} : { usage }) };
  }

  private async *stream(
    tap: StreamTap,
    { unfinished }: ForwardedProtocolAnswer,
  ): AsyncGenerator<ForwardEvent, void, undefined> {
    const cut = new ForwardedEvents();
    for await (const piece of this.response.body.iterator({ destroyOnReturn: false })) {
      const { passed, failure } = passThrough(tap, cut.add(piece as Buffer)); // Bodies of undici are Buffers unless an encoding is set.
      if (passed !== undefined) {
        if (!this.outputBegan) yield this.start();
        yield passed;
      }
      if (failure !== undefined) throw failure.reason;
      if (tap.isOver) {
        const { usage } = tap;
        return yield { type: 'finish', ...(usage === undefined ? {} : { usage }) };
      }
    }
    throw unfinished();
  }

  private start(): ForwardEvent {
    this.outputBegan = true;
    return { type: 'start', ...(this.requestId === undefined ? {} : { requestId: this.requestId }) };
  }
}

interface PassedThrough {
  readonly passed: BytesEvent | undefined;
  readonly failure?: { readonly reason: unknown };
}

/** What came before a failure arrives all the same, however the network cut it. */
function passThrough(tap: StreamTap, events: readonly Buffer[]): PassedThrough {
  const shown: Buffer[] = [];
  let tokens = 0;
  const passed = (): BytesEvent | undefined =>
    shown.length === 0 ? undefined : { type: 'bytes', bytes: joined(shown), tokens };
  try {
    for (const event of events) {
      if (tap.isOver) break;
      const next = tap.pass(event);
      if (next === undefined) continue;
      shown.push(next.bytes);
      tokens += next.tokens;
    }
  } catch (reason) {
    return { passed: passed(), failure: { reason } };
  }
  return { passed: passed() };
}

function joined(events: readonly Buffer[]): Buffer {
  const [first] = events;
  return events.length === 1 && first !== undefined ? first : Buffer.concat(events);
}

/** Lets the socket go back to its pool. */
function drain(body: Dispatcher.ResponseData['body']): void {
  const limit = Number.MAX_SAFE_INTEGER;
  void body.dump({ limit, signal: AbortSignal.timeout(drainMs) }).catch(() => undefined);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export function toHeaders(headers: IncomingHttpHeaders): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all.set(name, String(value));
  }
  return all;
}
