import { UnexpectedShapeError } from './json-shape.js';

/** Bytes of one event; as in event-stream.ts. */
const maxEventBytes = 1024 * 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** The empty line that ends an event has at most three bytes: so many of what came before may belong to it. */
const endBytes = 3;

/** Cuts the bytes of an event stream where its events end, and changes none of them. Looks at each byte once, however they come. */
export class ForwardedEvents {
  /** Of the event that has not ended yet. */
  private pieces: Buffer[] = [];
  private length = 0;
  private last: Buffer = Buffer.alloc(0);

  /**
   * @returns the events that the bytes complete, each with the empty line that ends it
   * @throws UnexpectedShapeError when an event is longer than 1 MiB
   */
  add(bytes: Uint8Array): Buffer[] {
    const arrived = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const events: Buffer[] = [];
    let from = 0;
    for (let end = this.endOf(arrived); end !== -1; end = endOfEvent(arrived, from)) {
      const event = arrived.subarray(from, end);
      events.push(from === 0 && this.length > 0 ? Buffer.concat([...this.pieces, event]) : event);
      from = end;
    }
    if (from > 0) this.forget();
    this.keep(arrived.subarray(from));
    return events;
  }

  /** Where the event under way ends in the bytes that have just come; its end may have begun before them. */
  private endOf(arrived: Buffer): number {
    const before = this.last.length;
    if (before === 0) return endOfEvent(arrived, 0);
    const seam = Buffer.concat([this.last, arrived.subarray(0, endBytes - 1)]);
    const end = endOfEvent(seam, 0);
    return end === -1 ? endOfEvent(arrived, 0) : end - before;
  }

  private forget(): void {
    this.pieces = [];
    this.length = 0;
    this.last = Buffer.alloc(0);
  }

  private keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.pieces.push(rest);
    this.length += rest.length;
    if (this.length > maxEventBytes) {
      throw new UnexpectedShapeError('event', `at most ${maxEventBytes} bytes long`);
    }
    const tail = rest.length >= endBytes ? rest : Buffer.concat([this.last, rest]);
    this.last = tail.subarray(-(endBytes - 1));
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
