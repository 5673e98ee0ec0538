import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { Ids } from '../common/ids.js';
import type { Owner } from '../common/owner.js';
import type { User } from './user.entity.js';
import { UsersRepository } from './users.repository.js';

/** The issuer of those whom Parley itself knows: no URL, so that no OpenID provider can have it. */
const localIssuer = 'parley:local';

type NewPerson = Pick<User, 'tenantId' | 'username' | 'displayName' | 'email' | 'role'>;

/** People whom no identity provider vouches for, and admins whom nobody else made one (identity.md, First run). */
@Injectable()
export class LocalPeople {
  constructor(
    private readonly users: UsersRepository,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Leaves it to the caller to record how they came to be. */
  async create(person: NewPerson, db: EntityManager): Promise<User> {
    const id = this.ids.next();
    const now = this.clock.now();
    const user: User = {
      ...person,
      id,
      issuer: localIssuer,
      subject: id,
      status: 'active',
      createdAt: now,
      updatedAt: now,
      lastLoginAt: null,
      kind: 'person',
      toolAllow: [],
      toolDeny: [],
      groups: null,
    };
    await this.users.insertIfNew(user, db);
    return user;
  }

  noteLogin(person: Owner, db: EntityManager): Promise<void> {
    return this.users.update(person, { lastLoginAt: this.clock.now() }, db);
  }

  /** Whether there is somebody to administer the tenant. */
  hasAdmin(tenantId: string, db?: EntityManager): Promise<boolean> {
    return this.users.hasAdmin(tenantId, db);
  }

  /** False when there is no such person in the tenant, or they are suspended. */
  makeAdmin(person: Owner, db: EntityManager): Promise<boolean> {
    return this.users.makeAdmin(person, this.clock.now(), db);
  }
}
