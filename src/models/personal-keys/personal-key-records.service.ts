import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import type { SealedSecret } from '../../secrets/sealed-secret.entity.js';
import { Secrets } from '../../secrets/secrets.service.js';
import { PersonalKeyUses } from './personal-key-uses.service.js';
import type { PersonalKey } from './personal-key.entity.js';
import { PersonalKeysRepository, type KeyCondition } from './personal-keys.repository.js';

/** A key as it is to be stored. */
export interface NewPersonalKey {
  readonly row: PersonalKey;
  readonly sealed: SealedSecret;
}

/** Changes of somebody's keys: rows, secrets, audit log and the word to all replicas, in the caller's transaction. */
@Injectable()
export class PersonalKeyRecords {
  constructor(
    private readonly keys: PersonalKeysRepository,
    private readonly secrets: Secrets,
    private readonly uses: PersonalKeyUses,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  /** Puts the keys in the place of those that there are for their connections. Last in the transaction. */
  async replace(owner: Owner, added: readonly NewPersonalKey[], db: EntityManager): Promise<void> {
    await this.keys.lock(owner, db);
    for (const { row, sealed } of added) {
      await this.drop(owner, { connectionId: row.connectionId }, db);
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
   * Also keys for what has had that name in the past. Last in the transaction.
   * @returns whether there was one
   */
  async remove(owner: Owner, provider: string, db: EntityManager): Promise<boolean> {
    await this.keys.lock(owner, db);
    const dropped = await this.drop(owner, { provider }, db);
    if (dropped === 0) return false;
    await this.announce(owner, 'personal_key.removed', [provider], db);
    return true;
  }

  private async drop(owner: Owner, which: KeyCondition, db: EntityManager): Promise<number> {
    const keys = await this.keys.find(owner, which, db);
    for (const { id } of keys) await this.uses.settle(id, db);
    for (const { id } of keys) await this.keys.delete(owner, id, db);
    await this.secrets.remove(
      keys.map(({ secretId }) => secretId),
      db,
    );
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
