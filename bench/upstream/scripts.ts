import { setTimeout } from 'node:timers/promises';
import type { Exchange } from './exchange.js';
import type { Gate } from './gate.js';

/** What the upstream does with one request. */
export type Script = (exchange: Exchange) => Promise<void> | void;

export interface ReplyOptions {
  /** 200 by default. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** `end`s the body by default; may also half-close the connection, cut it, or stay silent. */
  readonly ending?: 'end' | 'half-close' | 'cut' | 'stall';
}

export interface StreamOptions extends ReplyOptions {
  /** Milliseconds before each piece. */
  readonly intervalMs?: number;
  /** Gates by the index of the piece that each one holds back; one at the number of pieces holds back the ending. */
  readonly gates?: Readonly<Record<number, Gate>>;
}

/** Answers with JSON. */
export function json(body: unknown, { status = 200, headers = {} }: ReplyOptions = {}): Script {
  return (exchange) =>
    reply(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })(
      exchange,
    );
}

/** Answers with these bytes in one piece. */
function reply(body: Uint8Array | string, options: ReplyOptions = {}): Script {
  return stream([body], options);
}

/** Answers with an event stream (unless the headers say otherwise), each piece an HTTP chunk of its own. */
export function stream(pieces: readonly (Uint8Array | string)[], options: StreamOptions = {}): Script {
  const { status = 200, headers = {}, ending = 'end', intervalMs = 0, gates = {} } = options;
  return async (exchange) => {
    exchange.head(status, { 'content-type': 'text/event-stream', ...headers });
    for (const [index, piece] of pieces.entries()) {
      await gates[index]?.opened;
      if (intervalMs > 0) await setTimeout(intervalMs);
      if (exchange.isClosed) return;
      await exchange.write(piece);
    }
    await gates[pieces.length]?.opened;
    finish(exchange, ending);
  };
}

/** Takes the request and never says a word. */
export const silence: Script = () => undefined;

/** Cuts the connection instead of answering. */
export const cut: Script = (exchange) => exchange.cut();

/** Bytes split at these offsets; empty pieces are left out. */
export function splitAt(bytes: Uint8Array, offsets: readonly number[]): readonly Uint8Array[] {
  const bounds = [0, ...[...offsets].sort((a, b) => a - b), bytes.length];
  return bounds
    .slice(1)
    .map((end, index) => bytes.subarray(bounds[index], end))
    .filter((piece) => piece.length > 0);
}

function finish(exchange: Exchange, ending: NonNullable<ReplyOptions['ending']>): void {
  switch (ending) {
    case 'end':
      exchange.end();
      break;
    case 'half-close':
      exchange.halfClose();
      break;
    case 'cut':
      exchange.cut();
      break;
    case 'stall':
      break;
  }
}
