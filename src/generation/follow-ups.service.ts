import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import { StoredSummaries, type Uncovered } from '../messages/summaries/stored-summaries.service.js';
import type { ModelRoute } from '../models/model-route.js';
import { contextLengthOf } from './generation-plans.js';
import { SummaryJobs } from './summaries/summary-jobs.js';
import { TitleJobs } from './titles/title-jobs.js';

/** So many messages are summarised whatever their size: a model is told no more than twice as many. */
const mostUncovered = 200;
/** Fewer than in ordinary text of most languages: rather a little early. */
const bytesPerToken = 3;

/** What is to be done in the background once an answer is there. */
@Injectable()
export class FollowUps {
  constructor(
    private readonly summaries: StoredSummaries,
    private readonly summaryJobs: SummaryJobs,
    private readonly titleJobs: TitleJobs,
    private readonly log: Log,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  /**
   * Adds jobs in the transaction that ends the answer, so that no crash comes between. Whatever is wrong with the queues, the answer is
   * kept, and its successor asks for the same.
   */
  async arrange(answer: Message, route: ModelRoute, db: EntityManager): Promise<void> {
    const { tenantId, userId, threadId, modelId, id: answerId } = answer;
    const uncovered = await this.summaries.uncovered(
      answer,
      { threadId, modelId, answerId },
      mostUncovered,
      db,
    );
    if (uncovered === undefined) return;
    const { isUntitled } = uncovered;
    const isLong = this.config['summaries.enabled'] && this.isLong(uncovered, route);
    if (!isUntitled && !isLong) return;
    try {
      // A transaction within: when a job cannot be added, only that is undone.
      await db.transaction(async (inner) => {
        if (isUntitled) await this.titleJobs.enqueue({ tenantId, userId, threadId, answerId }, inner);
        if (isLong) await this.summaryJobs.enqueue({ tenantId, userId, threadId, modelId }, inner);
      });
    } catch (error) {
      this.log.error({ err: error }, 'a job could not be added');
    }
  }

  /** By the smallest of the models that may have answered. Where nobody knows how much a model takes, only the number counts. */
  private isLong({ messages, bytes }: Uncovered, { targets }: ModelRoute): boolean {
    if (messages >= mostUncovered) return true;
    const contextTokens = Math.min(...targets.map((target) => contextLengthOf(target) ?? Infinity));
    return bytes / bytesPerToken > contextTokens * this.config['summaries.contextShare'];
  }
}
