import type { Response } from 'express';
import type { NumberedEvent } from '../../generation/generation-event.js';
import type { AnswerStream } from '../../generation/live-stream.js';
import { sendEventStream, type EventStreamOptions } from '../../infrastructure/http/event-stream.js';
import { goneFrom } from '../reading.js';
import { UiMessageEncoder } from './ui-message-encoder.js';

export interface UiMessageStreamOptions extends Omit<EventStreamOptions<NumberedEvent>, 'encode' | 'refuse'> {
  /** As the front end is to know the answer. */
  readonly messageId: string;
}

/** As `sendEventStream`, an answer from its start as a UI message stream. */
export function sendUiMessage(
  response: Response,
  stream: AnswerStream,
  { messageId, ...options }: UiMessageStreamOptions,
): Promise<void> {
  response.setHeader('x-vercel-ai-ui-message-stream', 'v1');
  const encoder = new UiMessageEncoder(messageId);
  const events = stream.follow(0, goneFrom(response, options.ended));
  return sendEventStream(response, cutOffUnlessClosed(response, events), {
    ...options,
    encode: (event) => encoder.encode(event),
    refuse: (reason) => encoder.refuse(reason),
  });
}

/** A stream that ends before the answer does is broken, not ended: the stock client takes every end in good order for that of the answer. */
async function* cutOffUnlessClosed(
  response: Response,
  events: AsyncIterable<NumberedEvent>,
): AsyncGenerator<NumberedEvent, void, undefined> {
  let isClosed = false;
  for await (const event of events) {
    isClosed = event.event.type === 'close';
    yield event;
  }
  if (!isClosed && !response.writableEnded) response.destroy();
}
