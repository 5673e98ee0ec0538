import type { Response } from 'express';
import type { NumberedEvent } from '../../generation/generation-event.js';
import type { AnswerStream } from '../../generation/live-stream.js';
import {
  sendEventStream,
  type EventStreamOptions as StreamOptions,
} from '../../infrastructure/http/event-stream.js';
import { goneFrom, refusalOf } from '../reading.js';

/** One event in the grammar of conversations.md, Native event stream. JSON keeps newlines of the text inside the data line. */
export function encodeEvent(messageId: string, { number, event }: NumberedEvent): string {
  const { type, ...payload } = event;
  const data = type === 'close' ? {} : { messageId, ...payload };
  return `id: ${messageId}:${number}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export interface EventStreamOptions extends Omit<StreamOptions<NumberedEvent>, 'encode' | 'refuse'> {
  readonly messageId: string;
  /** The number of the last event that the reader has; 0 for none. */
  readonly after: number;
}

/** As `sendEventStream`, what comes after what the reader has; one who may not read on is told by an `error` event. */
export function sendEvents(
  response: Response,
  stream: AnswerStream,
  { messageId, after, ...options }: EventStreamOptions,
): Promise<void> {
  // Numbered as the last event that was read: whoever resumes misses nothing.
  let sent = after;
  return sendEventStream(response, stream.follow(after, goneFrom(response, options.ended)), {
    ...options,
    encode: (event) => {
      sent = event.number;
      return encodeEvent(messageId, event);
    },
    refuse: (reason) => encodeRefusal(messageId, sent, reason),
  });
}

function encodeRefusal(messageId: string, number: number, reason: unknown): string {
  const { code, message } = refusalOf(reason);
  const error = { type: 'error', code, message, retryable: false } as const;
  return (
    encodeEvent(messageId, { number, event: error }) +
    encodeEvent(messageId, { number, event: { type: 'close' } })
  );
}
