import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { ThreadsService } from '../../threads/threads.service.js';
import {
  SummariesRepository,
  type Conversation,
  type SaidMessage,
  type SummaryLease,
  type Uncovered,
} from './summaries.repository.js';

export type { Conversation, SaidMessage, SummaryLease, Uncovered };

/** What is to be summarised next. */
export interface Stretch {
  readonly messages: readonly [SaidMessage, ...SaidMessage[]];
  /** Of what comes before; null without one, and when that was left for another branch. */
  readonly summary: string | null;
}

/** When somebody who finds a summary under way may ask again, in ms. */
const retryAfterMs = 5000;

/**
 * Summaries as they are kept. Whoever makes one holds a lease on it, which is a time in a row and no connection: of many on all replicas
 * one is at it, and what a dead one leaves behind is over when its time is.
 */
@Injectable()
export class StoredSummaries {
  constructor(
    private readonly summaries: SummariesRepository,
    private readonly threads: ThreadsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** As `SummariesRepository.uncovered`; undefined when the thread is gone. */
  uncovered(
    owner: Owner,
    upTo: Conversation & { readonly answerId: string },
    most: number,
    db: EntityManager,
  ): Promise<Uncovered | undefined> {
    return this.summaries.uncovered(owner, upTo, most, db);
  }

  /** @throws DomainError THREAD_NOT_FOUND; NOTHING_TO_SUMMARIZE without any message; SUMMARY_IN_PROGRESS */
  async begin(owner: Owner, conversation: Conversation, leaseMs: number): Promise<SummaryLease> {
    const lease = await this.summaries.lease(owner, conversation, leaseMs);
    if (lease !== undefined) return lease;
    const { models } = await this.threads.get(owner, conversation.threadId);
    const isThere = models.some(({ modelId }) => modelId === conversation.modelId);
    if (!isThere) throw new DomainError('NOTHING_TO_SUMMARIZE');
    throw new DomainError('SUMMARY_IN_PROGRESS', { retryAfterMs });
  }

  /** Messages oldest first: as `SummariesRepository.next`. Undefined when there is nothing. */
  async next(
    owner: Owner,
    conversation: Conversation,
    { throughId, summary }: SummaryLease,
    maxBytes: number,
  ): Promise<Stretch | undefined> {
    const found = await this.summaries.next(owner, conversation, { throughId, maxBytes });
    const [first, ...others] = found;
    if (first === undefined) return undefined;
    // Told with the messages: a branch may be left at any time.
    return { messages: [first, ...others], summary: first.isContinued ? summary : null };
  }

  /**
   * Keeps the next summary, which covers everything up to the message, and renews the lease.
   * @throws DomainError THREAD_NOT_FOUND; CONVERSATION_CHANGED when it is none of the current branch any more: the one before stays
   */
  async store(
    owner: Owner,
    conversation: Conversation,
    change: {
      readonly lease: SummaryLease;
      readonly text: string;
      readonly throughId: string;
      readonly leaseMs: number;
    },
  ): Promise<{ readonly lease: SummaryLease; readonly at: Date }> {
    const { lease, leaseMs, text, throughId } = change;
    const at = this.clock.now();
    const stored = await this.transactions.run(async (db) => {
      // The thread first, as wherever both are changed: its index of words is, too.
      await this.threads.lockOwned(owner, conversation.threadId, db);
      return this.summaries.store(owner, conversation, { lease, leaseMs, next: { text, throughId, at } }, db);
    });
    if (stored === undefined) throw new DomainError('CONVERSATION_CHANGED');
    return { lease: stored, at };
  }

  /** Lets others make the next summary. */
  end(owner: Owner, conversation: Conversation, lease: SummaryLease): Promise<void> {
    return this.summaries.release(owner, conversation, lease);
  }
}
