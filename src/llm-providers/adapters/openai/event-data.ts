import { createParser } from 'eventsource-parser';
import { UnexpectedShapeError } from '../../json-shape.js';

/** Characters of one event. A chunk has a few hundred; a vendor that never ends a line must not eat our memory. */
const maxEventLength = 1024 * 1024;
/** After the terminator the body normally ends at once, and the socket can serve the next request. */
const drainMs = 1000;

/**
 * The data of each event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html), of the kinds
 * that OpenAI's chat stream has: unnamed, and `error`. After `terminator` the socket goes back to its pool; when the
 * iteration ends before that, the socket is closed.
 * @throws UnexpectedShapeError when an event is longer than 1 Mi characters, and whatever reading throws.
 */
export async function* eventData(
  body: ReadableStream<Uint8Array>,
  terminator: string,
): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const events = new EventBuffer();
  let terminated = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const data of events.add(value)) {
        terminated ||= data === terminator;
        yield data;
      }
      if (events.overflown)
        throw new UnexpectedShapeError('event', `at most ${maxEventLength} characters long`);
    }
  } finally {
    void (terminated ? drain(reader) : reader.cancel()).catch(() => undefined);
  }
}

class EventBuffer {
  overflown = false;
  private arrived: string[] = [];
  private readonly decoder = new TextDecoder();
  private readonly parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: ({ event, data }) => {
      if (event === undefined || event === 'message' || event === 'error') this.arrived.push(data);
    },
    onError: ({ type }) => {
      this.overflown ||= type === 'max-buffer-size-exceeded';
    },
  });

  /** Takes bytes cut anywhere, and gives the data of the events that they complete. */
  add(bytes: Uint8Array): readonly string[] {
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
