import { Injectable } from '@nestjs/common';
import { AuditService, type Actor } from '../../audit/audit.service.js';
import { differences } from '../../audit/differences.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { CurrentUsers } from '../current-users.service.js';
import { UserDirectory, type ProfileChange, type UserDetails } from '../user-directory.repository.js';

/** What people choose for themselves. */
@Injectable()
export class ProfileService {
  constructor(
    private readonly directory: UserDirectory,
    private readonly current: CurrentUsers,
    private readonly transactions: Transactions,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /**
   * Of the record is only the name that others see; the rest concerns nobody else.
   * @throws DomainError USER_NOT_FOUND
   */
  async change(owner: Owner, change: ProfileChange, actor: Actor): Promise<UserDetails> {
    await this.transactions.run(async (db) => {
      const before = await this.directory.lock(owner, db);
      if (before === undefined) throw new DomainError('USER_NOT_FOUND');
      await this.directory.updateProfile(owner, change, this.clock.now(), db);
      await this.notifications.announce('access', db);
      const named = differences({ displayName: before.chosenName }, { displayName: change.displayName });
      if (named === undefined) return;
      const { tenantId, userId } = owner;
      const target = { kind: 'user', id: toWireId('user', userId) };
      await this.audit.record({ tenantId, actor, action: 'user.changed', target, details: named }, db);
    });
    this.current.forget(owner);
    return this.current.get(owner);
  }
}
