import { UnexpectedShapeError } from './json-shape.js';

/** Bytes of one event; as in event-stream.ts. */
const maxEventBytes = 1024 * 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Cuts the bytes of an event stream where its events end, and changes none of them. */
export class ForwardedEvents {
  private rest: Buffer = Buffer.alloc(0);

  /** Whether a piece of an event is waiting for the rest of it. */
  get isInEvent(): boolean {
    return this.rest.length > 0;
  }

  /**
   * @returns the events that the bytes complete, each with the empty line that ends it
   * @throws UnexpectedShapeError when an event is longer than 1 MiB
   */
  add(bytes: Uint8Array): Buffer[] {
    const arrived = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const all = this.rest.length === 0 ? arrived : Buffer.concat([this.rest, arrived]);
    const events: Buffer[] = [];
    let from = 0;
    for (let end = endOfEvent(all, 0); end !== -1; end = endOfEvent(all, end)) {
      events.push(all.subarray(from, end));
      from = end;
    }
    this.rest = all.subarray(from);
    if (this.rest.length > maxEventBytes) {
      throw new UnexpectedShapeError('event', `at most ${maxEventBytes} bytes long`);
    }
    return events;
  }
}

/** Past the empty line that ends an event, whichever ends of lines there are; -1 when it is not there yet. */
function endOfEvent(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(lineFeed, from); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
    const next = bytes[at + 1];
    if (next === lineFeed) return at + 2;
    if (next === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
  }
  return -1;
}

/** What the `data` lines of an event say. */
export function dataOf(event: Buffer): string {
  return event
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
    .join('\n');
}
