import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service.js';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import { roles, type Role } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { Log } from '../infrastructure/logging/log.js';
import { isGroupName } from './group-names.js';
import { isLastAdmin } from './last-admin.js';
import type { LoginProfile } from './login-profile.js';
import type { User } from './user.entity.js';
import { UsersRepository } from './users.repository.js';

/** From which role to which. */
export interface RoleChange {
  readonly from: Role;
  readonly to: Role;
}

/** What role somebody has by what their identity provider says of them (identity.md, Roles, groups, tenants). */
@Injectable()
export class LoginRoles {
  private readonly admins: ReadonlySet<string>;

  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly users: UsersRepository,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    private readonly log: Log,
  ) {
    this.admins = new Set(config['identity.admins']);
  }

  /**
   * @param current undefined for somebody new
   * @throws DomainError LOGIN_GROUPS_MISSING
   */
  roleOf(profile: LoginProfile, current?: Role): Role {
    const { issuer, subject, groups, groupRoles } = profile;
    if (this.admins.has(`${issuer}#${subject}`)) return 'admin';
    const otherwise = this.config['identity.defaultRole'];
    if (groups === undefined) {
      const policy = this.config['identity.absentGroups'];
      if (policy === 'refuse') throw new DomainError('LOGIN_GROUPS_MISSING');
      return policy === 'keep' ? (current ?? otherwise) : otherwise;
    }
    const meanings = new Map(Object.entries(groupRoles));
    // Where no group means anything, roles are given in Parley.
    if (meanings.size === 0) return current ?? otherwise;
    const given = new Set(groups.map((group) => meanings.get(group)));
    return roles.find((role) => given.has(role)) ?? otherwise;
  }

  /**
   * The groups that somebody is in from now on: those that the provider tells; when it tells nothing, those that it told last, or
   * unknown where its silence costs the role too. Sorted, once each, without what is no name.
   */
  groupsOf({ groups }: LoginProfile, current: string[] | null = null): string[] | null {
    if (groups !== undefined) return [...new Set(groups.filter(isGroupName))].sort();
    return this.config['identity.absentGroups'] === 'keep' ? current : null;
  }

  /**
   * The role that a known user has from now on. The last admin of a tenant stays one. Before a role changes, the tenant is locked
   * as `isLastAdmin` does.
   * @throws DomainError LOGIN_GROUPS_MISSING
   */
  async decide(user: User, profile: LoginProfile, db: EntityManager): Promise<RoleChange> {
    if (this.roleOf(profile, user.role) === user.role) return { from: user.role, to: user.role };
    const isLast = await isLastAdmin(user.tenantId, user.id, db);
    // Somebody else may have changed it meanwhile.
    const { role: from } = await this.users.getByIdentity(profile, db);
    const to = this.roleOf(profile, from);
    if (!isLast || to === 'admin') return { from, to };
    const userId = toWireId('user', user.id);
    this.log.warn({ userId, role: to }, 'the last admin of a tenant keeps the role that no group gives');
    return { from, to: from };
  }

  /** That what they know of people for a moment is no longer so. */
  tellReplicas(db: EntityManager): Promise<void> {
    return this.notifications.announce('access', db);
  }

  /** Tells replicas and the record of a change that was written. Call it last in the transaction. */
  async record({ id, tenantId }: User, { from, to }: RoleChange, db: EntityManager): Promise<void> {
    if (from === to) return;
    await this.tellReplicas(db);
    await this.audit.record(
      {
        tenantId,
        // Who put them into groups is known at the provider only.
        actor: { kind: 'system' },
        action: 'user.role_changed',
        target: { kind: 'user', id: toWireId('user', id) },
        details: { from, to, by: 'identity_provider' },
      },
      db,
    );
  }
}
