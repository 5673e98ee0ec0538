import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { SealedSecret } from './sealed-secret.entity.js';

/** A data key that another key than the current one wrapped. */
export type OutdatedKey = Pick<SealedSecret, 'id' | 'tenantId' | 'keyId' | 'wrappedKey'>;

/** How a data key was wrapped, and how it is now. */
export interface Rewrapping {
  readonly old: OutdatedKey;
  readonly keyId: string;
  readonly wrappedKey: Buffer;
}

@Injectable()
export class SealedSecretsRepository {
  constructor(@InjectRepository(SealedSecret) private readonly secrets: Repository<SealedSecret>) {}

  async insert(sealed: SealedSecret, db: EntityManager): Promise<void> {
    await db.insert(SealedSecret, sealed);
  }

  find(tenantId: string, id: string): Promise<SealedSecret | null> {
    return this.secrets.findOneBy({ tenantId, id });
  }

  async remove(ids: readonly string[], db: EntityManager): Promise<void> {
    if (ids.length > 0) await db.delete(SealedSecret, [...ids]);
  }

  /** Of all tenants, in the order of their ids, those after `after`. */
  outdated(currentKeyId: string, after: string | undefined, limit: number): Promise<OutdatedKey[]> {
    // Not <>, which no index serves.
    return this.secrets.query<OutdatedKey[]>(
      `SELECT id, tenant_id AS "tenantId", key_id AS "keyId", wrapped_key AS "wrappedKey" FROM sealed_secrets
        WHERE (key_id < $1 OR key_id > $1) AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
      [currentKeyId, after ?? null, limit],
    );
  }

  /** Writes those that nobody else rewrapped or removed meanwhile. @returns the tenant of each that was written */
  async rewrap(all: readonly Rewrapping[], now: Date, db: EntityManager): Promise<string[]> {
    // Locked in order of id, so that replicas wait for each other.
    const [rows] = await db.query<[{ tenantId: string }[], number]>(
      `WITH mine AS (
         SELECT secret.id, fresh.key_id, fresh.wrapped_key
           FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[]) AS fresh (id, old_key, key_id, wrapped_key)
           JOIN sealed_secrets secret ON secret.id = fresh.id AND secret.wrapped_key = fresh.old_key
          ORDER BY secret.id FOR UPDATE OF secret
       )
       UPDATE sealed_secrets secret SET key_id = mine.key_id, wrapped_key = mine.wrapped_key, rewrapped_at = $5
         FROM mine WHERE secret.id = mine.id
       RETURNING secret.tenant_id AS "tenantId"`,
      [
        all.map(({ old }) => old.id),
        all.map(({ old }) => old.wrappedKey),
        all.map(({ keyId }) => keyId),
        all.map(({ wrappedKey }) => wrappedKey),
        now,
      ],
    );
    return rows.map(({ tenantId }) => tenantId);
  }
}
