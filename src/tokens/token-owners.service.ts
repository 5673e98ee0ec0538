import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { actorOf, type Caller } from '../auth/caller.js';
import { DomainError } from '../common/domain-error.js';
import type { Role } from '../common/owner.js';
import { ServiceAccounts } from '../users/service-accounts.service.js';
import { UsersService } from '../users/users.service.js';
import type { ApiToken } from './api-token.entity.js';

/** For whom a token is wanted: for the caller when nobody is named. */
export interface OwnerChoice {
  readonly ownerId?: string | undefined;
  readonly serviceAccount?: { readonly name: string; readonly role?: Role | undefined } | undefined;
}

interface TokenOwner {
  readonly id: string;
  readonly role: Role;
}

/** Whom tokens act for. */
@Injectable()
export class TokenOwners {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: ServiceAccounts,
  ) {}

  /**
   * Admins choose anyone in their tenant, or a service account, which is no stronger than they are since nobody is; others only
   * themselves.
   * @throws DomainError VALIDATION_FAILED for both at once, FORBIDDEN, USER_NOT_FOUND, SERVICE_ACCOUNT_EXISTS
   */
  async choose(
    caller: Caller,
    { ownerId, serviceAccount }: OwnerChoice,
    db: EntityManager,
  ): Promise<TokenOwner> {
    const { tenantId, userId, role } = caller;
    if (serviceAccount !== undefined) {
      if (ownerId !== undefined) throw new DomainError('VALIDATION_FAILED', { param: 'serviceAccount' });
      if (role !== 'admin') throw new DomainError('FORBIDDEN');
      const order = { tenantId, name: serviceAccount.name, role: serviceAccount.role };
      return this.accounts.ensure(order, actorOf(caller), db);
    }
    if (ownerId === undefined || ownerId === userId) return { id: userId, role };
    const owner = role === 'admin' ? await this.users.find({ tenantId, userId: ownerId }) : null;
    if (owner === null) throw new DomainError('USER_NOT_FOUND', { param: 'ownerId' });
    return owner;
  }

  /** The role that the owner of a token has now. */
  async roleOf({ tenantId, ownerId }: ApiToken): Promise<Role> {
    const { role } = await this.users.get({ tenantId, userId: ownerId });
    return role;
  }
}
