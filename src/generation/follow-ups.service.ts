import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Log } from '../infrastructure/logging/log.js';
import type { Message } from '../messages/message.entity.js';
import { StoredSummaries, type Uncovered } from '../messages/summaries/stored-summaries.service.js';
import { unknownContextBytes } from '../messages/context.service.js';
import type { ModelRoute } from '../models/model-route.js';
import { contextLengthOf } from './generation-plans.js';
import { SummaryJobs } from './summaries/summary-jobs.js';
import { TitleJobs } from './titles/title-jobs.js';

/** So many messages are summarised whatever their size: a model is told no more than twice as many. */
const mostUncovered = 200;
/** Fewer than in ordinary text of most languages: rather a little early. */
const bytesPerToken = 3;

/** How an answer was asked for. */
export interface AnsweredRoute extends ModelRoute {
  /** The model was told neither all that was said nor a summary of the rest. */
  readonly hasGap: boolean;
}

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
  async arrange(answer: Message, route: AnsweredRoute, db: EntityManager): Promise<void> {
    try {
      // A transaction within: when something fails, only that is undone.
      await db.transaction((inner) => this.add(answer, route, inner));
    } catch (error) {
      this.log.error({ err: error }, 'a job could not be added');
    }
  }

  private async add(answer: Message, route: AnsweredRoute, db: EntityManager): Promise<void> {
    const { tenantId, userId, threadId, modelId, id: answerId } = answer;
    const upTo = { threadId, modelId, answerId };
    const uncovered = await this.summaries.uncovered(answer, upTo, mostUncovered, db);
    if (uncovered === undefined) return;
    const owner = { tenantId, userId, reach: route.reach };
    if (uncovered.isUntitled) await this.titleJobs.enqueue({ ...owner, threadId, answerId }, db);
    if (this.config['summaries.enabled'] && this.isLong(uncovered, route))
      await this.summaryJobs.enqueue({ ...owner, threadId, modelId }, db);
  }

  /** By the smallest of the models that may have answered; where nobody knows how much a model takes, by what is read for it at most. */
  private isLong({ messages, bytes }: Uncovered, { targets, hasGap }: AnsweredRoute): boolean {
    if (hasGap || messages >= mostUncovered) return true;
    const contextTokens = Math.min(...targets.map((target) => contextLengthOf(target) ?? Infinity));
    if (contextTokens === Infinity) return bytes > unknownContextBytes / 2;
    return bytes / bytesPerToken > contextTokens * this.config['summaries.contextShare'];
  }
}
