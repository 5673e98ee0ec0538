import type { Readable } from 'node:stream';
import { UnexpectedShapeError } from '../../json-shape.js';

/** Bytes of one line. Most have a few hundred; a call of a tool comes whole and may carry a document. */
const maxLineBytes = 2 * 1024 * 1024;
/** After the last line the body normally ends at once, and the socket can serve the next request. */
const drainMs = 1000;
const lineFeed = 0x0a;

/**
 * A body of lines: https://docs.ollama.com/api/streaming. Each ends with a line feed, the last one perhaps with the body; what is then no
 * whole JSON is cut off, and dropped.
 */
export class JsonLines {
  private terminated = false;

  constructor(private readonly body: Readable) {
    // Whoever reads is told of a failure; when nobody does any more, it must not end the process.
    body.on('error', () => undefined);
  }

  /**
   * Lines without their ends, as many at a time as arrive together. Ending the iteration closes the socket, unless `terminate` came before.
   * @throws UnexpectedShapeError when a line is too long, and whatever reading throws.
   */
  async *batches(): AsyncGenerator<readonly string[], void, undefined> {
    const lines = new LineBuffer();
    try {
      const pieces: AsyncIterable<Buffer> = this.body.iterator({ destroyOnReturn: false });
      for await (const piece of pieces) {
        const arrived = lines.add(piece);
        if (arrived.length > 0) yield arrived;
        if (lines.pendingBytes > maxLineBytes) {
          throw new UnexpectedShapeError('line', `at most ${maxLineBytes} bytes long`);
        }
      }
      const last = lines.rest();
      if (isWhole(last)) yield [last];
    } finally {
      if (this.terminated) drain(this.body);
      else this.body.destroy();
    }
  }

  /** That was the last line: the socket goes back to its pool. */
  terminate(): void {
    this.terminated = true;
  }
}

/** Lets a body go by, so that its socket can serve the next request; one that does not end is cut off. */
export function drain(body: Readable): void {
  const timer = setTimeout(() => body.destroy(), drainMs).unref();
  body.once('close', () => clearTimeout(timer));
  body.on('error', () => undefined).resume();
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** A line feed is a byte that no longer character of UTF-8 contains, so bytes are split before they are read as text. */
class LineBuffer {
  pendingBytes = 0;
  private pending: Buffer[] = [];

  /** Takes bytes cut anywhere, and gives the lines that they complete; empty ones are left out. */
  add(bytes: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      const line = this.take(bytes, start, end);
      if (line.trim() !== '') lines.push(line);
      start = end + 1;
    }
    if (start < bytes.length) {
      this.pending.push(start === 0 ? bytes : bytes.subarray(start));
      this.pendingBytes += bytes.length - start;
    }
    return lines;
  }

  /** What came after the last line feed. */
  rest(): string {
    return this.take(Buffer.alloc(0), 0, 0);
  }

  private take(bytes: Buffer, start: number, end: number): string {
    if (this.pendingBytes === 0) return bytes.toString('utf8', start, end);
    const line = Buffer.concat([...this.pending, bytes.subarray(start, end)]).toString('utf8');
    this.pending = [];
    this.pendingBytes = 0;
    return line;
  }
}
