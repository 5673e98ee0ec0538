import { once } from 'node:events';
import type { Response } from 'express';

export interface EventStreamOptions<Event> {
  /** The lines of one event, with the empty one that ends it. */
  readonly encode: (event: Event) => string | Uint8Array;
  /** A reader that takes nothing for this long is disconnected, in milliseconds. */
  readonly slowReaderTimeoutMs: number;
  /** Silence after which a comment is sent, in milliseconds; 15 s by the specification. */
  readonly pingAfterMs?: number | undefined;
  /** What is sent then. */
  readonly ping?: string | undefined;
  /** Ends the reading. */
  readonly ended?: AbortSignal | undefined;
  /** The last events for a reader who may not read on, by the reason of `ended`. */
  readonly refuse: (reason: unknown) => string;
}

/**
 * Answers with events until they end, the reader goes away, or the reader may not read on; none of which ends anything but the
 * reading. Waits for a slow reader instead of buffering for it, and says `ping` after 15 s of silence.
 */
export async function sendEventStream<Event>(
  response: Response,
  events: AsyncIterable<Event>,
  {
    encode,
    slowReaderTimeoutMs,
    pingAfterMs = 15_000,
    ping: pinged = ': ping\n\n',
    ended,
    refuse,
  }: EventStreamOptions<Event>,
): Promise<void> {
  response.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const ping = setInterval(() => response.write(pinged), pingAfterMs);
  const cutOff = (): void => {
    clearInterval(ping);
    response.end(refuse(ended?.reason));
  };
  ended?.addEventListener('abort', cutOff, { once: true });
  try {
    for await (const event of events) {
      if (response.destroyed || response.writableEnded) return;
      ping.refresh();
      if (!response.write(encode(event))) await drained(response, slowReaderTimeoutMs);
    }
    if (!response.writableEnded && !response.destroyed) response.end();
  } finally {
    clearInterval(ping);
    ended?.removeEventListener('abort', cutOff);
  }
}

/** Returns when there is room again, or when the reader is gone; one that takes too long is sent away. */
export async function drained(response: Response, timeoutMs: number): Promise<void> {
  const waiting = new AbortController();
  const tooSlow = setTimeout(() => response.destroy(), timeoutMs);
  const { signal } = waiting;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    clearTimeout(tooSlow);
    waiting.abort();
  }
}
