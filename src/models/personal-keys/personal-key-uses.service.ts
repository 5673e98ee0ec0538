import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { toWireId } from '../../common/ids.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { outsideRequests } from '../../infrastructure/http/request-context.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { UsedKey } from './personal-key.entity.js';
import type { PersonalKeyUse } from './personal-key-use.entity.js';
import { PersonalKeyUsesRepository, type KeyUse } from './personal-key-uses.repository.js';

const flushEveryMs = 5000;
const minuteMs = 60_000;

/**
 * Counts the calls with personal keys and remembers when the last one was, to the minute. Noting is free; writing happens beside the
 * requests, a few seconds later, also when the key is gone by then. Each day's count goes to the audit log when the day is over
 * (models.md, Keys).
 */
@Injectable()
export class PersonalKeyUses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** By day and key. */
  private pending = new Map<string, KeyUse>();
  /** Of the last flush, in UTC. */
  private day = '';
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly uses: PersonalKeyUsesRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), flushEveryMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /** One call of a vendor with the key, whatever it was for; none when it is the organisation's. */
  note(key: UsedKey | undefined): void {
    if (key === undefined) return;
    const now = this.clock.now();
    const ms = now.getTime();
    this.add({ key, day: dayOf(now), lastUsedAt: new Date(ms - (ms % minuteMs)), uses: 1 });
  }

  /** Writes what was noted. Never rejects: what could not be written is tried again with the next. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => outsideRequests(() => this.writePending()));
    return this.writing;
  }

  private add(use: KeyUse): void {
    const name = `${use.day} ${use.key.id}`;
    const { uses, lastUsedAt } = this.pending.get(name) ?? { uses: 0, lastUsedAt: use.lastUsedAt };
    const last = lastUsedAt > use.lastUsedAt ? lastUsedAt : use.lastUsedAt;
    this.pending.set(name, { ...use, lastUsedAt: last, uses: uses + use.uses });
  }

  private async writePending(): Promise<void> {
    const day = dayOf(this.clock.now());
    const uses = [...this.pending.values()];
    if (uses.length === 0 && day === this.day) return;
    this.pending = new Map();
    try {
      await this.transactions.run(async (db) => {
        if (uses.length > 0) await this.uses.add(uses, db);
        await this.record(await this.uses.takeBefore(day, db), db);
      });
      this.day = day;
    } catch (error) {
      for (const use of uses) this.add(use);
      this.log.warn({ err: error, keys: uses.length }, 'uses of personal keys could not be written');
    }
  }

  private async record(counted: readonly PersonalKeyUse[], db: EntityManager): Promise<void> {
    for (const { tenantId, userId, provider, day, uses } of counted) {
      await this.audit.record(
        {
          tenantId,
          actor: { kind: 'user', userId },
          action: 'personal_key.used',
          target: { kind: 'user', id: toWireId('user', userId) },
          details: { provider, day, uses },
        },
        db,
      );
    }
  }
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
