import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import type { Page } from '../common/cursor.js';
import { DomainError } from '../common/domain-error.js';
import { Ids } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import { violatesUnique } from '../infrastructure/database/database-errors.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { ThreadsService, type ModelState, type ThreadReference } from '../threads/threads.service.js';
import type { EarlierConversation } from './context.js';
import { EarlierConversations } from './earlier-conversations.service.js';
import type { Message } from './message.entity.js';
import { blankMessage, finishedColumns } from './message-rows.js';
import type { FinishedAnswer } from './message.js';
import {
  MessagesRepository,
  type MessageQuery,
  type OrphanQuery,
  type SaidBefore,
} from './messages.repository.js';

/** An answer that is about to be generated. */
export interface NewAnswer {
  readonly provider: string;
  readonly temperature?: number | undefined;
  /** The replica that is about to generate it. */
  readonly replicaId: string;
  /** How much of what was said before the caller can use, in bytes of text. */
  readonly historyBytes: number;
  /** Runs in the transaction once the answer is added, and may refuse it by throwing: then nothing has changed. */
  readonly alongside: (exchange: Exchange, db: EntityManager) => Promise<void>;
}

export interface NewExchange extends NewAnswer {
  readonly threadId: ThreadReference;
  readonly modelId: string;
  readonly content: string;
  /** What the message follows; null to begin anew; undefined for the current leaf. Another one than that makes a branch. */
  readonly parentId?: string | null | undefined;
}

/** A user message and the pending answer to it, as committed. */
export interface Exchange {
  readonly userMessage: Message;
  readonly assistantMessage: Message;
  /** What was said before the user message on its branch. */
  readonly earlier: EarlierConversation;
}

/** Where an exchange goes; `state` is what the model has of the thread by then. */
interface Place {
  readonly threadId: string;
  readonly state: ModelState | null;
}

@Injectable()
export class MessagesService {
  constructor(
    private readonly messages: MessagesRepository,
    private readonly earlier: EarlierConversations,
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

  /** Null when there is none or it is not the owner's. */
  find(owner: Owner, id: string): Promise<Message | null> {
    return this.messages.findOwned(owner, id);
  }

  /** @throws DomainError MESSAGE_NOT_FOUND when there is none or it is not the owner's */
  async get(owner: Owner, id: string): Promise<Message> {
    const message = await this.find(owner, id);
    if (message === null) throw new DomainError('MESSAGE_NOT_FOUND');
    return message;
  }

  /**
   * The message of a person that an answer answers.
   * @throws DomainError MESSAGE_NOT_FOUND, MESSAGE_NOT_AN_ANSWER
   */
  async questionOf(owner: Owner, answerId: string): Promise<Message> {
    const { role, parentId } = await this.get(owner, answerId);
    if (role !== 'assistant' || parentId === null) throw new DomainError('MESSAGE_NOT_AN_ANSWER');
    const question = await this.get(owner, parentId);
    if (question.role !== 'user') throw new DomainError('MESSAGE_NOT_AN_ANSWER');
    return question;
  }

  /** Of messages those that are answers in the thread, with the models that gave them. */
  answersAmong(
    owner: Owner,
    threadId: string,
    ids: readonly string[],
  ): Promise<readonly Pick<Message, 'id' | 'modelId'>[]> {
    return this.messages.answersAmong(owner, threadId, ids);
  }

  /** The id of the last answer to the same said before in the same place; undefined when it was not. */
  lastAnswerTo(owner: Owner, question: SaidBefore): Promise<string | undefined> {
    return this.messages.lastAnswerTo(owner, question);
  }

  /**
   * Commits a user message and a pending answer together, before any model is called (conversations.md, promise 1).
   * @throws DomainError THREAD_NOT_FOUND, GENERATION_IN_PROGRESS; of the parent MESSAGE_NOT_FOUND, MESSAGE_NOT_AN_ANSWER
   */
  beginExchange(owner: Owner, exchange: NewExchange): Promise<Exchange> {
    const { modelId, content } = exchange;
    return this.begin(owner, exchange, async ({ threadId, state }, db) => {
      const leafId = state?.currentLeafId ?? null;
      const parentId = exchange.parentId === undefined ? leafId : exchange.parentId;
      if (parentId !== null && parentId !== leafId)
        await this.requireParent(owner, { threadId, modelId, parentId }, db);
      const earlier = await this.before(owner, parentId, { ...exchange, state }, db);
      const { tenantId, userId } = owner;
      const row = { tenantId, userId, threadId, modelId, parentId, now: this.clock.now() };
      const userMessage: Message = {
        ...blankMessage({ ...row, id: await this.nextId(owner, threadId, db) }),
        role: 'user',
        status: 'complete',
        content,
        parts: [{ type: 'text', text: content }],
      };
      const assistantMessage = this.pendingAnswer(userMessage, exchange, this.ids.nextAfter(userMessage.id));
      await this.add(owner, [userMessage, assistantMessage], { leafId, lastText: content }, db);
      return { userMessage, assistantMessage, earlier };
    });
  }

  /**
   * Commits one more pending answer to a message of a person, beside those that it has.
   * @throws DomainError THREAD_NOT_FOUND, GENERATION_IN_PROGRESS
   */
  beginAnswer(owner: Owner, userMessage: Message, answer: NewAnswer): Promise<Exchange> {
    const { threadId, modelId } = userMessage;
    return this.begin(owner, { ...answer, threadId, modelId }, async ({ state }, db) => {
      const leafId = state?.currentLeafId ?? null;
      const earlier = await this.before(owner, userMessage.parentId, { ...answer, state }, db);
      const id = await this.nextId(owner, userMessage.threadId, db);
      const assistantMessage = this.pendingAnswer(userMessage, answer, id);
      await this.add(owner, [assistantMessage], { leafId, lastText: userMessage.content }, db);
      return { userMessage, assistantMessage, earlier };
    });
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
    const columns = finishedColumns(answer, this.clock.now());
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

  /** Answers that nobody will end, as `MessagesRepository.orphans` has it. */
  orphans(query: OrphanQuery): Promise<readonly Message[]> {
    const begunBefore = new Date(this.clock.now().getTime() - query.staleSeconds * 1000);
    return this.messages.orphans({ ...query, begunBefore });
  }

  /** Asks whichever replica generates the message to stop; without effect on a finished one. */
  requestCancel(owner: Owner, id: string): Promise<void> {
    return this.messages.requestCancel(owner, id);
  }

  generatingIn(owner: Owner, threadId: string): Promise<readonly Message[]> {
    return this.messages.generatingIn(owner, threadId);
  }

  /** How many answers somebody has under way, as `MessagesRepository.countGenerating` has it. */
  countGenerating(owner: Owner, db: EntityManager): Promise<number> {
    return this.messages.countGenerating(owner, db);
  }

  stillWanted(replicaId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.messages.stillWanted(replicaId, ids);
  }

  /** One after the other in a thread; of many for the same model one, until its answer has ended. */
  private async begin(
    owner: Owner,
    { threadId: thread, modelId, alongside }: Pick<NewExchange, 'threadId' | 'modelId' | 'alongside'>,
    work: (place: Place, db: EntityManager) => Promise<Exchange>,
  ): Promise<Exchange> {
    try {
      return await this.transactions.run(async (db) => {
        const { id: threadId } = await this.threads.lockOwned(owner, thread, db);
        const state = await this.threads.modelState(owner, threadId, modelId, db);
        const exchange = await work({ threadId, state }, db);
        await alongside(exchange, db);
        return exchange;
      });
    } catch (error) {
      if (violatesUnique(error, 'uq_messages_generating')) throw new DomainError('GENERATION_IN_PROGRESS');
      throw error;
    }
  }

  /** Messages of people follow answers, or what an import has in their place, of the same model in the same thread. */
  private async requireParent(
    owner: Owner,
    { parentId, threadId, modelId }: Pick<Message, 'threadId' | 'modelId'> & { readonly parentId: string },
    db: EntityManager,
  ): Promise<void> {
    const parent = await this.messages.findOwned(owner, parentId, db);
    if (parent?.threadId !== threadId || parent.modelId !== modelId) {
      throw new DomainError('MESSAGE_NOT_FOUND', { param: 'parentId' });
    }
    if (parent.role === 'user') throw new DomainError('MESSAGE_NOT_AN_ANSWER', { param: 'parentId' });
  }

  /** Nothing, of a message that begins anew. */
  private async before(
    owner: Owner,
    id: string | null,
    { state, historyBytes: maxBytes }: Pick<Place, 'state'> & NewAnswer,
    db: EntityManager,
  ): Promise<EarlierConversation> {
    if (id === null || state === null) return { messages: [], isWhole: true, summary: undefined };
    return this.earlier.upFrom(owner, { id, maxBytes, state }, db);
  }

  /** Ids grow in a thread, whichever machine makes them. */
  private async nextId(owner: Owner, threadId: string, db: EntityManager): Promise<string> {
    return this.ids.nextAfter(await this.messages.newestId(owner, threadId, db));
  }

  private pendingAnswer(
    question: Message,
    { provider, temperature, replicaId }: NewAnswer,
    id: string,
  ): Message {
    const { tenantId, userId, threadId, modelId } = question;
    const row = { id, tenantId, userId, threadId, modelId, parentId: question.id, now: this.clock.now() };
    return {
      ...blankMessage(row),
      role: 'assistant',
      status: 'pending',
      provider,
      temperature: temperature ?? null,
      replicaId,
    };
  }

  /** Adds messages, each the parent of the next, and lets the current branch end with them. */
  private async add(
    owner: Owner,
    added: readonly [Message, ...Message[]],
    { leafId, lastText }: { readonly leafId: string | null; readonly lastText: string },
    db: EntityManager,
  ): Promise<void> {
    const [{ threadId, modelId, parentId, createdAt: at }] = added;
    if (parentId !== leafId) await this.messages.moveBranch(owner, { from: leafId, to: parentId }, db);
    await this.messages.insert(added, db);
    const end = { modelId, added: added.length, leafId: (added.at(-1) ?? added[0]).id, lastText, at };
    await this.threads.recordMessages(owner, threadId, end, db);
  }
}

/** Undoes the transaction of an end that came too late. */
class AlreadyEndedError extends Error {}
