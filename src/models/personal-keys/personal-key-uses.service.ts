import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { toWireId } from '../../common/ids.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { outsideRequests } from '../../infrastructure/http/request-context.js';
import { Log } from '../../infrastructure/logging/log.js';
import { PersonalKeysRepository, type CountedDay, type KeyUse } from './personal-keys.repository.js';

const flushEveryMs = 5000;
const minuteMs = 60_000;

/**
 * Counts the calls with personal keys and remembers when the last one was, to the minute. Noting is free; writing happens beside the
 * requests, a few seconds later. Each day's count goes to the audit log when the day is over, or with the key (models.md, Keys).
 */
@Injectable()
export class PersonalKeyUses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private pending = new Map<string, KeyUse>();
  /** Of the last flush, in UTC. */
  private day = '';
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly keys: PersonalKeysRepository,
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

  /** One call of a model with the key. */
  note(keyId: string): void {
    const ms = this.clock.now().getTime();
    const { uses } = this.pending.get(keyId) ?? { uses: 0 };
    this.pending.set(keyId, { keyId, lastUsedAt: new Date(ms - (ms % minuteMs)), uses: uses + 1 });
  }

  /** Writes what was noted. Never rejects: what could not be written is tried again with the next. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => outsideRequests(() => this.writePending()));
    return this.writing;
  }

  /** Puts what was counted for a key into the audit log, before it goes. Last in the transaction. */
  async settle(keyId: string, db: EntityManager): Promise<void> {
    await this.record(await this.keys.takeCount(keyId, db), db);
  }

  private async writePending(): Promise<void> {
    const day = this.clock.now().toISOString().slice(0, 10);
    const uses = this.pending;
    if (uses.size === 0 && day === this.day) return;
    this.pending = new Map();
    try {
      await this.transactions.run(async (db) => {
        const counted = await this.keys.takeCountsBefore(day, db);
        if (uses.size > 0) await this.keys.addUses([...uses.values()], day, db);
        await this.record(counted, db);
      });
      this.day = day;
    } catch (error) {
      this.restore(uses);
      this.log.warn({ err: error, keys: uses.size }, 'uses of personal keys could not be written');
    }
  }

  private restore(uses: ReadonlyMap<string, KeyUse>): void {
    for (const [keyId, use] of uses) {
      const since = this.pending.get(keyId);
      this.pending.set(keyId, since === undefined ? use : { ...since, uses: since.uses + use.uses });
    }
  }

  private async record(counted: readonly CountedDay[], db: EntityManager): Promise<void> {
    for (const { tenantId, userId, provider, usesDay, uses } of counted) {
      await this.audit.record(
        {
          tenantId,
          actor: { kind: 'user', userId },
          action: 'personal_key.used',
          target: { kind: 'user', id: toWireId('user', userId) },
          details: { provider, day: usesDay, uses },
        },
        db,
      );
    }
  }
}
