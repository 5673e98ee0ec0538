import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { UnexpectedShapeError } from './json-shape.js';

/** Characters of one event. Most have a few hundred; a vendor that never ends a line must not eat our memory. */
const maxEventLength = 1024 * 1024;
/** After the last event the body normally ends at once, and the socket can serve the next request. */
const drainMs = 1000;

/**
 * The body of an answer that must be an event stream.
 * @throws UnexpectedShapeError when it is something else; its body is then let go.
 */
export function eventStreamOf(response: Response): ReadableStream<Uint8Array> {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !/^text\/event-stream\b/i.test(type)) {
    void response.body?.cancel().catch(() => undefined);
    throw new UnexpectedShapeError('response', 'an event stream');
  }
  return response.body;
}

/**
 * The events of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html. After the last one the socket goes back to its
 * pool; when the iteration ends before that, the socket is closed.
 * @param isLast whether this event is the vendor's terminator
 * @throws UnexpectedShapeError when an event is longer than 1 Mi characters, and whatever reading throws.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
  isLast: (event: EventSourceMessage) => boolean,
): AsyncGenerator<EventSourceMessage, void, undefined> {
  const reader = body.getReader();
  const events = new EventBuffer();
  let terminated = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of events.add(value)) {
        terminated ||= isLast(event);
        yield event;
      }
      if (events.overflown) {
        throw new UnexpectedShapeError('event', `at most ${maxEventLength} characters long`);
      }
    }
  } finally {
    void (terminated ? drain(reader) : reader.cancel()).catch(() => undefined);
  }
}

class EventBuffer {
  overflown = false;
  private arrived: EventSourceMessage[] = [];
  private readonly decoder = new TextDecoder();
  private readonly parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: (event) => this.arrived.push(event),
    onError: ({ type }) => {
      this.overflown ||= type === 'max-buffer-size-exceeded';
    },
  });

  /** Takes bytes cut anywhere, and gives the events that they complete. */
  add(bytes: Uint8Array): readonly EventSourceMessage[] {
    this.arrived = [];
    this.parser.feed(this.decoder.decode(bytes, { stream: true }));
    return this.arrived;
  }
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), drainMs).unref();
  try {
    while (!(await reader.read()).done);
  } finally {
    clearTimeout(timer);
  }
}
