import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditAction } from '../audit/audit-actions.js';
import { AuditService, type AuditEntry } from '../audit/audit.service.js';
import { actorOf, type Caller } from '../auth/caller.js';
import { toWireId } from '../common/ids.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import type { ApiToken } from './api-token.entity.js';

type Reading = 'token.read' | 'token.listed';

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
    token: ApiToken,
    action: Exclude<Extract<AuditAction, `token.${string}`>, Reading>,
    details: NonNullable<AuditEntry['details']>,
    db: EntityManager,
  ): Promise<void> {
    const { tenantId, name } = token;
    // Nobody can know a new token yet.
    if (action !== 'token.issued') await this.notifications.announce('access', db);
    await this.audit.record(
      { tenantId, actor: actorOf(caller), action, target: targetOf(token), details: { name, ...details } },
      db,
    );
  }

  /** That somebody looked at a token of somebody else. */
  async addRead(caller: Caller, token: ApiToken): Promise<void> {
    if (token.ownerId === caller.userId) return;
    const { tenantId } = token;
    await this.audit.record({
      tenantId,
      actor: actorOf(caller),
      action: 'token.read',
      target: targetOf(token),
    });
  }

  /** That an admin looked at the tokens of everybody, or of the one who is named. */
  async addListed(caller: Caller, ownerId: string | undefined): Promise<void> {
    if (caller.role !== 'admin' || ownerId === caller.userId) return;
    const details = ownerId === undefined ? {} : { ownerId: toWireId('user', ownerId) };
    await this.audit.record({
      tenantId: caller.tenantId,
      actor: actorOf(caller),
      action: 'token.listed',
      details,
    });
  }
}

function targetOf({ id }: ApiToken): NonNullable<AuditEntry['target']> {
  return { kind: 'token', id: toWireId('token', id) };
}
