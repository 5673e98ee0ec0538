import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../common/clock.js';
import { toWireId } from '../common/ids.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { outsideRequests } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { ApiTokensRepository, type TokenUse } from './api-tokens.repository.js';
import { coarseNetwork } from './networks.js';

const flushEveryMs = 5000;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * Remembers when and from where tokens were last used, coarsely: to the minute and the network. Noting is free; writing happens
 * beside the requests, in one statement for all tokens, a few seconds later.
 */
@Injectable()
export class TokenUses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private pending = new Map<string, TokenUse>();
  /** The last address that was noted in this minute, by token: once is enough. */
  private readonly noted = new Map<string, string | undefined>();
  private minute = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly tokens: ApiTokensRepository,
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

  /** @param ip of whoever used it, if that is known */
  note(tokenId: string, ip: string | undefined): void {
    const now = this.clock.now().getTime();
    this.beginMinute(now - (now % minuteMs));
    if (this.noted.has(tokenId) && this.noted.get(tokenId) === ip) return;
    this.noted.set(tokenId, ip);
    const network = ip === undefined ? null : coarseNetwork(ip);
    this.pending.set(tokenId, { tokenId, at: new Date(this.minute), network });
  }

  /** Writes what was noted. Never rejects: what could not be written is tried again with the next. */
  flush(): Promise<void> {
    const uses = this.pending;
    this.pending = new Map();
    this.writing = this.writing.then(() => outsideRequests(() => this.write(uses)));
    return this.writing;
  }

  private beginMinute(minute: number): void {
    if (minute === this.minute) return;
    const isNewDay = Math.floor(minute / dayMs) !== Math.floor(this.minute / dayMs);
    this.minute = minute;
    this.noted.clear();
    // Before the first use of the new day replaces the last one of the old.
    if (isNewDay && this.pending.size > 0) void this.flush();
  }

  private async write(uses: ReadonlyMap<string, TokenUse>): Promise<void> {
    if (uses.size === 0) return;
    try {
      await this.transactions.run((db) => this.record([...uses.values()], db));
    } catch (error) {
      this.pending = new Map([...uses, ...this.pending]);
      this.log.warn({ err: error, tokens: uses.size }, 'uses of tokens could not be written');
    }
  }

  private async record(uses: readonly TokenUse[], db: EntityManager): Promise<void> {
    const written = await this.tokens.writeUses(uses, db);
    const firsts = written.filter(({ isFirstOfDay }) => isFirstOfDay);
    // In order of tenant: each audit chain is locked until the end.
    for (const use of firsts.sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1))) {
      const { tenantId, ownerId: userId, tokenId, network } = use;
      await this.audit.record(
        {
          tenantId,
          actor: { kind: 'token', userId, tokenId },
          action: 'token.used',
          target: { kind: 'token', id: toWireId('token', tokenId) },
          details: { network },
        },
        db,
      );
    }
  }
}
