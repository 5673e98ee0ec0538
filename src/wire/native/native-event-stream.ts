import { once } from 'node:events';
import type { Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import type { NumberedEvent } from '../../generation/generation-event.js';

/** One event in the grammar of conversations.md, Native event stream. JSON keeps newlines of the text inside the data line. */
export function encodeEvent(messageId: string, { number, event }: NumberedEvent): string {
  const { type, ...payload } = event;
  const data = type === 'close' ? {} : { messageId, ...payload };
  return `id: ${messageId}:${number}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export interface EventStreamOptions {
  readonly messageId: string;
  /** A reader that takes nothing for this long is disconnected, in milliseconds. */
  readonly slowReaderTimeoutMs: number;
  /** Silence after which a comment is sent, in milliseconds; 15 s by the specification. */
  readonly pingAfterMs?: number;
  /** Ends the reading with an `error` event; its reason is the DomainError that says why. */
  readonly ended?: AbortSignal;
}

/**
 * Answers with events until they end, the reader goes away, or the reader may not read on; none of which ends anything but the
 * reading. Waits for a slow reader instead of buffering for it, and says `: ping` after 15 s of silence.
 */
export async function sendEvents(
  response: Response,
  events: AsyncIterable<NumberedEvent>,
  { messageId, slowReaderTimeoutMs, pingAfterMs = 15_000, ended }: EventStreamOptions,
): Promise<void> {
  response.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const ping = setInterval(() => response.write(': ping\n\n'), pingAfterMs);
  let sent = 0;
  // Numbered as the last event that was read: whoever resumes misses nothing.
  const refuse = (): void => {
    clearInterval(ping);
    response.end(encodeRefusal(messageId, sent, ended?.reason));
  };
  ended?.addEventListener('abort', refuse, { once: true });
  try {
    for await (const event of events) {
      if (response.destroyed || response.writableEnded) return;
      ping.refresh();
      sent = event.number;
      if (!response.write(encodeEvent(messageId, event))) await drained(response, slowReaderTimeoutMs);
    }
    if (!response.writableEnded) response.end();
  } finally {
    clearInterval(ping);
    ended?.removeEventListener('abort', refuse);
  }
}

function encodeRefusal(messageId: string, number: number, reason: unknown): string {
  const { code, message } = reason instanceof DomainError ? reason : new DomainError('NOT_AUTHENTICATED');
  const error = { type: 'error', code, message, retryable: false } as const;
  return (
    encodeEvent(messageId, { number, event: error }) +
    encodeEvent(messageId, { number, event: { type: 'close' } })
  );
}

/** Returns when there is room again, or when the reader is gone; one that takes too long is sent away. */
async function drained(response: Response, timeoutMs: number): Promise<void> {
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
