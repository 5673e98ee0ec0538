import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids } from '../common/ids.js';
import { roles, type Owner, type Role } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { defaultTenantId } from '../tenants/default-tenant.js';
import type { User } from './user.entity.js';
import { UsersRepository } from './users.repository.js';

/** What an identity provider says of the person who just logged in. */
export interface LoginProfile {
  readonly issuer: string;
  readonly subject: string;
  readonly username: string;
  readonly displayName: string | null;
  readonly email: string | null;
  /** Undefined when the provider says nothing of groups, which is not the same as none. */
  readonly groups: readonly string[] | undefined;
}

@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * The user with this identity, created at their first login, with what the provider says of them now. Without a word on
   * groups they keep the role they have (identity.md, Roles).
   * @throws DomainError USER_SUSPENDED, and nothing is changed
   */
  async logIn({ issuer, subject, groups, ...display }: LoginProfile): Promise<User> {
    const now = this.clock.now();
    await this.users.insertIfNew({
      id: this.ids.next(),
      tenantId: defaultTenantId,
      issuer,
      subject,
      ...display,
      role: this.roleOf(groups ?? []),
      status: 'active',
      createdAt: now,
      updatedAt: now,
      lastLoginAt: null,
      kind: 'person',
      toolAllow: [],
      toolDeny: [],
    });
    const user = await this.users.getByIdentity({ issuer, subject });
    if (user.status === 'suspended') throw new DomainError('USER_SUSPENDED');
    const change = {
      ...display,
      ...(groups === undefined ? {} : { role: this.roleOf(groups) }),
      updatedAt: now,
      lastLoginAt: now,
    };
    await this.users.update({ issuer, subject }, change);
    return Object.assign(user, change);
  }

  /** @throws DomainError NOT_FOUND */
  async get(person: Owner): Promise<User> {
    const user = await this.users.find(person);
    if (user === null) throw new DomainError('NOT_FOUND');
    return user;
  }

  /** The strongest role that one of the groups gives, else the default one. */
  private roleOf(groups: readonly string[]): Role {
    const groupRoles = new Map(Object.entries(this.config['identity.groupRoles']));
    const given = new Set(groups.map((group) => groupRoles.get(group)));
    return roles.find((role) => given.has(role)) ?? this.config['identity.defaultRole'];
  }
}
