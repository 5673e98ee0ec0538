import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService, type AuditEntry } from '../../audit/audit.service.js';
import { actorOf, type Caller } from '../../auth/caller.js';
import { DomainError } from '../../common/domain-error.js';
import { violatesForeignKey, violatesUnique } from '../../infrastructure/database/database-errors.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ConnectionDeletion } from './connection-deletion.service.js';

/** Changes of connections: each in one transaction, with its word to all replicas and its row of the audit log. */
@Injectable()
export class ConnectionWrites {
  constructor(
    private readonly transactions: Transactions,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    private readonly deletion: ConnectionDeletion,
  ) {}

  /** @throws DomainError CONNECTION_NAME_TAKEN, TENANT_NOT_FOUND */
  async run<Result>(work: (db: EntityManager) => Promise<Result>): Promise<Result> {
    try {
      return await this.transactions.run(work);
    } catch (error) {
      if (violatesUnique(error, 'uq_connections_name')) {
        throw new DomainError('CONNECTION_NAME_TAKEN', { param: 'name' });
      }
      if (violatesForeignKey(error, 'fk_connection_tenants_tenant')) {
        throw new DomainError('TENANT_NOT_FOUND', { param: 'tenants' });
      }
      throw error;
    }
  }

  /** That the connection is another one from now on. Last in the transaction. */
  async changed(
    caller: Caller,
    id: string,
    entry: Pick<AuditEntry, 'action' | 'details'>,
    db: EntityManager,
  ): Promise<void> {
    await this.notifications.announce('models', db);
    await this.record(caller, id, entry, db);
  }

  /** That the connection has gone, and with it whatever other rooms keep for it. Last in the transaction. @param id on the wire */
  async deleted(
    caller: Caller,
    id: string,
    entry: Pick<AuditEntry, 'action' | 'details'>,
    db: EntityManager,
  ): Promise<void> {
    await this.deletion.announce(id, db);
    await this.changed(caller, id, entry, db);
  }

  /** Last in the transaction. @param id on the wire */
  async record(
    caller: Caller,
    id: string,
    entry: Pick<AuditEntry, 'action' | 'details' | 'outcome'>,
    db: EntityManager,
  ): Promise<void> {
    const { tenantId } = caller;
    await this.audit.record(
      { tenantId, actor: actorOf(caller), target: { kind: 'provider', id }, ...entry },
      db,
    );
  }
}
