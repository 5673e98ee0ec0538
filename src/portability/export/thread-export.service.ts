import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import type { Message } from '../../messages/message.entity.js';
import { MessagesService } from '../../messages/messages.service.js';
import { ThreadsService, type ThreadWithModels } from '../../threads/threads.service.js';
import type { ExportCounts, ExportWriter } from './export-writer.js';
import { jsonExport } from './json-export.js';
import { markdownExport } from './markdown-export.js';

const writers = { json: jsonExport, markdown: markdownExport } as const;

export type ExportFormat = keyof typeof writers;

const threadsAtOnce = 100;
/** So few because each may be of a million characters. */
const messagesAtOnce = 20;

/** Threads with their messages, as files. What is read is a page at a time; between pages no database connection is held. */
@Injectable()
export class ThreadExportService {
  constructor(
    private readonly threads: ThreadsService,
    private readonly messages: MessagesService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  writer(format: ExportFormat): ExportWriter {
    return writers[format];
  }

  /**
   * One thread, in pieces.
   * @throws DomainError THREAD_NOT_FOUND before the first piece
   */
  async *one(owner: Owner, id: string, format: ExportFormat): AsyncGenerator<string, void, undefined> {
    const view = await this.threads.get(owner, id);
    await this.record(owner, { kind: 'thread', id: toWireId('thread', id) }, format);
    yield* this.file(owner, [view], format);
  }

  /** Every thread of the owner, the oldest first, in pieces. What is deleted meanwhile is left out. */
  async *all(owner: Owner, format: ExportFormat): AsyncGenerator<string, void, undefined> {
    await this.record(owner, { kind: 'user', id: toWireId('user', owner.userId) }, format);
    yield* this.file(owner, this.everyThread(owner), format);
  }

  private async *file(
    owner: Owner,
    views: AsyncIterable<ThreadWithModels> | Iterable<ThreadWithModels>,
    format: ExportFormat,
  ): AsyncGenerator<string, void, undefined> {
    const writer = this.writer(format);
    const counts = { threads: 0, messages: 0 };
    yield writer.begin(this.clock.now());
    for await (const view of views) {
      let inThread: number | undefined;
      let isWhole = true;
      for await (const page of this.pagesOf(owner, view.thread.id, writer.branch)) {
        if (page === undefined) {
          isWhole = false;
          break;
        }
        if (inThread === undefined) yield writer.beginThread(view, counts);
        inThread ??= 0;
        let text = '';
        for (const message of page) text += writer.message(message, view, { isFirst: inThread++ === 0 });
        if (text !== '') yield text;
      }
      if (inThread === undefined) continue;
      yield writer.endThread(isWhole);
      counts.threads++;
      counts.messages += inThread;
    }
    yield writer.end(counts satisfies ExportCounts);
  }

  private async *everyThread(owner: Owner): AsyncGenerator<ThreadWithModels, void, undefined> {
    const query = { archived: 'all', orderBy: 'created_at', order: 'asc', limit: threadsAtOnce } as const;
    for (let cursor: string | undefined, isOver = false; !isOver;) {
      const { items, pagination } = await this.threads.list(owner, { ...query, cursor });
      yield* items;
      cursor = pagination.cursor ?? undefined;
      isOver = !pagination.hasMore;
    }
  }

  /** At least one page, which may be empty; ends with undefined when the thread is gone. */
  private async *pagesOf(
    owner: Owner,
    threadId: string,
    branch: ExportWriter['branch'],
  ): AsyncGenerator<readonly Message[] | undefined, void, undefined> {
    const query = { threadId, branch, order: 'asc', limit: messagesAtOnce } as const;
    for (let cursor: string | undefined, isOver = false; !isOver;) {
      const page = await this.messages.list(owner, { ...query, cursor }).catch((error: unknown) => {
        if (error instanceof DomainError && error.code === 'THREAD_NOT_FOUND') return undefined;
        throw error;
      });
      yield page?.items;
      if (page === undefined) return;
      cursor = page.pagination.cursor ?? undefined;
      isOver = !page.pagination.hasMore;
    }
  }

  /** Before anything leaves. */
  private record(
    { tenantId }: Owner,
    target: { readonly kind: string; readonly id: string },
    format: ExportFormat,
  ): Promise<void> {
    return this.audit.record({ tenantId, action: 'thread.exported', target, details: { format } });
  }
}
