import { Injectable } from '@nestjs/common';
import { JobQueues, type Enqueue, type JobAttempt } from '../../infrastructure/jobs/job-queues.service.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { Conversation } from '../../messages/summaries/stored-summaries.service.js';
import { isFinal, JobOwners, type JobOwner } from '../job-owners.js';
import { limitMs, Summaries } from './summaries.service.js';

interface SummaryJob extends JobOwner, Conversation {}

/** Over some hours, in which no answer of the conversation leads to another job. */
const retries = 12;

/** Summarises conversations in the background. */
@Injectable()
export class SummaryJobs {
  /** Of a conversation there is one job at a time. */
  readonly enqueue: Enqueue<SummaryJob>;

  constructor(
    queues: JobQueues,
    private readonly summaries: Summaries,
    private readonly owners: JobOwners,
    private readonly log: Log,
  ) {
    this.enqueue = queues.define<SummaryJob>({
      name: 'summaries',
      keyOf: ({ threadId, modelId }) => `${threadId} ${modelId}`,
      limitMs,
      retries,
      work: (job, attempt) => this.work(job, attempt),
    });
  }

  private async work(job: SummaryJob, { id, signal }: JobAttempt): Promise<void> {
    const { threadId, modelId } = job;
    const wish = { threadId, modelId, requestId: `job_${id}`, signal };
    try {
      await this.summaries.summarize(() => this.owners.require(job), wish);
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.log.info({ err: error, jobId: id }, 'a conversation is not summarised');
    }
  }
}
