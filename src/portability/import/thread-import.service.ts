import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { toUnforeseen } from '../../infrastructure/unforeseen.js';
import { ConversationWriter } from './conversation-writer.service.js';
import { brokenFile } from './broken-file.js';
import { RefusedConversation, type Conversation } from './conversation.js';
import { ConversationsFile, type FoundConversation } from './conversations-file.js';
import { ImportTally, type ImportProgress, type ImportReport } from './import-report.js';
import type { Reading } from './reading.js';

/** A conversation of each is in memory, several times over. */
const mostAtOnce = 2;
const retryAfterMs = 15_000;

/** Of one file. What has more of these was made to keep us busy. */
const mostConversations = 100_000;
const mostRefused = 10_000;

export interface ImportRequest {
  readonly kind: 'json' | 'zip';
  readonly bytes: AsyncIterable<Buffer>;
  /** Where the client said so. */
  readonly bytesTotal: number | undefined;
  /** The model that conversations of others are given; undefined for the one that answered last in each. */
  readonly modelId: string | undefined;
  /** Once it is aborted, no further conversation is imported. */
  readonly ended: AbortSignal;
}

/** An import under way. */
export interface RunningImport {
  progress(): ImportProgress;
  /**
   * @throws DomainError with the report in its details: NOTHING_IMPORTED, IMPORT_FORMAT_UNKNOWN, IMPORT_FILE_BROKEN,
   *   PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, INVALID_REQUEST, and whatever the database says
   */
  readonly done: Promise<ImportReport>;
}

/**
 * Brings in conversations from files of ours and of others. Each is imported whole, in a transaction of its own, while the rest of the
 * file waits to be read; whoever is interrupted half-way sends the file again, and what is there already is passed over.
 */
@Injectable()
export class ThreadImportService {
  /** Who imports something at this replica. */
  private readonly importing = new Set<string>();

  constructor(
    private readonly writer: ConversationWriter,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  get maxFileBytes(): number {
    return this.config['import.maxFileBytes'];
  }

  /** @throws DomainError IMPORT_IN_PROGRESS: one of each person at a time; IMPORTS_BUSY: and not many of all */
  begin(owner: Owner, request: ImportRequest): RunningImport {
    const { userId } = owner;
    if (this.importing.has(userId)) throw new DomainError('IMPORT_IN_PROGRESS');
    if (this.importing.size >= mostAtOnce) throw new DomainError('IMPORTS_BUSY', { retryAfterMs });
    this.importing.add(userId);
    const tally = new ImportTally();
    let bytesRead = 0;
    const counted = countBytes(request.bytes, (count) => (bytesRead += count));
    const { bytesTotal } = request;
    return {
      progress: () => ({
        ...{ conversations: tally.conversations, imported: tally.imported },
        ...{ skipped: tally.skipped.count, refused: tally.refused.count, bytesRead },
        ...(bytesTotal === undefined ? {} : { bytesTotal }),
      }),
      done: this.run(owner, { ...request, bytes: counted }, tally).finally(() =>
        this.importing.delete(userId),
      ),
    };
  }

  private async run(owner: Owner, request: ImportRequest, tally: ImportTally): Promise<ImportReport> {
    try {
      const file = new ConversationsFile({ ...request, maxBytes: this.maxFileBytes });
      for await (const found of file.conversations()) {
        request.ended.throwIfAborted();
        tally.source = file.source ?? null;
        refuseTooMany(tally);
        await this.importOne(owner, found, request.modelId, tally);
      }
      tally.source = file.source ?? null;
      tally.isComplete = true;
      if (tally.imported === 0) throw new DomainError('NOTHING_IMPORTED');
      await this.record(owner, 'ended', tally);
    } catch (error) {
      const failure = error instanceof DomainError ? error : toUnforeseen(error);
      if (tally.imported > 0) await this.record(owner, 'ended', tally).catch(() => undefined);
      throw withReport(failure, tally.report());
    }
    return tally.report();
  }

  private async importOne(
    owner: Owner,
    { source, sourceId, title, read }: FoundConversation,
    modelId: string | undefined,
    tally: ImportTally,
  ): Promise<void> {
    try {
      const conversation = understood(read, { modelId, now: this.clock.now() });
      if (source === undefined) throw new RefusedConversation('malformed');
      const outcome = await this.writer.write(owner, source, conversation, (db) =>
        tally.imported === 0 ? this.record(owner, 'begun', tally, db) : Promise.resolve(),
      );
      if (outcome === 'imported') tally.addImported(conversation.messages.length, conversation.omitted);
      else tally.skipped.add({ sourceId, title, reason: outcome });
    } catch (error) {
      if (!(error instanceof RefusedConversation)) throw error;
      tally.refused.add({ sourceId, title, reason: error.reason });
    }
  }

  /** With the first conversation that it is under way, then what came of it: what a replica did that died is on record, too. */
  private record(
    { tenantId, userId }: Owner,
    state: 'begun' | 'ended',
    { source, imported, importedMessages }: ImportTally,
    db?: EntityManager,
  ): Promise<void> {
    const counts = state === 'begun' ? {} : { threads: imported, messages: importedMessages };
    const target = { kind: 'user', id: toWireId('user', userId) };
    return this.audit.record(
      { tenantId, action: 'thread.imported', target, details: { source, state, ...counts } },
      db,
    );
  }
}

/** @throws DomainError for another conversation of a file that has had enough of them */
function refuseTooMany({ conversations, refused }: ImportTally): void {
  if (refused.count >= mostRefused) throw brokenFile('too_many_refused');
  if (conversations < mostConversations) return;
  throw new DomainError('PAYLOAD_TOO_LARGE', {
    message: `A file may have ${mostConversations} conversations. Those that came first are in the report.`,
  });
}

/** @throws RefusedConversation also for what is nested deeper than can be followed */
function understood(read: FoundConversation['read'], reading: Reading): Conversation {
  try {
    return read(reading);
  } catch (error) {
    throw error instanceof RangeError ? new RefusedConversation('malformed') : error;
  }
}

async function* countBytes(
  bytes: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of bytes) {
    count(chunk.length);
    yield chunk;
  }
}

function withReport(error: DomainError, report: ImportReport): DomainError {
  const { code, message, param, retryAfterMs: after, details, cause } = error;
  return new DomainError(code, {
    message,
    details: { ...details, report },
    cause,
    ...(param === undefined ? {} : { param }),
    ...(after === undefined ? {} : { retryAfterMs: after }),
  });
}
