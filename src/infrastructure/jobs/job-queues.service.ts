import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { PgBoss, type JobWithMetadata } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { jobsSchema } from '../database/application-role.js';
import { outsideRequests } from '../http/request-context.js';
import { Log } from '../logging/log.js';
import { JobTables, type WaitingJobs } from './job-tables.repository.js';

const usualRetries = 3;
const longestRetryDelaySeconds = 3600;
/** A job whose process gave no sign of life for so long is tried again; somebody looks every minute. */
const heartbeatSeconds = 30;
/** How long it can be seen how a job ended. */
const keptSeconds = 24 * 3600;
/** Beyond the time that a job may take, for writing down how it ended. */
const settlingSeconds = 10;
/** A backlog at which a process goes on with the next job at once instead of looking again later. */
const backlog = 5;
const reconnectAfterMs = 5000;
/** Failures are told no more often than this, in ms: while the database is away every look for jobs is one. */
const tellEveryMs = 60_000;

/** One try at a job. */
export interface JobAttempt {
  /** Of the job, the same in every try. */
  readonly id: string;
  /** Aborts when the process ends or the job takes too long. */
  readonly signal: AbortSignal;
  /** Nobody tries again when this fails. */
  readonly isLast: boolean;
}

/** What is to be done, and who does it. */
export interface JobKind<Data extends object> {
  /** Of its queue. */
  readonly name: string;
  /** Of jobs with the same key there is one at a time: waiting, under way, or to be tried again. */
  readonly keyOf: (data: Data) => string;
  /** How long a try may take, in ms. */
  readonly limitMs: number;
  /** Times that it is tried again, after a wait that doubles up to an hour; three when nothing is said. */
  readonly retries?: number;
  /** Done again from the start when it throws, or when the process dies: to be repeatable. */
  readonly work: (data: Data, attempt: JobAttempt) => Promise<void>;
}

/**
 * Adds a job in a transaction: it is there when that is committed. Does nothing when there is one with its key.
 * @throws an error when the queues could not be opened yet; nothing has happened in the transaction then
 */
export type Enqueue<Data> = (data: Data, db: EntityManager) => Promise<void>;

/** Durable jobs: pg-boss on our own Postgres and pool (docs/decisions/2026-11-21-jobs.md). */
@Injectable()
export class JobQueues implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly kinds: { readonly name: string; readonly work: (boss: PgBoss) => Promise<unknown> }[] = [];
  private readonly closing = new AbortController();
  private boss: PgBoss | undefined;
  private opening: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isResting = false;
  private toldAt = -Infinity;

  constructor(
    private readonly tables: JobTables,
    private readonly clock: Clock,
    private readonly log: Log,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
  ) {}

  /** For whoever does jobs, while the application is wired. */
  define<Data extends object>(kind: JobKind<Data>): Enqueue<Data> {
    const { name, keyOf, limitMs, retries = usualRetries } = kind;
    const options = {
      pollingIntervalSeconds: this.config['jobs.pollIntervalMs'] / 1000,
      localConcurrency: this.config['jobs.concurrency'],
      burstWhenReadyExceeds: backlog,
      includeMetadata: true,
    } as const;
    const work = (boss: PgBoss): Promise<unknown> =>
      boss.work(name, options, async (jobs: JobWithMetadata<Data>[]) => {
        for (const job of jobs) await this.attempt(kind, job);
      });
    this.kinds.push({ name, work });
    return async (data, db) => {
      if (this.boss === undefined) throw new Error('The job queues are not open.');
      await this.boss.send(name, data, {
        singletonKey: keyOf(data),
        retryLimit: retries,
        retryBackoff: true,
        retryDelay: this.config['jobs.retryDelayS'],
        retryDelayMax: longestRetryDelaySeconds,
        expireInSeconds: Math.ceil(limitMs / 1000) + settlingSeconds,
        heartbeatSeconds,
        deleteAfterSeconds: keptSeconds,
        db: this.tables.within(db),
      });
    };
  }

  /** Of the jobs of all processes. */
  waiting(): Promise<WaitingJobs> {
    return this.tables.waiting(this.kinds.map(({ name }) => name));
  }

  /** No further jobs are taken; what is under way goes on. */
  async rest(): Promise<void> {
    this.isResting = true;
    const { boss } = this;
    if (boss === undefined) return;
    await Promise.all(this.kinds.map(({ name }) => boss.offWork(name, { wait: false })));
  }

  async onApplicationBootstrap(): Promise<void> {
    this.opening = this.open();
    await this.opening;
  }

  /** What is under way is broken off, and done again by whoever comes next. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isResting = true;
    clearTimeout(this.retry);
    this.closing.abort(new Error('The process ends.'));
    await this.opening;
    const { boss } = this;
    if (boss === undefined) return;
    await Promise.all(this.kinds.map(({ name }) => boss.offWork(name)));
    await boss.stop({ graceful: false });
  }

  private async open(): Promise<void> {
    const worksHere = this.config['jobs.enabled'];
    const boss = new PgBoss({
      db: this.tables,
      schema: jobsSchema,
      migrate: false,
      createSchema: false,
      schedule: false,
      supervise: worksHere,
      // Neither is for the role of the application.
      reindex: false,
      monitorVacuum: false,
    });
    // Without a listener an error would end the process.
    boss.on('error', ({ message }: { readonly message: string }) => this.tell(message));
    try {
      // Queues first: pg-boss reads them when it starts, and need not look in the middle of a transaction then.
      for (const { name } of this.kinds) await boss.createQueue(name, { policy: 'exclusive' });
      await boss.start();
      this.boss = boss;
      if (worksHere && !this.isResting)
        await outsideRequests(() => Promise.all(this.kinds.map(({ work }) => work(boss))));
    } catch (error) {
      this.log.error({ err: error }, 'the job queues could not be opened');
      await boss.stop({ graceful: false });
      if (this.closing.signal.aborted) return;
      this.retry = setTimeout(() => {
        this.opening = this.open();
      }, reconnectAfterMs);
    }
  }

  private tell(failure: string): void {
    const now = this.clock.monotonicMs();
    if (now - this.toldAt < tellEveryMs) return;
    this.toldAt = now;
    this.log.warn({ err: new Error(failure) }, 'the job queues failed');
  }

  /** @throws an error that says nothing but a code: it is kept with the job */
  private async attempt<Data extends object>(
    { name, limitMs, work }: JobKind<Data>,
    { id, data, retryCount, retryLimit, signal }: JobWithMetadata<Data>,
  ): Promise<void> {
    const signals = AbortSignal.any([signal, this.closing.signal, AbortSignal.timeout(limitMs)]);
    try {
      await work(data, { id, signal: signals, isLast: retryCount >= retryLimit });
    } catch (error) {
      this.log.warn({ err: error, job: name, jobId: id, attempt: retryCount + 1 }, 'a job failed');
      throw new JobFailed(error instanceof DomainError ? error.code : 'UNFORESEEN');
    }
  }
}

class JobFailed extends Error {}
