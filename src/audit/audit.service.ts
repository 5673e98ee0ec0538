import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import type { Page } from '../common/cursor.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import {
  currentCaller,
  currentIp,
  currentRequestId,
  isServing,
} from '../infrastructure/http/request-context.js';
import type { AuditAction } from './audit-actions.js';
import type { AuditEvent, AuditOutcome } from './audit-event.entity.js';
import { AuditRepository, type AuditQuery } from './audit.repository.js';
import { hashOf } from './chain.js';
import { storableDetails, storableText } from './storable-details.js';

/** Who did it. `anonymous` is somebody whose claim to be a user failed. */
export type Actor =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'token'; readonly userId: string; readonly tokenId: string }
  | { readonly kind: 'system' }
  | { readonly kind: 'anonymous' };

export interface AuditEntry {
  readonly tenantId: string;
  /** The caller of the request being served, or anonymous when nobody is known to be; the system outside a request. */
  readonly actor?: Actor;
  readonly action: AuditAction;
  /** What it was done to; the id as on the wire. */
  readonly target?: { readonly kind: string; readonly id: string };
  /** `success` unless told otherwise. */
  readonly outcome?: AuditOutcome;
  /** JSON values only, and never a secret. A text may be a stranger's: it is cleaned and cut (`storableDetails`). */
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

  /**
   * What was recorded in a tenant, newest first.
   * @throws DomainError INVALID_CURSOR
   */
  list(tenantId: string, query: AuditQuery): Promise<Page<AuditEvent>> {
    return this.events.page(tenantId, query);
  }

  private async append({ tenantId, ...entry }: AuditEntry, db: EntityManager): Promise<void> {
    const actor = entry.actor ?? currentActor();
    const ip = currentIp();
    const head = await this.events.lockHead(tenantId, db);
    const event: Omit<AuditEvent, 'hash'> = {
      tenantId,
      seq: String(head.seq + 1),
      at: this.clock.now(),
      actorKind: actor.kind,
      actorUserId: 'userId' in actor ? actor.userId : null,
      actorTokenId: 'tokenId' in actor ? actor.tokenId : null,
      action: entry.action,
      targetKind: entry.target === undefined ? null : storableText(entry.target.kind, 40),
      targetId: entry.target === undefined ? null : storableText(entry.target.id, 200),
      outcome: entry.outcome ?? 'success',
      requestId: currentRequestId() || null,
      ip: ip === undefined ? null : storableText(ip, 45),
      details: storableDetails(entry.details ?? {}),
      previousHash: head.hash,
    };
    await this.events.append({ ...event, hash: hashOf(event) }, db);
  }
}

function currentActor(): Actor {
  const caller = currentCaller();
  if (caller === undefined) return { kind: isServing() ? 'anonymous' : 'system' };
  const { userId, tokenId } = caller;
  return tokenId === undefined ? { kind: 'user', userId } : { kind: 'token', userId, tokenId };
}
