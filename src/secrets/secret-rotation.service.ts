import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../common/clock.js';
import { within } from '../common/within.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { KeyWrappers } from './key-wrappers/key-wrappers.js';
import { SealedSecretsRepository, type OutdatedKey, type Rewrapping } from './sealed-secrets.repository.js';
import { SecretUnreadableError } from './secrets.errors.js';

/** What a run came to. */
export interface RotationReport {
  /** The key that wraps now. */
  readonly keyId: string;
  /** Rows that this run wrapped anew. */
  readonly rewrapped: number;
  /** Rows that nobody can read any more, by their keys. */
  readonly unreadable: ReadonlyMap<string, number>;
}

const batchSize = 100;
const runEveryMs = 60 * 60_000;
const retryAfterMs = 60_000;
/** For the row that is being wrapped when the process ends; what it leaves, another run does. */
const shutdownPatienceMs = 2000;

/**
 * Wraps data keys anew when another key is to wrap them (models.md, Encryption): at start, when the key file changes, every hour,
 * and on `parley keys rotate`. What is left to do is in the rows, so a run that was cut off is continued by the next one, on any
 * replica. A row changes only if it is still as it was read, hence replicas may run at once and nobody waits for a lock; no
 * database connection is held while the wrapper is asked, and each row opens at any time, by its old key or its new one.
 */
@Injectable()
export class SecretRotation implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private endWatch: (() => void) | undefined;
  private isClosing = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly wrappers: KeyWrappers,
    private readonly secrets: SealedSecretsRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.endWatch = this.wrappers.watch(() => void this.runInBackground());
    void this.runInBackground();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.timer);
    this.endWatch?.();
    await within(shutdownPatienceMs, this.running);
  }

  /**
   * To the end, after the run that is under way. It passes over rows that cannot be read.
   * @throws DomainError ENCRYPTION_UNAVAILABLE when a wrapper cannot be asked; what was done until then stays done
   */
  run(): Promise<RotationReport> {
    const run = this.running.then(() => outsideRequests(() => this.rewrapAll()));
    this.running = run.catch(() => undefined);
    return run;
  }

  private async runInBackground(): Promise<void> {
    const next = await this.run().then(
      () => runEveryMs,
      (error: unknown) => {
        if (!this.isClosing) this.log.warn({ err: error }, 'secrets could not be wrapped anew; trying again');
        return retryAfterMs;
      },
    );
    if (this.isClosing) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.runInBackground(), next);
  }

  private async rewrapAll(): Promise<RotationReport> {
    const keyId = await this.wrappers.currentKeyId();
    const unreadable = new Map<string, number>();
    let rewrapped = 0;
    let after: string | undefined;
    while (!this.isClosing) {
      const rows = await this.secrets.outdated(keyId, after, batchSize);
      if (rows.length === 0) break;
      rewrapped += await this.rewrapBatch(rows, unreadable);
      after = rows.at(-1)?.id;
    }
    if (rewrapped > 0) this.log.info({ keyId, rewrapped }, 'secrets were wrapped anew');
    if (unreadable.size > 0) {
      const rows = Object.fromEntries(unreadable);
      this.log.error({ rows }, 'secrets cannot be read: the keys that wrapped them are gone');
    }
    return { keyId, rewrapped, unreadable };
  }

  private async rewrapBatch(rows: readonly OutdatedKey[], unreadable: Map<string, number>): Promise<number> {
    const done: Rewrapping[] = [];
    let written = 0;
    try {
      for (const row of rows) {
        if (this.isClosing) break;
        const rewrapping = await this.rewrap(row, unreadable);
        if (rewrapping !== undefined) done.push(rewrapping);
      }
    } finally {
      if (done.length > 0) written = await this.transactions.run((db) => this.write(done, db));
    }
    return written;
  }

  private async rewrap(old: OutdatedKey, unreadable: Map<string, number>): Promise<Rewrapping | undefined> {
    try {
      const dataKey = await this.wrappers.unwrap({ keyId: old.keyId, bytes: old.wrappedKey }, old.id);
      const { keyId, bytes } = await this.wrappers.wrap(dataKey, old.id);
      return { old, keyId, wrappedKey: bytes };
    } catch (error) {
      if (!(error instanceof SecretUnreadableError)) throw error;
      unreadable.set(old.keyId, (unreadable.get(old.keyId) ?? 0) + 1);
      return undefined;
    }
  }

  /** Recorded with each batch, so that what a killed process did is on record, too. */
  private async write(all: readonly Rewrapping[], db: EntityManager): Promise<number> {
    const tenants = await this.secrets.rewrap(all, this.clock.now(), db);
    const byTenant = Map.groupBy(tenants, (tenantId) => tenantId);
    const keyIds = [...new Set(all.map(({ keyId }) => keyId))];
    // In order of tenant: each audit chain is locked until the end.
    for (const [tenantId, { length }] of [...byTenant].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const details = { rewrapped: length, keyIds };
      await this.audit.record({ tenantId, action: 'encryption.rotated', details }, db);
    }
    return tenants.length;
  }
}
