import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { Ids } from '../common/ids.js';
import { decrypt, encrypt } from './aes-gcm.js';
import { DataKeys } from './data-keys.js';
import { KeyWrappers } from './key-wrappers/key-wrappers.js';
import type { SealedSecret } from './sealed-secret.entity.js';
import { SealedSecretsRepository } from './sealed-secrets.repository.js';
import { SecretUnreadableError } from './secrets.errors.js';

/** What a secret is bound to: additional data of the cipher, so that a row put in another's place does not open. */
export interface SecretBinding {
  readonly tenantId: string;
  /** Id of the user, or of the connection. */
  readonly ownerId: string;
  /** What it opens: the connection's id. */
  readonly provider: string;
}

const dataKeyBytes = 32;

/**
 * Long-lived secrets in the database, such as credentials of connections: each under a data key of its own, which a wrapper wraps
 * (models.md, Encryption). Wrapping may take seconds, hence two steps to store: `seal` before the transaction, `insert` in it.
 */
@Injectable()
export class Secrets {
  constructor(
    private readonly wrappers: KeyWrappers,
    private readonly dataKeys: DataKeys,
    private readonly secrets: SealedSecretsRepository,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores nothing. The id is known from here on. Never call it in a transaction.
   * @throws DomainError ENCRYPTION_UNAVAILABLE when the wrapper cannot be asked
   */
  async seal(binding: SecretBinding, text: string): Promise<SealedSecret> {
    const id = this.ids.next();
    const dataKey = randomBytes(dataKeyBytes);
    const { keyId, bytes } = await this.wrappers.wrap(dataKey, id);
    return {
      id,
      tenantId: binding.tenantId,
      keyId,
      wrappedKey: bytes,
      sealed: encrypt(dataKey, Buffer.from(text), additionalData(binding, id)),
      createdAt: this.clock.now(),
      rewrappedAt: null,
    };
  }

  insert(sealed: SealedSecret, db: EntityManager): Promise<void> {
    return this.secrets.insert(sealed, db);
  }

  /**
   * The text. Never call it in a transaction.
   * @throws SecretUnreadableError when there is none, it is bound to something else, it was tampered with, or its key is gone
   * @throws DomainError ENCRYPTION_UNAVAILABLE when the wrapper cannot be asked now
   */
  async open(id: string, binding: SecretBinding): Promise<string> {
    const row = await this.find(id, binding);
    try {
      return await this.openRow(row, binding);
    } catch (error) {
      // Its key may have been rotated, and taken away, since the row was read.
      const again = await this.find(id, binding);
      if (again.wrappedKey.equals(row.wrappedKey)) throw error;
      return this.openRow(again, binding);
    }
  }

  /** What is not there is no error. */
  remove(ids: readonly string[], db: EntityManager): Promise<void> {
    return this.secrets.remove(ids, db);
  }

  private async find(id: string, { tenantId }: SecretBinding): Promise<SealedSecret> {
    const row = await this.secrets.find(tenantId, id);
    if (row === null) throw new SecretUnreadableError(id, 'it is not there');
    return row;
  }

  private async openRow(
    { id, keyId, wrappedKey, sealed }: SealedSecret,
    binding: SecretBinding,
  ): Promise<string> {
    const dataKey = await this.dataKeys.unwrap({ keyId, bytes: wrappedKey }, id);
    try {
      return decrypt(dataKey, sealed, additionalData(binding, id)).toString('utf8');
    } catch {
      throw new SecretUnreadableError(id, 'it was sealed for something else, or changed');
    }
  }
}

function additionalData({ tenantId, ownerId, provider }: SecretBinding, id: string): Buffer {
  return Buffer.from(JSON.stringify(['parley secret', tenantId, ownerId, provider, id]));
}
