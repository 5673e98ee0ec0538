import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import type { SealedSecret } from '../../secrets/sealed-secret.entity.js';
import { Secrets } from '../../secrets/secrets.service.js';
import { ConnectionDeletion } from '../connections/connection-deletion.service.js';
import type { PersonalKey } from './personal-key.entity.js';
import { PersonalKeysRepository } from './personal-keys.repository.js';

type KeyCondition = (key: PersonalKey) => boolean;

/** A key as it is to be stored. */
export interface NewPersonalKey {
  readonly row: PersonalKey;
  readonly sealed: SealedSecret;
}

/**
 * Changes of somebody's keys: rows, secrets, audit log and the word to all replicas, in the caller's transaction. With a connection go
 * all keys for it.
 */
@Injectable()
export class PersonalKeyRecords {
  constructor(
    private readonly keys: PersonalKeysRepository,
    private readonly secrets: Secrets,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    deletion: ConnectionDeletion,
  ) {
    deletion.with((connectionId, db) => this.keys.deleteOf(connectionId, db));
  }

  /** Puts the keys in the place of those that there are for their connections. Last in the transaction. */
  async replace(owner: Owner, added: readonly NewPersonalKey[], db: EntityManager): Promise<void> {
    await this.keys.lock(owner, db);
    for (const { row, sealed } of added) {
      await this.drop(owner, ({ connectionId }) => connectionId === row.connectionId, db);
      await this.secrets.insert(sealed, db);
      await this.keys.insert(row, db);
    }
    await this.announce(
      owner,
      'personal_key.set',
      added.map(({ row }) => row.provider),
      db,
    );
  }

  /**
   * Last in the transaction.
   * @param provider the name by which the owner means them
   * @returns whether there was one
   */
  async remove(
    owner: Owner,
    { provider, isMeant }: { readonly provider: string; readonly isMeant: KeyCondition },
    db: EntityManager,
  ): Promise<boolean> {
    await this.keys.lock(owner, db);
    const dropped = await this.drop(owner, isMeant, db);
    if (dropped === 0) return false;
    await this.announce(owner, 'personal_key.removed', [provider], db);
    return true;
  }

  private async drop(owner: Owner, isMeant: KeyCondition, db: EntityManager): Promise<number> {
    const keys = (await this.keys.list(owner, db)).filter(isMeant);
    for (const { id } of keys) await this.keys.delete(owner, id, db);
    return keys.length;
  }

  private async announce(
    { tenantId, userId }: Owner,
    action: 'personal_key.set' | 'personal_key.removed',
    providers: readonly string[],
    db: EntityManager,
  ): Promise<void> {
    await this.notifications.announce('models', db);
    const target = { kind: 'user', id: toWireId('user', userId) };
    await this.audit.record({ tenantId, action, target, details: { providers } }, db);
  }
}
