import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Budget } from '../auth/caller.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import type { CallOrigin, CallResult, Charge, Estimate, TokenBudget } from './usage-record.js';
import { UsageRepository } from './usage.repository.js';

/** Records wait for at most this long, or for as many others, before they are written. */
const flushAfterMs = 20;
const batchSize = 50;
/** While so many could not be written nobody calls a model: none is lost, and memory is bounded. */
const maxWaiting = 20_000;

const sweepEveryMs = 60_000;
const sweepBatch = 100;
/** Beyond the longest answer, in milliseconds. */
const graceMs = 5 * 60_000;

/** After a failed write, in milliseconds. */
const retryAfterMs = 1000;

interface Noted {
  readonly origin: CallOrigin;
  readonly result: CallResult;
  readonly isOpen: boolean;
}

/** Accounts for every call of a model once: sets aside what it may cost, and records what it did (wire-apis.md, Accounting). */
@Injectable()
export class Metering implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly currency: string;
  private readonly longestMs: number;
  private waiting: Noted[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private lastWrite: Promise<void> = Promise.resolve();

  constructor(
    private readonly usage: UsageRepository,
    private readonly clock: Clock,
    private readonly log: Log,
    @Inject(CONFIGURATION) config: BootConfiguration,
  ) {
    this.currency = config['usage.currency'];
    this.longestMs = config['generation.maxDurationMs'];
  }

  onApplicationBootstrap(): void {
    this.sweeper = setInterval(() => void this.sweep(), sweepEveryMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeper);
    await this.flush();
  }

  /**
   * Before a call that counts against a budget, or whose record must not be lost whatever happens to this process.
   * @returns how the budget stands with the call, where it is one of tokens
   * @throws DomainError BUDGET_EXHAUSTED
   */
  async open(
    origin: CallOrigin,
    budget: Budget | undefined,
    estimate: Estimate,
    db?: EntityManager,
  ): Promise<TokenBudget | undefined> {
    const record = { ...origin, ...unfinished, ...estimate };
    const reserved = this.chargeOf(estimate);
    const expiresAt = new Date(this.clock.now().getTime() + this.longestMs + graceMs);
    const taken = await this.usage.open({ record, reserved, budget, expiresAt }, db);
    if (taken === undefined) throw new DomainError('BUDGET_EXHAUSTED');
    if (budget === undefined || budget.tokens === null) return undefined;
    const resetAt = endOfMonth(origin.createdAt);
    const resetMs = resetAt.getTime() - origin.createdAt.getTime();
    return { limit: budget.tokens, remaining: Math.max(0, budget.tokens - taken), resetAt, resetMs };
  }

  /** After a call that was opened, once: what was set aside is given back, and what was used is charged. */
  settle(id: string, result: CallResult, db?: EntityManager): Promise<void> {
    return this.usage.settle({ id, result, charge: this.chargeOf(result) }, db);
  }

  /** After a call that was opened, and of which nobody knows how it went: as it was foreseen. */
  abandon(id: string, db: EntityManager): Promise<void> {
    return this.usage.abandon(id, db);
  }

  /**
   * Before a call that is not opened.
   * @throws DomainError USAGE_NOT_RECORDED while the records of earlier calls cannot be written
   */
  admit(): void {
    if (this.waiting.length >= maxWaiting) throw new DomainError('USAGE_NOT_RECORDED');
  }

  /** After a call, once: returns at once; what was opened is settled, and other records are written, many at a time. */
  note(origin: CallOrigin, result: CallResult, { isOpen }: Pick<Noted, 'isOpen'>): void {
    this.waiting.push({ origin, result, isOpen });
    if (this.waiting.length % batchSize === 0) this.flushSoon();
    else this.timer ??= setTimeout(() => this.flushSoon(), flushAfterMs);
  }

  /** Money of another currency counts against no budget. */
  private chargeOf({ usage, cost }: Estimate): Charge {
    return {
      tokens: usage.inputTokens + usage.outputTokens,
      micros: cost?.currency === this.currency ? cost.micros : 0,
    };
  }

  private flushSoon(): void {
    void outsideRequests(() => this.flush());
  }

  /** Writes what waits, one batch after the other. Never rejects: what could not be written is tried again with the next. */
  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastWrite = this.lastWrite.then(() => this.write());
    return this.lastWrite;
  }

  private async write(): Promise<void> {
    const noted = this.waiting;
    this.waiting = [];
    const open = noted.filter(({ isOpen }) => isOpen);
    const others = noted.filter(({ isOpen }) => !isOpen);
    const records = others.map(({ origin, result }) => ({ ...origin, ...result }));
    await Promise.all([
      ...(records.length === 0 ? [] : [this.writing(others, this.usage.add(records))]),
      ...open.map((call) => this.writing([call], this.settle(call.origin.id, call.result))),
    ]);
  }

  private async writing(noted: readonly Noted[], done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (error) {
      this.waiting = [...noted, ...this.waiting];
      this.log.error({ err: error, records: noted.length }, 'usage could not be recorded');
      this.timer ??= setTimeout(() => this.flushSoon(), retryAfterMs);
    }
  }

  /** Ends what nobody came back for, at what was set aside for it: its process died. */
  private async sweep(): Promise<void> {
    try {
      for (const id of await this.usage.overdue(this.clock.now(), sweepBatch)) await this.usage.abandon(id);
    } catch (error) {
      this.log.warn({ err: error }, 'calls that nobody settled could not be looked for');
    }
  }
}

function endOfMonth(time: Date): Date {
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1));
}

/** What is known of a call before it is made. */
const unfinished: Omit<CallResult, 'usage' | 'cost'> = {
  status: 'interrupted',
  errorCode: 'GENERATION_INTERRUPTED',
  provider: null,
  providerModel: null,
  connectionId: null,
  personalKey: false,
  estimated: true,
  firstTokenMs: null,
  durationMs: 0,
};
