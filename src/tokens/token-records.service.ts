import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditAction } from '../audit/audit-actions.js';
import { AuditService, type AuditEntry } from '../audit/audit.service.js';
import { actorOf, type Caller } from '../auth/caller.js';
import { toWireId } from '../common/ids.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import type { ApiToken } from './api-token.entity.js';

/** What was done to tokens: told to every replica, and put on record. */
@Injectable()
export class TokenRecords {
  constructor(
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  /** Call it last in the transaction that does it. */
  async add(
    caller: Caller,
    { id, tenantId, name }: ApiToken,
    action: Extract<AuditAction, `token.${string}`>,
    details: NonNullable<AuditEntry['details']>,
    db: EntityManager,
  ): Promise<void> {
    // Nobody can know a new token yet.
    if (action !== 'token.issued') await this.notifications.announce('access', db);
    const target = { kind: 'token', id: toWireId('token', id) };
    await this.audit.record(
      { tenantId, actor: actorOf(caller), action, target, details: { name, ...details } },
      db,
    );
  }
}
