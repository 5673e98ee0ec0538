import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { DomainError } from '../../common/domain-error.js';
import { portableFormat, portableVersion } from '../portable-thread.js';
import { isChatGptConversation, readChatGptConversation } from './chatgpt-export.js';
import { isClaudeConversation, readClaudeConversation } from './claude-export.js';
import { RefusedConversation, type Conversation, type Source } from './conversation.js';
import { brokenFile } from './broken-file.js';
import { JsonItems, type JsonItem } from './json-items.js';
import { idOf, isObject, shortTextOf, type JsonObject } from './json-values.js';
import { readParleyThread } from './parley-export.js';
import type { ReadConversation, Reading } from './reading.js';
import { ZipArchive } from './zip-archive.js';

/** Of one conversation as it is written in the file: it is parsed whole, and nobody else has the processor meanwhile. */
const maxConversation = { maxItemBytes: 16 * 1024 ** 2, maxItemValues: 500_000 };

/** A file of which so many elements are of nobody's is nobody's. */
const mostUnknown = 100;

/** After so much of the processor others are let at it. */
const longestTurnMs = 10;

/** ChatGPT's larger exports come in numbered files. */
const wantedName = /(?:^|\/)(?:conversations(?:-\d+)?|parley-threads)\.json$/;

/** A conversation that was found in a file; `read` throws RefusedConversation when it cannot be understood. */
export interface FoundConversation {
  readonly source: Source | undefined;
  /** What it is called there, as far as that can be seen. */
  readonly sourceId: string | null;
  readonly title: string | null;
  readonly read: (reading: Reading) => Conversation;
}

interface UploadedFile {
  readonly kind: 'json' | 'zip';
  readonly bytes: AsyncIterable<Buffer>;
  /** Of what an archive unpacks to. */
  readonly maxBytes: number;
}

/** A file of conversations, read from front to back, one of them at a time. Whose it is is told by the shape of what is in it. */
export class ConversationsFile {
  /** Undefined as long as nothing was recognised. */
  source: Source | undefined;
  private unknown = 0;

  constructor(private readonly file: UploadedFile) {}

  /** @throws DomainError IMPORT_FILE_BROKEN, PAYLOAD_TOO_LARGE, IMPORT_FORMAT_UNKNOWN */
  async *conversations(): AsyncGenerator<FoundConversation, void, undefined> {
    const { kind, bytes, maxBytes } = this.file;
    if (kind === 'json') yield* this.inJson(bytes);
    else {
      const archive = new ZipArchive(bytes, { isWanted: (name) => wantedName.test(name), maxBytes });
      for await (const file of archive.files()) yield* this.inJson(file.bytes);
    }
    if (this.source === undefined) throw new DomainError('IMPORT_FORMAT_UNKNOWN');
  }

  private async *inJson(bytes: AsyncIterable<Buffer>): AsyncGenerator<FoundConversation, void, undefined> {
    const items = new JsonItems({ ...maxConversation, list: 'threads' });
    const head = new PortableHead();
    let turn = performance.now();
    for await (const chunk of bytes) {
      for (const item of items.push(chunk)) {
        if (performance.now() - turn > longestTurnMs) {
          await setImmediate();
          turn = performance.now();
        }
        if (item.key === undefined) yield this.found(parsed(item));
        else if (head.take(item)) {
          this.source = 'parley';
          yield found('parley', readParleyThread, parsed(item));
        } else if (head.isOurs) this.source = 'parley';
      }
    }
    items.end();
    head.end();
  }

  /**
   * An element of a list: a conversation of ChatGPT or Claude, or nothing that is known.
   * @throws DomainError IMPORT_FORMAT_UNKNOWN
   */
  private found(value: JsonObject | RefusedConversation): FoundConversation {
    const maker = value instanceof RefusedConversation ? undefined : makers.find(({ made }) => made(value));
    this.source = maker?.source ?? this.source;
    if (this.source === undefined && ++this.unknown === mostUnknown) {
      throw new DomainError('IMPORT_FORMAT_UNKNOWN');
    }
    return found(maker?.source, maker?.read ?? refuse, value);
  }
}

const makers = [
  { source: 'chatgpt', made: isChatGptConversation, read: readChatGptConversation },
  { source: 'claude', made: isClaudeConversation, read: readClaudeConversation },
] as const;

/** What is around the threads in our own format: what it is before them, how many they are behind them. */
class PortableHead {
  private format: unknown;
  private version: unknown;
  private counts: unknown;
  private threads = 0;

  get isOurs(): boolean {
    return this.format === portableFormat && this.version === portableVersion;
  }

  /**
   * Looks at a property; answers whether it is a thread.
   * @throws DomainError IMPORT_FORMAT_UNKNOWN
   */
  take(item: JsonItem): boolean {
    if (item.key === 'threads') {
      if (!this.isOurs) throw new DomainError('IMPORT_FORMAT_UNKNOWN');
      this.threads++;
      return true;
    }
    const value = valueOf(item);
    if (item.key === 'format') this.format = value;
    else if (item.key === 'version') this.version = value;
    else if (item.key === 'counts') this.counts = value;
    // It begins with its name, so that nobody else's file is read to the end.
    if (this.format !== portableFormat) throw new DomainError('IMPORT_FORMAT_UNKNOWN');
    return false;
  }

  /** @throws DomainError IMPORT_FILE_BROKEN when threads are missing */
  end(): void {
    if (!this.isOurs) return;
    if (!isObject(this.counts) || this.counts['threads'] !== this.threads) throw brokenFile('truncated');
  }
}

function found(
  source: Source | undefined,
  read: ReadConversation,
  value: JsonObject | RefusedConversation,
): FoundConversation {
  if (value instanceof RefusedConversation) {
    const refused = (): never => {
      throw value;
    };
    return { source, sourceId: null, title: null, read: refused };
  }
  return {
    source,
    sourceId: idOf(value['conversation_id']) ?? idOf(value['id']) ?? idOf(value['uuid']) ?? null,
    title: shortTextOf(value['title'] ?? value['name'], 200) ?? null,
    read: (reading) => read(value, reading),
  };
}

function refuse(): never {
  throw new RefusedConversation('malformed');
}

function parsed(item: JsonItem): JsonObject | RefusedConversation {
  if (item.text === undefined) return new RefusedConversation('too_large');
  if (!isUtf8(item.text)) return new RefusedConversation('not_utf8');
  const value = valueOf(item);
  return isObject(value) ? value : new RefusedConversation('malformed');
}

/** Undefined when it is no JSON. */
function valueOf({ text }: JsonItem): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}
