import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import type { Page } from '../common/cursor.js';
import { DomainError } from '../common/domain-error.js';
import { Ids } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import { violatesUnique } from '../infrastructure/database/database-errors.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { ThreadsService } from '../threads/threads.service.js';
import type { Message } from './message.entity.js';
import { textOf, type EarlierMessage, type FinishedAnswer } from './message.js';
import { MessagesRepository, type MessageQuery } from './messages.repository.js';

export interface NewExchange {
  readonly threadId: string;
  readonly modelId: string;
  readonly content: string;
  readonly provider: string;
  readonly temperature?: number | undefined;
  /** The replica that is about to generate the answer. */
  readonly replicaId: string;
  /** How much of what was said before the caller can use, in bytes of text. */
  readonly historyBytes: number;
}

/** A user message and the pending answer to it, as committed. */
export interface Exchange {
  readonly userMessage: Message;
  readonly assistantMessage: Message;
}

@Injectable()
export class MessagesService {
  constructor(
    private readonly messages: MessagesRepository,
    private readonly threads: ThreadsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws DomainError THREAD_NOT_FOUND, INVALID_CURSOR */
  async list(owner: Owner, query: MessageQuery): Promise<Page<Message>> {
    const page = await this.messages.page(owner, query);
    // Messages of the owner are in a thread of the owner: only a page without any leaves the question open.
    if (page.items.length === 0) await this.threads.requireOwned(owner, query.threadId);
    return page;
  }

  /** @throws DomainError MESSAGE_NOT_FOUND when there is none or it is not the owner's */
  async get(owner: Owner, id: string): Promise<Message> {
    const message = await this.messages.findOwned(owner, id);
    if (message === null) throw new DomainError('MESSAGE_NOT_FOUND');
    return message;
  }

  /**
   * Commits a user message and a pending answer together, before any model is called (conversations.md, promise 1).
   * `admit` sees what was said before, newest first, and may refuse by throwing: then nothing has changed.
   * @throws DomainError THREAD_NOT_FOUND, GENERATION_IN_PROGRESS
   */
  async beginExchange(
    owner: Owner,
    exchange: NewExchange,
    admit: (history: readonly EarlierMessage[]) => void,
  ): Promise<Exchange> {
    try {
      return await this.transactions.run((db) => this.insertExchange(owner, exchange, admit, db));
    } catch (error) {
      if (violatesUnique(error, 'uq_messages_generating')) throw new DomainError('GENERATION_IN_PROGRESS');
      throw error;
    }
  }

  private async insertExchange(
    owner: Owner,
    exchange: NewExchange,
    admit: (history: readonly EarlierMessage[]) => void,
    db: EntityManager,
  ): Promise<Exchange> {
    const { threadId, modelId, historyBytes } = exchange;
    await this.threads.lockOwned(owner, threadId, db);
    admit(await this.messages.newest(owner, { threadId, modelId, maxBytes: historyBytes }, db));
    const leafId = await this.threads.currentLeaf(owner, threadId, modelId, db);
    const userMessageId = this.ids.nextAfter(await this.messages.newestId(owner, threadId, db));
    const now = this.clock.now();
    const common = { tenantId: owner.tenantId, userId: owner.userId, threadId, modelId, now };
    const userMessage: Message = {
      ...blank({ ...common, id: userMessageId, parentId: leafId }),
      role: 'user',
      status: 'complete',
      content: exchange.content,
      parts: [{ type: 'text', text: exchange.content }],
    };
    const assistantMessage: Message = {
      ...blank({ ...common, id: this.ids.nextAfter(userMessageId), parentId: userMessageId }),
      role: 'assistant',
      status: 'pending',
      provider: exchange.provider,
      temperature: exchange.temperature ?? null,
      replicaId: exchange.replicaId,
    };
    await this.messages.insert([userMessage, assistantMessage], db);
    const added = { modelId, added: 2, leafId: assistantMessage.id, lastText: exchange.content, at: now };
    await this.threads.recordMessages(owner, threadId, added, db);
    return { userMessage, assistantMessage };
  }

  /**
   * Writes how an answer ended, once. `alongside` runs in the transaction.
   * @returns the finished message, or null when it is gone or somebody else has ended it: then nothing was written
   */
  async finish(
    message: Message,
    answer: FinishedAnswer,
    alongside: (db: EntityManager) => Promise<void>,
  ): Promise<Message | null> {
    const columns = columnsOf(answer, this.clock.now());
    const { id, threadId, modelId } = message;
    const added = { modelId, added: 0, leafId: id, lastText: columns.content, at: columns.updatedAt };
    return this.transactions
      .run(async (db) => {
        // The thread first, as wherever both are changed: the other order would deadlock with a post.
        const isThere =
          columns.content === '' || (await this.threads.recordMessages(message, threadId, added, db));
        if (!isThere) throw new AlreadyEndedError();
        const finished = await this.messages.finish(message, columns, db);
        if (finished === null) throw new AlreadyEndedError();
        await alongside(db);
        return finished;
      })
      .catch((error: unknown) => {
        if (error instanceof AlreadyEndedError) return null;
        throw error;
      });
  }

  /** Answers that nobody will end: their replica gave no sign of life for `staleSeconds`, or they are among `ids`. */
  orphans(staleSeconds: number, ids: readonly string[]): Promise<readonly Message[]> {
    return this.messages.orphans(staleSeconds, ids);
  }

  /** Asks whichever replica generates the message to stop; without effect on a finished one. */
  requestCancel(owner: Owner, id: string): Promise<void> {
    return this.messages.requestCancel(owner, id);
  }

  generatingIn(owner: Owner, threadId: string): Promise<readonly Message[]> {
    return this.messages.generatingIn(owner, threadId);
  }

  stillWanted(replicaId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.messages.stillWanted(replicaId, ids);
  }
}

/** Undoes the transaction of an end that came too late. */
class AlreadyEndedError extends Error {}

function blank(row: {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly threadId: string;
  readonly modelId: string;
  readonly parentId: string | null;
  readonly now: Date;
}): Omit<Message, 'role' | 'status'> {
  const { now, ...ids } = row;
  return {
    ...ids,
    content: '',
    parts: [],
    provider: null,
    providerModel: null,
    temperature: null,
    inputTokens: null,
    outputTokens: null,
    cachedTokens: null,
    finishReason: null,
    providerFinishReason: null,
    timeToFirstTokenMs: null,
    durationMs: null,
    errorCode: null,
    replicaId: null,
    cancelRequested: false,
    createdAt: now,
    updatedAt: now,
  };
}

function columnsOf(answer: FinishedAnswer, now: Date) {
  return {
    status: answer.status,
    content: textOf(answer.parts),
    parts: [...answer.parts],
    ...(answer.provider === undefined
      ? {}
      : { provider: answer.provider, temperature: answer.temperature ?? null }),
    providerModel: answer.providerModel ?? null,
    finishReason: answer.finishReason ?? null,
    providerFinishReason: answer.providerFinishReason ?? null,
    inputTokens: answer.inputTokens ?? null,
    outputTokens: answer.outputTokens ?? null,
    cachedTokens: answer.cachedTokens ?? null,
    timeToFirstTokenMs: answer.timeToFirstTokenMs ?? null,
    durationMs: answer.durationMs ?? null,
    errorCode: answer.errorCode ?? null,
    updatedAt: now,
  };
}
