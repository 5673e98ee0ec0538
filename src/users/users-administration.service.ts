import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService, type AuditEntry } from '../audit/audit.service.js';
import { differences } from '../audit/differences.js';
import { actorOf, type Caller } from '../auth/caller.js';
import { isInPerson } from '../auth/rights.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import { NumberedPage } from '../common/numbered-page.js';
import type { Owner } from '../common/owner.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { CurrentUsers } from './current-users.service.js';
import { isLastAdmin } from './last-admin.js';
import { UserDirectory, type ListedUser, type UserQuery } from './user-directory.repository.js';
import type { User } from './user.entity.js';

/** What an admin changes of a user; what is left out stays as it is. */
export interface UserChange {
  readonly role?: User['role'];
  readonly status?: User['status'];
  readonly tools?: { readonly allow?: string[]; readonly deny?: string[] };
  /** Null for the name that the identity provider gives. */
  readonly displayName?: string | null;
}

type AuditedChange = Pick<AuditEntry, 'action' | 'details'>;

/** What admins see and change of the users of their own tenant, and of no other (identity.md, Roles). */
@Injectable()
export class UsersAdministration {
  constructor(
    private readonly directory: UserDirectory,
    private readonly current: CurrentUsers,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
  ) {}

  /** Looking at everybody is on record, with what was looked for. */
  async list(caller: Caller, query: UserQuery): Promise<NumberedPage<ListedUser>> {
    const { tenantId } = caller;
    const { role, status, kind, q } = query;
    const [users, count] = await this.directory.page(tenantId, query);
    await this.audit.record({
      tenantId,
      actor: actorOf(caller),
      action: 'user.listed',
      details: { role, status, kind, q },
    });
    return new NumberedPage(users, query, count);
  }

  /**
   * Looking at somebody else is on record.
   * @throws DomainError USER_NOT_FOUND
   */
  async get(caller: Caller, userId: string): Promise<ListedUser> {
    const target = { tenantId: caller.tenantId, userId };
    const user = await this.directory.find(target);
    if (user === undefined) throw new DomainError('USER_NOT_FOUND');
    if (userId !== caller.userId) {
      await this.audit.record(entryOf(target, caller, { action: 'user.read' }));
    }
    return user;
  }

  /**
   * Takes effect on every replica within a second.
   * @throws DomainError FORBIDDEN for a role or status that a program gives; USER_NOT_FOUND; LAST_ADMIN when nobody would be left
   *   to administer the tenant
   */
  async change(caller: Caller, userId: string, change: UserChange): Promise<ListedUser> {
    const { role, status } = change;
    if ((role !== undefined || status !== undefined) && !isInPerson(caller)) {
      throw new DomainError('FORBIDDEN', { param: role === undefined ? 'status' : 'role' });
    }
    const target = { tenantId: caller.tenantId, userId };
    const user = await this.transactions.run((db) => this.write(target, change, caller, db));
    this.current.forget(target);
    return user;
  }

  private async write(
    target: Owner,
    change: UserChange,
    caller: Caller,
    db: EntityManager,
  ): Promise<ListedUser> {
    const endsAdmin = (change.role ?? 'admin') !== 'admin' || change.status === 'suspended';
    // Asked first: the tenant is locked before its users, by everybody.
    const isLast = endsAdmin && (await isLastAdmin(target.tenantId, target.userId, db));
    const before = await this.directory.lock(target, db);
    if (before === undefined) throw new DomainError('USER_NOT_FOUND');
    if (isLast) throw new DomainError('LAST_ADMIN');
    const audited = auditedChanges(before, change);
    if (audited.length === 0) return before;
    const now = this.clock.now();
    const { displayName, tools, ...standing } = change;
    if (displayName !== undefined) await this.directory.updateProfile(target, { displayName }, now, db);
    const toolAllow = tools?.allow ?? before.toolAllow;
    const toolDeny = tools?.deny ?? before.toolDeny;
    await this.directory.update(target, { ...standing, toolAllow, toolDeny, updatedAt: now }, db);
    const after = await this.directory.lock(target, db);
    await this.notifications.announce('access', db);
    for (const entry of audited) await this.audit.record(entryOf(target, caller, entry), db);
    return after ?? before;
  }
}

function entryOf({ tenantId, userId }: Owner, caller: Caller, change: AuditedChange): AuditEntry {
  return {
    tenantId,
    actor: actorOf(caller),
    target: { kind: 'user', id: toWireId('user', userId) },
    ...change,
  };
}

/** What is really different, as the audit log tells it. */
function auditedChanges(before: ListedUser, change: UserChange): AuditedChange[] {
  const { role, status, tools, displayName } = change;
  const audited: AuditedChange[] = [];
  if (role !== undefined && role !== before.role) {
    audited.push({ action: 'user.role_changed', details: { from: before.role, to: role } });
  }
  if (status !== undefined && status !== before.status) {
    audited.push({ action: status === 'suspended' ? 'user.suspended' : 'user.reactivated' });
  }
  const changed = differences(
    { displayName: before.chosenName, toolAllow: before.toolAllow, toolDeny: before.toolDeny },
    { displayName, toolAllow: tools?.allow, toolDeny: tools?.deny },
  );
  if (changed !== undefined) audited.push({ action: 'user.changed', details: changed });
  return audited;
}
