import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactions } from '../infrastructure/database/transactions.js';
import { Log } from '../infrastructure/logging/log.js';
import { UsageRollupsRepository } from './usage-rollups.repository.js';

const everyMs = 60_000;
/** Adds up by the hour what was recorded, each record once, on whichever replica comes first. */
@Injectable()
export class UsageRollups implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private rolling: Promise<void> = Promise.resolve();

  constructor(
    private readonly rollups: UsageRollupsRepository,
    private readonly transactions: Transactions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.rolling = this.run().catch((error: unknown) => {
        this.log.warn({ err: error }, 'usage could not be added up');
      });
    }, everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.rolling;
  }

  /** What was recorded since the last time, but for the last minutes, which reports read themselves. */
  run(): Promise<void> {
    return this.transactions.run((db) => this.rollups.rollUp(db));
  }
}
