import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService, type Actor } from '../audit/audit.service.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids, toWireId } from '../common/ids.js';
import type { Role } from '../common/owner.js';
import type { User } from './user.entity.js';
import { UsersRepository } from './users.repository.js';

/** No identity provider can have this issuer, which is no URL: nobody logs in as a service account. */
const serviceIssuer = 'parley:service';

export interface ServiceAccountOrder {
  readonly tenantId: string;
  readonly name: string;
  /** Undefined for `user` when the account is new, and for whatever it has when it is not. */
  readonly role: Role | undefined;
}

/** Users that are programs. They act by API token only (identity.md, API tokens). */
@Injectable()
export class ServiceAccounts {
  constructor(
    private readonly users: UsersRepository,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * The service account of a tenant with this name, however it is spelled in capitals; made when there is none. Of those who ask
   * at once, one makes it and the others wait for that.
   * @throws DomainError SERVICE_ACCOUNT_EXISTS when it has another role than the one asked for
   */
  async ensure(
    { tenantId, name, role }: ServiceAccountOrder,
    actor: Actor,
    db: EntityManager,
  ): Promise<User> {
    const identity = { issuer: serviceIssuer, subject: `${tenantId}/${keyOf(name)}` };
    const now = this.clock.now();
    const account: User = {
      id: this.ids.next(),
      tenantId,
      ...identity,
      username: name,
      displayName: null,
      email: null,
      role: role ?? 'user',
      status: 'active',
      createdAt: now,
      updatedAt: now,
      lastLoginAt: null,
      kind: 'service',
      toolAllow: [],
      toolDeny: [],
      groups: null,
    };
    if (await this.users.insertIfNew(account, db)) {
      await this.audit.record(
        {
          tenantId,
          actor,
          action: 'user.created',
          target: { kind: 'user', id: toWireId('user', account.id) },
          details: { role: account.role, kind: 'service', username: name },
        },
        db,
      );
      return account;
    }
    const known = await this.users.getByIdentity(identity, db);
    if (role !== undefined && role !== known.role) {
      throw new DomainError('SERVICE_ACCOUNT_EXISTS', { param: 'serviceAccount.role' });
    }
    return known;
  }
}

/** Names that look the same are the same. */
function keyOf(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
}
