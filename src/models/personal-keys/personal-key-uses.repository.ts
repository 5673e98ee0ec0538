import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { UsedKey } from './personal-key.entity.js';
import type { PersonalKeyUse } from './personal-key-use.entity.js';

/** Calls with one key on one day, since the last time they were written. */
export interface KeyUse {
  readonly key: UsedKey;
  /** In UTC. */
  readonly day: string;
  readonly lastUsedAt: Date;
  readonly uses: number;
}

@Injectable()
export class PersonalKeyUsesRepository {
  /** In two statements, whether the keys are still there or not. What people used who are gone is left out. */
  async add(uses: readonly KeyUse[], db: EntityManager): Promise<void> {
    // Locked in the same order by all replicas, so that they wait for each other.
    await db.query(
      `INSERT INTO personal_key_uses AS counted (tenant_id, user_id, provider, day, uses)
       SELECT used.tenant_id, used.user_id, used.provider, used.day, sum(used.uses)
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::integer[])
                AS used (tenant_id, user_id, provider, day, uses)
         JOIN users ON users.tenant_id = used.tenant_id AND users.id = used.user_id
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
       ON CONFLICT (tenant_id, user_id, provider, day) DO UPDATE SET uses = counted.uses + excluded.uses`,
      [
        uses.map(({ key }) => key.tenantId),
        uses.map(({ key }) => key.userId),
        uses.map(({ key }) => key.provider),
        uses.map(({ day }) => day),
        uses.map((use) => use.uses),
      ],
    );
    await db.query(
      `WITH used AS (
         SELECT key.id, max(told.at) AS at
           FROM unnest($1::uuid[], $2::timestamptz[]) AS told (id, at)
           JOIN (SELECT id FROM personal_keys WHERE id = ANY ($1) ORDER BY id FOR UPDATE) key ON key.id = told.id
          GROUP BY key.id
       )
       UPDATE personal_keys key SET last_used_at = greatest(key.last_used_at, used.at)
         FROM used WHERE key.id = used.id`,
      [uses.map(({ key }) => key.id), uses.map(({ lastUsedAt }) => lastUsedAt)],
    );
  }

  /** Takes the counts of days before `day`, in order of tenant; nobody else gets them. */
  async takeBefore(day: string, db: EntityManager): Promise<PersonalKeyUse[]> {
    const [rows] = await db.query<[PersonalKeyUse[], number]>(
      `WITH over AS (
         SELECT tenant_id, user_id, provider, day FROM personal_key_uses WHERE day < $1
          ORDER BY 1, 2, 3, 4 FOR UPDATE
       )
       DELETE FROM personal_key_uses counted USING over
        WHERE (counted.tenant_id, counted.user_id, counted.provider, counted.day)
            = (over.tenant_id, over.user_id, over.provider, over.day)
       RETURNING counted.tenant_id AS "tenantId", counted.user_id AS "userId", counted.provider,
         counted.day::text AS day, counted.uses`,
      [day],
    );
    return rows.sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
  }
}
