import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../common/clock.js';
import { Page } from '../common/cursor.js';
import { DomainError } from '../common/domain-error.js';
import { Ids, toWireId } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import type { ThreadSearch } from './search/thread-search.repository.js';
import { ThreadSearchService, type Match } from './search/thread-search.service.js';
import { ThreadDeletion } from './thread-deletion.js';
import type { ThreadModel } from './thread-model.entity.js';
import type { Thread } from './thread.entity.js';
import { ThreadsRepository, type AddedMessages, type ThreadQuery } from './threads.repository.js';

const untitled = 'New thread';
const previewLength = 200;

export interface ThreadWithModels {
  readonly thread: Thread;
  readonly models: readonly ThreadModel[];
  /** Only of a search: where the thread answers it best. */
  readonly match?: Match;
}

/** Which threads, in which order: with `q` those that answer it, the best first. */
type ThreadListQuery = Omit<ThreadQuery, 'orderBy'> & {
  readonly orderBy?: ThreadSearch['orderBy'] | undefined;
  readonly q?: string | undefined;
};

@Injectable()
export class ThreadsService {
  constructor(
    private readonly threads: ThreadsRepository,
    private readonly deletion: ThreadDeletion,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly search: ThreadSearchService,
  ) {}

  async create({ tenantId, userId }: Owner, title: string = untitled): Promise<ThreadWithModels> {
    const now = this.clock.now();
    const thread: Thread = {
      id: this.ids.next(),
      tenantId,
      userId,
      title,
      archived: false,
      messageCount: 0,
      lastMessagePreview: null,
      createdAt: now,
      updatedAt: now,
    };
    await this.threads.insert(thread);
    return { thread, models: [] };
  }

  /** @throws DomainError INVALID_CURSOR; VALIDATION_FAILED when it is to be by relevance, but to what is not said */
  async list(owner: Owner, query: ThreadListQuery): Promise<Page<ThreadWithModels>> {
    const { q, orderBy = q === undefined ? 'updated_at' : 'relevance', ...rest } = query;
    if (q !== undefined) return this.find(owner, { ...rest, q, orderBy });
    if (orderBy === 'relevance') throw new DomainError('VALIDATION_FAILED', { param: 'orderBy' });
    const page = await this.threads.page(owner, { ...rest, orderBy });
    const models = await this.modelsOf(owner, page.items);
    return page.map((thread) => ({ thread, models: models.get(thread.id) ?? [] }));
  }

  /** What is deleted while it is looked for is left out: such a page is shorter. */
  private async find(owner: Owner, search: ThreadSearch): Promise<Page<ThreadWithModels>> {
    const { items, pagination } = await this.search.find(owner, search);
    const ids = items.map(({ threadId }) => threadId);
    const threads = await this.threads.findAllOwned(owner, ids);
    const models = await this.modelsOf(owner, threads);
    const byId = new Map(threads.map((thread) => [thread.id, thread]));
    const found = items.flatMap(({ threadId, match }) => {
      const thread = byId.get(threadId);
      return thread === undefined ? [] : [{ thread, models: models.get(threadId) ?? [], match }];
    });
    return new Page(found, pagination);
  }

  private async modelsOf(
    owner: Owner,
    threads: readonly Thread[],
  ): Promise<ReadonlyMap<string, readonly ThreadModel[]>> {
    const ids = threads.map(({ id }) => id);
    return Map.groupBy(await this.threads.modelsOf(owner, ids), ({ threadId }) => threadId);
  }

  /** @throws DomainError THREAD_NOT_FOUND when there is none or it is not the owner's */
  async get(owner: Owner, id: string): Promise<ThreadWithModels> {
    const thread = await this.requireOwned(owner, id);
    return { thread, models: await this.threads.modelsOf(owner, [id]) };
  }

  /** @throws DomainError THREAD_NOT_FOUND when there is none or it is not the owner's */
  async requireOwned(owner: Owner, id: string): Promise<Thread> {
    return found(await this.threads.findOwned(owner, id));
  }

  /** @throws DomainError THREAD_NOT_FOUND */
  async change(
    owner: Owner,
    id: string,
    change: { readonly title?: string | undefined; readonly archived?: boolean | undefined },
  ): Promise<ThreadWithModels> {
    const { title, archived } = change;
    if (title === undefined && archived === undefined) return this.get(owner, id);
    const exists = await this.threads.update(owner, id, {
      ...(title === undefined ? {} : { title }),
      ...(archived === undefined ? {} : { archived }),
      updatedAt: this.clock.now(),
    });
    if (!exists) throw new DomainError('THREAD_NOT_FOUND');
    return this.get(owner, id);
  }

  /**
   * Removes the thread with its messages, after what is being generated in it was stopped.
   * @returns how many messages went with it
   * @throws DomainError THREAD_NOT_FOUND
   */
  async delete(owner: Owner, id: string): Promise<number> {
    await this.requireOwned(owner, id);
    await this.deletion.announce(owner, id);
    return this.transactions.run(async (db) => {
      const thread = await this.lockOwned(owner, id, db);
      await this.threads.delete(owner, id, db);
      await this.audit.record(
        {
          tenantId: owner.tenantId,
          action: 'thread.deleted',
          target: { kind: 'thread', id: toWireId('thread', id) },
          details: { messages: thread.messageCount },
        },
        db,
      );
      return thread.messageCount;
    });
  }

  /**
   * The thread, held until the transaction ends: changes to its messages happen one after the other.
   * @throws DomainError THREAD_NOT_FOUND
   */
  async lockOwned(owner: Owner, id: string, db: EntityManager): Promise<Thread> {
    return found(await this.threads.findOwnedForUpdate(owner, id, db));
  }

  /** The last message of a model's current branch in the thread, or null when it has none. */
  async currentLeaf(
    owner: Owner,
    threadId: string,
    modelId: string,
    db: EntityManager,
  ): Promise<string | null> {
    return (await this.threads.modelOf(owner, threadId, modelId, db))?.currentLeafId ?? null;
  }

  /**
   * Keeps counters, leaf and preview in step with messages, in the transaction that changes those.
   * @returns false when the thread is gone: then nothing was changed
   */
  async recordMessages(
    owner: Owner,
    id: string,
    change: Omit<AddedMessages, 'preview'> & { readonly lastText: string },
    db: EntityManager,
  ): Promise<boolean> {
    const { lastText, ...added } = change;
    return this.threads.recordMessages(owner, id, { ...added, preview: previewOf(lastText) }, db);
  }
}

function found(thread: Thread | null): Thread {
  if (thread === null) throw new DomainError('THREAD_NOT_FOUND');
  return thread;
}

/** The first characters of a text, never half of a surrogate pair. */
function previewOf(text: string): string {
  return Array.from(text.slice(0, previewLength * 2))
    .slice(0, previewLength)
    .join('');
}
