import type { Omission, Refusal, Source } from './conversation.js';

/** Why a conversation was passed over, though nothing is wrong with it. */
export type SkipReason = 'already_there' | 'already_imported' | 'changed_since_import' | 'empty';

/** A conversation that was not imported. */
export interface NotImported<Reason> {
  /** As its file names it; null where the file does not. */
  readonly sourceId: string | null;
  readonly title: string | null;
  readonly reason: Reason;
}

export interface NotImportedList<Reason> {
  /** All of them, whether they are listed or not. */
  readonly count: number;
  readonly conversations: readonly NotImported<Reason>[];
  readonly truncated: boolean;
}

/** What came of a file, exactly. */
export interface ImportReport {
  /** Null when nothing was recognised. */
  readonly source: Source | null;
  /** Whether the file was read to its end. */
  readonly complete: boolean;
  readonly conversations: number;
  readonly imported: number;
  readonly importedMessages: number;
  readonly skipped: NotImportedList<SkipReason>;
  readonly refused: NotImportedList<Refusal>;
  /** Of imported conversations, how much of what was said was left out. */
  readonly omitted: Readonly<Partial<Record<Omission, number>>>;
}

/** How far an import has come. */
export interface ImportProgress {
  readonly conversations: number;
  readonly imported: number;
  readonly skipped: number;
  readonly refused: number;
  readonly bytesRead: number;
  /** Where the client said how much it sends. */
  readonly bytesTotal?: number;
}

const listed = 1000;

class ListOfNotImported<Reason> {
  count = 0;
  private readonly conversations: NotImported<Reason>[] = [];

  add(conversation: NotImported<Reason>): void {
    if (this.count++ < listed) this.conversations.push(conversation);
  }

  list(): NotImportedList<Reason> {
    const { count, conversations } = this;
    return { count, conversations, truncated: count > conversations.length };
  }
}

/** Keeps the count of an import while it runs. */
export class ImportTally {
  source: Source | null = null;
  isComplete = false;
  imported = 0;
  importedMessages = 0;
  readonly skipped = new ListOfNotImported<SkipReason>();
  readonly refused = new ListOfNotImported<Refusal>();
  private readonly omitted: Partial<Record<Omission, number>> = {};

  get conversations(): number {
    return this.imported + this.skipped.count + this.refused.count;
  }

  addImported(messages: number, omitted: Readonly<Partial<Record<Omission, number>>>): void {
    this.imported++;
    this.importedMessages += messages;
    // Its keys are omissions: that is its type.
    for (const [omission, count] of Object.entries(omitted) as [Omission, number][]) {
      this.omitted[omission] = (this.omitted[omission] ?? 0) + count;
    }
  }

  report(): ImportReport {
    const { source, isComplete, conversations, imported, importedMessages, skipped, refused, omitted } = this;
    return {
      ...{ source, complete: isComplete, conversations, imported, importedMessages },
      skipped: skipped.list(),
      refused: refused.list(),
      omitted: { ...omitted },
    };
  }
}
