import type { ReadName } from '../reference/arguments.js';
import type { ServerProcess } from './server-process.js';

export type { ReadName };

export type TargetName = 'floor' | 'bare Nest' | 'Parley' | 'Portkey';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StreamRequest extends HttpRequest {
  readonly body: string;
}

/** What one event of a stream says. */
export type StreamPiece =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end' }
  | { readonly type: 'failure'; readonly reason: string }
  | { readonly type: 'other' };

/** A server whose consumption is measured. */
export interface MeasuredServer {
  readonly name: TargetName;
  readonly server: ServerProcess;
  /** CPU time of helpers that work for this server only, ms: its Postgres. */
  helperCpuMs(): Promise<number>;
}

/** A server that streams, and how it wants to be asked. */
export interface StreamTarget extends MeasuredServer {
  /** Makes ready what `count` streams need, so that it is not measured: one request (POST) for each, which says `said`. */
  prepareStreams(count: number, said?: (index: number) => string): Promise<readonly StreamRequest[]>;
  /** Reads one event, without the blank line behind it. */
  readEvent(event: string): StreamPiece;
}

/** One of which lists are read, too. */
export interface Target extends StreamTarget {
  read(name: ReadName): HttpRequest;
}
