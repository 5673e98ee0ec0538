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
import { previewOf, untitled } from './thread-texts.js';
import type { ThreadModel } from './thread-model.entity.js';
import type { Thread } from './thread.entity.js';
import { ThreadsRepository, type AddedMessages, type ThreadQuery } from './threads.repository.js';

/** A thread by what a client calls it: 1 to 200 characters. It begins with the first message in it. */
export interface NamedThread {
  readonly clientId: string;
}

/** By its id, or by what a client calls it. */
export type ThreadReference = string | NamedThread;

export interface ThreadWithModels {
  readonly thread: Thread;
  readonly models: readonly ThreadModel[];
  /** Only of a search: where the thread answers it best. */
  readonly match?: Match;
}

/** Of a model in a thread: the last message of its current branch, and the summary, with the last message that it covers. */
export type ModelState = Pick<ThreadModel, 'currentLeafId' | 'summary' | 'summaryThroughId'>;

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

  async create(owner: Owner, title?: string): Promise<ThreadWithModels> {
    const thread = this.blank(owner, { title });
    await this.threads.insert(thread);
    return { thread, models: [] };
  }

  private blank(
    { tenantId, userId }: Owner,
    { title, clientId = null }: { readonly title?: string | undefined; readonly clientId?: string | null },
  ): Thread {
    const now = this.clock.now();
    return {
      id: this.ids.next(),
      tenantId,
      userId,
      clientId,
      title: title ?? untitled,
      titleSource: title === undefined ? 'default' : 'person',
      archived: false,
      messageCount: 0,
      lastMessagePreview: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  /** @throws DomainError INVALID_CURSOR; VALIDATION_FAILED when it is to be by relevance, but to what is not said */
  async list(owner: Owner, query: ThreadListQuery): Promise<Page<ThreadWithModels>> {
    const { q, orderBy = q === undefined ? 'updated_at' : 'relevance', ...rest } = query;
    if (q !== undefined) return this.answering(owner, { ...rest, q, orderBy });
    if (orderBy === 'relevance') throw new DomainError('VALIDATION_FAILED', { param: 'orderBy' });
    const page = await this.threads.page(owner, { ...rest, orderBy });
    const models = await this.modelsOf(owner, page.items);
    return page.map((thread) => ({ thread, models: models.get(thread.id) ?? [] }));
  }

  /** What is deleted while it is looked for is left out: such a page is shorter. */
  private async answering(owner: Owner, search: ThreadSearch): Promise<Page<ThreadWithModels>> {
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

  /** By what a client calls it; undefined when nothing has been said in it yet. */
  async find(owner: Owner, { clientId }: NamedThread): Promise<ThreadWithModels | undefined> {
    const thread = await this.threads.findNamed(owner, clientId);
    return thread === null ? undefined : { thread, models: await this.threads.modelsOf(owner, [thread.id]) };
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
      ...(title === undefined ? {} : { title, titleSource: 'person' }),
      ...(archived === undefined ? {} : { archived }),
      updatedAt: this.clock.now(),
    });
    if (!exists) throw new DomainError('THREAD_NOT_FOUND');
    return this.get(owner, id);
  }

  /**
   * Gives a thread a title that nobody chose, unless it has one.
   * @param title as long as titles may be, in one line
   */
  async giveTitle(owner: Owner, id: string, title: string): Promise<void> {
    await this.threads.giveTitle(owner, id, title);
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
   * The thread, held until the transaction ends: changes to its messages happen one after the other. One that a client has named begins
   * here, with this transaction, however many begin it at once.
   * @throws DomainError THREAD_NOT_FOUND
   */
  async lockOwned(owner: Owner, thread: ThreadReference, db: EntityManager): Promise<Thread> {
    if (typeof thread === 'string') {
      return found(await this.threads.findOwnedForUpdate(owner, { id: thread }, db));
    }
    await this.threads.insertUnlessNamed(this.blank(owner, thread), db);
    return found(await this.threads.findOwnedForUpdate(owner, thread, db));
  }

  /** What a model has of the thread; null when it has no message there. */
  modelState(owner: Owner, threadId: string, modelId: string, db: EntityManager): Promise<ModelState | null> {
    return this.threads.modelOf(owner, threadId, modelId, db);
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
