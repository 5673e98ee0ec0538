import { brokenFile } from './broken-file.js';

/** An element of the outermost array, or a property of the outermost object; of its property `list` each element by itself. */
export interface JsonItem {
  /** Undefined in an array. */
  readonly key: string | undefined;
  /** As it is written, complete in its brackets; undefined when that is larger, or is of more values, than may be. */
  readonly text: Buffer | undefined;
}

interface ItemLimits {
  readonly maxItemBytes: number;
  /** Values in values: a parser takes as long for each of them as for a hundred characters. */
  readonly maxItemValues: number;
  readonly list: string;
}

const maxKeyBytes = 200;

const byteOrderMark = [0xef, 0xbb, 0xbf];
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/**
 * Cuts JSON of any size into items that are small enough to be parsed whole, in one pass over the bytes. It looks at brackets and
 * strings only: what is between them is for JSON.parse, so that one broken item does not break the file.
 */
export class JsonItems {
  private readonly nesting: (typeof openBrace | typeof openBracket)[] = [];
  private expected: Expected = 'value';
  private key: string | undefined;

  /** How much of a byte order mark there was: editors on Windows begin with one. */
  private marked = 0;

  private isInItem = false;
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  private size = 0;
  private values = 0;
  private pieces: Buffer[] = [];

  constructor(private readonly limits: ItemLimits) {}

  /**
   * The items that end in this chunk.
   * @throws DomainError IMPORT_FILE_BROKEN
   */
  push(chunk: Buffer): JsonItem[] {
    const items: JsonItem[] = [];
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] ?? 0;
      if (!this.isInItem) {
        if (!this.between(byte)) continue;
        start = index;
      }
      const end = this.endAt(byte, index);
      if (end === undefined) continue;
      this.keep(chunk.subarray(start, end));
      const item = this.finish();
      if (item !== undefined) items.push(item);
      // A number ends before what follows it.
      if (end === index) index--;
    }
    if (this.isInItem) this.keep(chunk.subarray(start));
    return items;
  }

  /** @throws DomainError IMPORT_FILE_BROKEN when something is missing */
  end(): void {
    if (this.expected !== 'nothing') throw brokenFile('truncated');
  }

  /** Looks at a byte outside items; answers whether an item begins with it. */
  private between(byte: number): boolean {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return false;
    switch (this.expected) {
      case 'value':
      case 'value or end':
        if (byte === closeBracket && this.expected === 'value or end') return this.close(openBracket);
        if (this.nesting.length === 0 && byte === byteOrderMark[this.marked]) {
          this.marked++;
          return false;
        }
        return this.beginValue(byte);
      case 'key':
      case 'key or end':
        if (byte === closeBrace && this.expected === 'key or end') return this.close(openBrace);
        if (byte !== quote) throw brokenFile('malformed_json');
        this.isInItem = true;
        return true;
      case 'colon':
        if (byte !== colon) throw brokenFile('malformed_json');
        this.expected = 'value';
        return false;
      case 'comma or end':
        return this.goOn(byte);
      case 'nothing':
        throw brokenFile('malformed_json');
    }
  }

  private beginValue(byte: number): boolean {
    const isList = this.nesting.length === 1 && this.key === this.limits.list && byte === openBracket;
    if (this.nesting.length === 0 || isList) {
      if (byte !== openBrace && byte !== openBracket) throw brokenFile('malformed_json');
      this.nesting.push(byte);
      this.expected = byte === openBrace ? 'key or end' : 'value or end';
      return false;
    }
    if (byte === comma || byte === colon || byte === closeBrace || byte === closeBracket) {
      throw brokenFile('malformed_json');
    }
    this.isInItem = true;
    return true;
  }

  private goOn(byte: number): false {
    if (byte === comma) {
      this.expected = this.nesting.at(-1) === openBrace ? 'key' : 'value';
      return false;
    }
    return this.close(byte === closeBrace ? openBrace : byte === closeBracket ? openBracket : undefined);
  }

  private close(opened: number | undefined): false {
    if (this.nesting.pop() !== opened) throw brokenFile('malformed_json');
    this.expected = this.nesting.length === 0 ? 'nothing' : 'comma or end';
    return false;
  }

  /** Looks at a byte of an item; answers where the item ends, if it does. */
  private endAt(byte: number, index: number): number | undefined {
    if (this.isInString) {
      if (this.isEscaped) this.isEscaped = false;
      else if (byte === backslash) this.isEscaped = true;
      else if (byte === quote) {
        this.isInString = false;
        if (this.depth === 0) return index + 1;
      }
      return undefined;
    }
    switch (byte) {
      case quote:
        this.isInString = true;
        return undefined;
      case openBrace:
      case openBracket:
        this.depth++;
        this.values++;
        return undefined;
      case closeBrace:
      case closeBracket:
        if (this.depth === 0) return index;
        return --this.depth === 0 ? index + 1 : undefined;
      case comma:
        this.values++;
        return this.depth === 0 ? index : undefined;
      default:
        return undefined;
    }
  }

  private get isTooLarge(): boolean {
    return this.size > this.limits.maxItemBytes || this.values > this.limits.maxItemValues;
  }

  private keep(piece: Buffer): void {
    this.size += piece.length;
    if (this.isTooLarge) this.pieces = [];
    else this.pieces.push(piece);
  }

  /** The item that has ended, unless it is a key. */
  private finish(): JsonItem | undefined {
    const text = this.isTooLarge ? undefined : Buffer.concat(this.pieces);
    this.isInItem = false;
    this.pieces = [];
    this.size = 0;
    this.values = 0;
    if (this.expected === 'key' || this.expected === 'key or end') {
      this.key = keyOf(text);
      this.expected = 'colon';
      return undefined;
    }
    this.expected = 'comma or end';
    return { key: this.nesting[0] === openBrace ? this.key : undefined, text };
  }
}

function keyOf(text: Buffer | undefined): string {
  if (text === undefined || text.length > maxKeyBytes) throw brokenFile('malformed_json');
  try {
    return String(JSON.parse(text.toString('utf8')));
  } catch {
    throw brokenFile('malformed_json');
  }
}
