import { createInflateRaw, crc32, type InflateRaw } from 'node:zlib';
import { DomainError } from '../../common/domain-error.js';
import { brokenFile } from './broken-file.js';
import { ByteReader } from './byte-reader.js';

/** APPNOTE.TXT 6.3.10, sections 4.3 and 4.4. */
const signatures = {
  file: 0x04034b50,
  descriptor: 0x08074b50,
  centralDirectory: 0x02014b50,
  endOfDirectory: 0x06054b50,
} as const;
const flags = {
  encrypted: 0x0001,
  sizesFollow: 0x0008,
  strongEncryption: 0x0040,
  maskedHeader: 0x2000,
} as const;
const methods = { stored: 0, deflated: 8 } as const;
const zip64Field = 0x0001;
const elsewhere = 0xffffffff;
const endOfDirectoryBytes = 22;

/** What JSON unpacks to at most for each byte, once there is much of it; people's words come to ten. */
const maxRatio = 200;
const suspiciousBytes = 16 * 1024 ** 2;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly isZip64: boolean;
  /** Zero where `sizesFollow`. */
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

/** Counted while an entry is unpacked. */
interface Unpacked {
  crc: number;
  packed: number;
  size: number;
}

export interface ArchivedFile {
  readonly name: string;
  /** To be read to its end before the next file is asked for. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Unpacks an archive as it arrives, front to back, in bounded memory; nothing is written to disk and no name is used as a path. What is
 * unpacked is held against its checksum, and the archive has to have its end.
 */
export class ZipArchive {
  private readonly reader: ByteReader;
  private total = 0;

  constructor(
    chunks: AsyncIterable<Buffer>,
    private readonly options: {
      readonly isWanted: (name: string) => boolean;
      /** Of everything that has to be unpacked. */
      readonly maxBytes: number;
    },
  ) {
    this.reader = new ByteReader(chunks);
  }

  /**
   * The files that are wanted, in the order of the archive.
   * @throws DomainError IMPORT_FILE_BROKEN; PAYLOAD_TOO_LARGE for what unpacks to too much
   */
  async *files(): AsyncGenerator<ArchivedFile, void, undefined> {
    for (;;) {
      const signature = (await this.reader.exactly(4)).readUInt32LE();
      if (signature !== signatures.file) {
        await this.readDirectory(signature);
        return;
      }
      const entry = await this.readEntry();
      if (this.options.isWanted(entry.name)) {
        if ((entry.flags & (flags.encrypted | flags.strongEncryption | flags.maskedHeader)) !== 0) {
          throw brokenFile('encrypted');
        }
        yield { name: entry.name, bytes: this.unpack(entry) };
      } else await this.skip(entry);
    }
  }

  private async readEntry(): Promise<Entry> {
    const header = await this.reader.exactly(26);
    const name = await this.reader.exactly(header.readUInt16LE(22));
    const extra = await this.reader.exactly(header.readUInt16LE(24));
    const entry = {
      name: name.toString('utf8'),
      flags: header.readUInt16LE(2),
      method: header.readUInt16LE(4),
      crc: header.readUInt32LE(10),
      packed: header.readUInt32LE(14),
      size: header.readUInt32LE(18),
    };
    const large = zip64Of(extra);
    if (large === undefined) return { ...entry, isZip64: false };
    let offset = 0;
    const largeSize = (): number => {
      if (large.length < offset + 8) throw brokenFile('malformed_archive');
      offset += 8;
      return Number(large.readBigUInt64LE(offset - 8));
    };
    const size = entry.size === elsewhere ? largeSize() : entry.size;
    const packed = entry.packed === elsewhere ? largeSize() : entry.packed;
    return { ...entry, size, packed, isZip64: true };
  }

  private async *unpack(entry: Entry): AsyncGenerator<Buffer, void, undefined> {
    const unpacked: Unpacked = { crc: 0, packed: 0, size: 0 };
    for await (const chunk of this.content(entry, unpacked)) {
      unpacked.crc = crc32(chunk, unpacked.crc);
      unpacked.size += chunk.length;
      this.total += chunk.length;
      const isBomb = unpacked.size > suspiciousBytes && unpacked.size > maxRatio * unpacked.packed;
      if (isBomb || this.total > this.options.maxBytes) throw new DomainError('PAYLOAD_TOO_LARGE');
      yield chunk;
    }
    const { crc, packed, size } = await this.promised(entry, unpacked);
    if (crc !== unpacked.crc || packed !== unpacked.packed || size !== unpacked.size) {
      throw brokenFile('checksum');
    }
  }

  private content(entry: Entry, unpacked: Unpacked): AsyncIterable<Buffer> {
    if (entry.method === methods.deflated) return this.inflate(unpacked);
    // Where it ends, only its size could tell.
    if (entry.method === methods.stored && !sizesFollow(entry)) return this.stored(entry, unpacked);
    throw brokenFile('unsupported_archive');
  }

  private async *stored({ packed }: Entry, unpacked: Unpacked): AsyncGenerator<Buffer, void, undefined> {
    while (unpacked.packed < packed) {
      const chunk = await this.reader.upTo(packed - unpacked.packed);
      unpacked.packed += chunk.length;
      yield chunk;
    }
  }

  /** To its own end, which deflate knows (RFC 1951, section 3.2.3), and puts back what comes after it. */
  private async *inflate(unpacked: Unpacked): AsyncGenerator<Buffer, void, undefined> {
    const engine = createInflateRaw({ chunkSize: 65_536 });
    const feeding = this.feed(engine, unpacked);
    // Seen by whoever reads the engine, which it destroys.
    feeding.catch(() => undefined);
    try {
      yield* engine as AsyncIterable<Buffer>; // Which it is without an encoding.
      await feeding;
    } catch (error) {
      throw error instanceof DomainError ? error : brokenFile('malformed_archive', error);
    } finally {
      engine.destroy();
    }
  }

  /** Until something is left over: there is always something behind an entry. */
  private async feed(engine: InflateRaw, unpacked: Unpacked): Promise<void> {
    let goOn = (): void => undefined;
    engine.once('close', () => goOn());
    let fed = 0;
    try {
      for (let chunk: Buffer; !engine.destroyed && engine.bytesWritten === fed;) {
        chunk = await this.reader.upTo(Infinity);
        fed += chunk.length;
        await new Promise<void>((resolve) => {
          goOn = resolve;
          engine.write(chunk, () => resolve());
        });
        unpacked.packed = engine.bytesWritten;
        if (engine.bytesWritten < fed) this.reader.putBack(chunk.subarray(engine.bytesWritten - fed));
      }
    } catch (error) {
      engine.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  }

  /** What is promised of an entry: in front of it, or right behind it with a signature or without (section 4.3.9). */
  private async promised(entry: Entry, unpacked: Unpacked): Promise<Unpacked> {
    if (!sizesFollow(entry)) return entry;
    const first = await this.reader.exactly(4);
    const crc = first.readUInt32LE() === signatures.descriptor ? await this.reader.exactly(4) : first;
    const short = await this.reader.exactly(8);
    const found = { crc: crc.readUInt32LE(), packed: short.readUInt32LE(0), size: short.readUInt32LE(4) };
    const isShort = !entry.isZip64 && found.packed === unpacked.packed && found.size === unpacked.size;
    if (isShort) return found;
    const long = Buffer.concat([short, await this.reader.exactly(8)]);
    return { ...found, packed: Number(long.readBigUInt64LE(0)), size: Number(long.readBigUInt64LE(8)) };
  }

  private async skip(entry: Entry): Promise<void> {
    if (!sizesFollow(entry)) {
      for (let left = entry.packed; left > 0;) left -= (await this.reader.upTo(left)).length;
      return;
    }
    if ((entry.flags & flags.encrypted) !== 0) throw brokenFile('encrypted');
    for await (const _chunk of this.unpack(entry)) continue;
  }

  /** Everything from the directory on is read to its end and of no use, but that there is one. */
  private async readDirectory(signature: number): Promise<void> {
    const isDirectory = signature === signatures.centralDirectory || signature === signatures.endOfDirectory;
    if (!isDirectory) throw brokenFile('malformed_archive');
    const head = Buffer.alloc(4);
    head.writeUInt32LE(signature);
    const tail = await this.reader.tail(head, endOfDirectoryBytes + 0xffff);
    const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
    if (end === -1 || tail.length - end < endOfDirectoryBytes) throw brokenFile('truncated');
  }
}

function sizesFollow(entry: Entry): boolean {
  return (entry.flags & flags.sizesFollow) !== 0;
}

/** The sizes that did not fit into the header (section 4.5.3). */
function zip64Of(extra: Buffer): Buffer | undefined {
  for (let offset = 0; offset + 4 <= extra.length;) {
    const length = extra.readUInt16LE(offset + 2);
    if (extra.readUInt16LE(offset) === zip64Field) return extra.subarray(offset + 4, offset + 4 + length);
    offset += 4 + length;
  }
  return undefined;
}
