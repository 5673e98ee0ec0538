import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service.js';
import { differences } from '../audit/differences.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids, toWireId } from '../common/ids.js';
import type { Owner, Role } from '../common/owner.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { defaultTenantId } from '../tenants/default-tenant.js';
import { LoginTenants } from '../tenants/login-tenants.service.js';
import type { LoginProfile } from './login-profile.js';
import { LoginRoles } from './login-roles.service.js';
import type { User } from './user.entity.js';
import { UsersRepository, type Identity, type KnownUser } from './users.repository.js';

@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly tenants: LoginTenants,
    private readonly roles: LoginRoles,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * The user with this identity, created at their first login, with what the provider says of them now (identity.md, Roles,
   * groups, tenants).
   * @throws DomainError USER_SUSPENDED, TENANT_SUSPENDED, TENANT_UNKNOWN, TENANT_CHANGED, LOGIN_GROUPS_MISSING, and nothing is
   *   changed
   */
  logIn(profile: LoginProfile): Promise<User> {
    return this.transactions.run(async (db) => {
      const tenantId = await this.tenants.resolve(profile, db);
      const known = await this.users.findByIdentity(profile, db);
      const created = known === null ? await this.register(profile, tenantId, db) : undefined;
      if (created !== undefined) return created;
      // Else another first login was faster.
      const user = known ?? (await this.users.getByIdentity(profile, db));
      if (user.status === 'suspended') throw new DomainError('USER_SUSPENDED');
      if (user.tenantId !== tenantId) throw new DomainError('TENANT_CHANGED');
      const now = this.clock.now();
      const { displayName, email } = profile;
      const display = { username: usernameOf(profile), displayName, email };
      return this.change(user, profile, { ...display, updatedAt: now, lastLoginAt: now }, db);
    });
  }

  /**
   * What the provider says meanwhile of somebody who is logged in: their role and groups, as at a login, and what is for display.
   * What it does not mention stays as it is.
   * @throws DomainError NOT_FOUND, and as `logIn` does; then nothing is changed
   */
  reconcile(profile: LoginProfile): Promise<User> {
    return this.transactions.run(async (db) => {
      const user = await this.users.findByIdentity(profile, db);
      if (user === null) throw new DomainError('NOT_FOUND');
      if (user.status === 'suspended') throw new DomainError('USER_SUSPENDED');
      // Answers to a refresh need not repeat every claim.
      if (profile.tenantClaim === null) await this.tenants.requireActive(user.tenantId, db);
      else if ((await this.tenants.resolve(profile, db)) !== user.tenantId) {
        throw new DomainError('TENANT_CHANGED');
      }
      return this.change(user, profile, newsOf(user, profile), db);
    });
  }

  /** Whose record a failed login belongs to: the tenant of whoever tried, as far as it is known. */
  async tenantOf(profile: LoginProfile): Promise<string> {
    return this.transactions.run(async (db) => {
      const known = await this.users.findByIdentity(profile, db);
      return known?.tenantId ?? (await this.tenants.find(profile, db))?.id ?? defaultTenantId;
    });
  }

  /** The roles of those of the users who may be here now: active, in a tenant that is. */
  standing(userIds: readonly string[]): Promise<Map<string, Role>> {
    return this.users.activeRoles(userIds);
  }

  /** The user with this identity, suspended or not; null before their first login. */
  findByIdentity(identity: Identity): Promise<KnownUser | null> {
    return this.users.findKnown(identity);
  }

  /** Null when the tenant has no such user. */
  find(person: Owner): Promise<User | null> {
    return this.users.find(person);
  }

  /** @throws DomainError NOT_FOUND */
  async get(person: Owner): Promise<User> {
    const user = await this.users.find(person);
    if (user === null) throw new DomainError('NOT_FOUND');
    return user;
  }

  /** Undefined when the identity is known by now. */
  private async register(
    profile: LoginProfile,
    tenantId: string,
    db: EntityManager,
  ): Promise<User | undefined> {
    const { issuer, subject, displayName, email } = profile;
    const now = this.clock.now();
    const user: User = {
      id: this.ids.next(),
      tenantId,
      issuer,
      subject,
      username: usernameOf(profile),
      displayName,
      email,
      role: this.roles.roleOf(profile),
      status: 'active',
      createdAt: now,
      updatedAt: now,
      lastLoginAt: now,
      kind: 'person',
      toolAllow: [],
      toolDeny: [],
      groups: this.roles.groupsOf(profile),
    };
    if (!(await this.users.insertIfNew(user, db))) return undefined;
    await this.audit.record(
      {
        tenantId,
        actor: { kind: 'user', userId: user.id },
        action: 'user.created',
        target: { kind: 'user', id: toWireId('user', user.id) },
        details: { role: user.role, issuer, by: 'login' },
      },
      db,
    );
    return user;
  }

  /** Writes the change together with the role that the profile gives, if there is anything to write. */
  private async change(
    user: User,
    profile: LoginProfile,
    change: Partial<User>,
    db: EntityManager,
  ): Promise<User> {
    const role = await this.roles.decide(user, profile, db);
    const isNews = role.from !== role.to;
    const groups = this.roles.groupsOf(profile, user.groups);
    const told = isDeepStrictEqual(groups, user.groups) ? change : { ...change, groups };
    if (!isNews && Object.keys(told).length === 0) return Object.assign(user, { role: role.to });
    const written: Partial<User> = {
      updatedAt: this.clock.now(),
      ...told,
      // Unless it changes it may be changed by others at the same time.
      ...(isNews ? { role: role.to } : {}),
    };
    const { id, tenantId } = user;
    await this.users.update({ tenantId, userId: id }, written, db);
    const news = differences(toldOf(user), toldOf(told));
    if (news !== undefined) await this.roles.tellReplicas(db);
    await this.roles.record(user, role, db);
    if (news !== undefined) {
      await this.audit.record(
        {
          tenantId,
          actor: { kind: 'system' },
          action: 'user.changed',
          target: { kind: 'user', id: toWireId('user', id) },
          details: { ...news, by: 'identity_provider' },
        },
        db,
      );
    }
    return Object.assign(user, written, { role: role.to });
  }
}

const maxUsername = 200;

function usernameOf({ username, subject }: LoginProfile): string {
  return username ?? subject.slice(0, maxUsername);
}

/** What of a user comes from their provider, beside their role. */
function toldOf({ username, displayName, email, groups }: Partial<User>): Readonly<Record<string, unknown>> {
  return { username, displayName, email, groups };
}

/** What the profile says for display that is not what we know. */
function newsOf(user: User, profile: LoginProfile): Partial<User> {
  const { username, displayName, email } = profile;
  return {
    ...(username === null || username === user.username ? {} : { username }),
    ...(displayName === null || displayName === user.displayName ? {} : { displayName }),
    ...(email === null || email === user.email ? {} : { email }),
  };
}
