import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditAction } from '../../audit/audit-actions.js';
import { AuditService } from '../../audit/audit.service.js';
import { actorOf, type Caller } from '../../auth/caller.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import type { ModelAlias } from './model-alias.entity.js';

/** What was done to aliases: told to every replica, and put on record. */
@Injectable()
export class AliasRecords {
  constructor(
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  /** Call it last in the transaction that does it. */
  async add(
    caller: Caller,
    { tenantId, ownerId, name, kind }: ModelAlias,
    done: {
      readonly action: Extract<AuditAction, `model.alias_${string}`>;
      readonly details: Readonly<Record<string, unknown>>;
    },
    db: EntityManager,
  ): Promise<void> {
    await this.notifications.announce('models', db);
    const details = { kind, scope: ownerId === null ? 'tenant' : 'personal', ...done.details };
    const target = { kind: 'model', id: name };
    const { action } = done;
    await this.audit.record({ tenantId, actor: actorOf(caller), action, target, details }, db);
  }
}
