import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { currentIp, currentRequestId } from '../infrastructure/http/request-context.js';
import type { AuditAction } from './audit-actions.js';
import type { AuditEvent, AuditOutcome } from './audit-event.entity.js';
import { AuditRepository } from './audit.repository.js';
import { hashOf } from './chain.js';

/** Who did it. `anonymous` is somebody whose claim to be a user failed. */
export type Actor =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'token'; readonly userId: string; readonly tokenId: string }
  | { readonly kind: 'system' }
  | { readonly kind: 'anonymous' };

export interface AuditEntry {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly action: AuditAction;
  /** What it was done to; the id as on the wire. */
  readonly target?: { readonly kind: string; readonly id: string };
  /** `success` unless told otherwise. */
  readonly outcome?: AuditOutcome;
  /** JSON values only, and never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The append-only record of who did what, chained by hash for each tenant (administration.md, Audit). */
@Injectable()
export class AuditService {
  constructor(
    private readonly events: AuditRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Records it in the transaction that does it: what is not recorded has not happened. Call it last in there, because other
   * writers of the tenant wait until the transaction ends.
   */
  async record(entry: AuditEntry, db?: EntityManager): Promise<void> {
    if (db === undefined) await this.transactions.run((own) => this.append(entry, own));
    else await this.append(entry, db);
  }

  private async append({ tenantId, actor, ...entry }: AuditEntry, db: EntityManager): Promise<void> {
    const head = await this.events.lockHead(tenantId, db);
    const event: Omit<AuditEvent, 'hash'> = {
      tenantId,
      seq: String(head.seq + 1),
      at: this.clock.now(),
      actorKind: actor.kind,
      actorUserId: 'userId' in actor ? actor.userId : null,
      actorTokenId: 'tokenId' in actor ? actor.tokenId : null,
      action: entry.action,
      targetKind: entry.target?.kind ?? null,
      targetId: entry.target?.id ?? null,
      outcome: entry.outcome ?? 'success',
      requestId: currentRequestId() || null,
      ip: currentIp()?.slice(0, 45) ?? null,
      // As it will be read again: without what JSON does not keep.
      details: JSON.parse(JSON.stringify(entry.details ?? {})) as object,
      previousHash: head.hash,
    };
    await this.events.append({ ...event, hash: hashOf(event) }, db);
  }
}
