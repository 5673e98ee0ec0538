import { brokenFile } from './broken-file.js';

const nothing = Buffer.alloc(0);

/** Bytes that arrive in chunks of any size, taken in amounts that are asked for. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = nothing;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.source = chunks[Symbol.asyncIterator]();
  }

  /** @throws DomainError IMPORT_FILE_BROKEN when there are fewer */
  async exactly(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0;) {
      const piece = await this.upTo(left);
      pieces.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /**
   * Some of the next bytes, one at least.
   * @throws DomainError IMPORT_FILE_BROKEN when there are none
   */
  async upTo(count: number): Promise<Buffer> {
    const chunk = await this.next();
    if (chunk === undefined) throw brokenFile('truncated');
    if (chunk.length <= count) return chunk;
    this.putBack(chunk.subarray(count));
    return chunk.subarray(0, count);
  }

  /** Reads to the end and answers the last bytes of it, `head` being in front of them. */
  async tail(head: Buffer, count: number): Promise<Buffer> {
    let tail = head;
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      tail = Buffer.concat([tail, chunk]).subarray(-count);
    }
    return tail;
  }

  /** To be read next. */
  putBack(bytes: Buffer): void {
    this.rest = bytes;
  }

  private async next(): Promise<Buffer | undefined> {
    if (this.rest.length > 0) {
      const { rest } = this;
      this.rest = nothing;
      return rest;
    }
    for (;;) {
      const next = await this.source.next();
      if (next.done === true) return undefined;
      if (next.value.length > 0) return next.value;
    }
  }
}
