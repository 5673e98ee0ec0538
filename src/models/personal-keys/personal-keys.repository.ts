import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { ownerOf, type Owner } from '../../common/owner.js';
import { PersonalKey } from './personal-key.entity.js';

/** Somebody's keys for one connection, or for one name. */
export type KeyCondition = Pick<PersonalKey, 'connectionId'> | Pick<PersonalKey, 'provider'>;

/** Calls with one key since the last time they were written. */
export interface KeyUse {
  readonly keyId: string;
  readonly lastUsedAt: Date;
  readonly uses: number;
}

/** What was counted on a day that is over. */
export type CountedDay = Pick<PersonalKey, 'tenantId' | 'userId' | 'provider' | 'usesDay' | 'uses'>;

const countedColumns = `key.tenant_id AS "tenantId", key.user_id AS "userId", key.provider,
  counted.uses_day::text AS "usesDay", counted.uses`;

@Injectable()
export class PersonalKeysRepository {
  constructor(@InjectRepository(PersonalKey) private readonly keys: Repository<PersonalKey>) {}

  list(owner: Owner): Promise<PersonalKey[]> {
    return this.keys.find({ where: ownerOf(owner), order: { provider: 'ASC' } });
  }

  /** One change of somebody's keys comes after the other until the transaction ends. */
  async lock({ tenantId, userId }: Owner, db: EntityManager): Promise<void> {
    await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `personal_keys ${tenantId} ${userId}`,
    ]);
  }

  find(owner: Owner, which: KeyCondition, db: EntityManager): Promise<PersonalKey[]> {
    return db.findBy(PersonalKey, { ...ownerOf(owner), ...which });
  }

  async insert(key: PersonalKey, db: EntityManager): Promise<void> {
    await db.insert(PersonalKey, key);
  }

  async delete(owner: Owner, id: string, db: EntityManager): Promise<void> {
    await db.delete(PersonalKey, { ...ownerOf(owner), id });
  }

  /**
   * Adds to the counts of today, in one statement. What the day before left uncounted in the audit log must be taken first.
   * @param day today in UTC
   */
  async addUses(uses: readonly KeyUse[], day: string, db: EntityManager): Promise<void> {
    // Locked in order of id, so that replicas wait for each other.
    await db.query(
      `WITH counted AS (
         SELECT key.id, used.at, used.uses
           FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[]) AS used (id, at, uses)
           JOIN personal_keys key ON key.id = used.id
          ORDER BY key.id FOR UPDATE OF key
       )
       UPDATE personal_keys key
          SET last_used_at = greatest(key.last_used_at, counted.at), uses = key.uses + counted.uses, uses_day = $4
         FROM counted WHERE key.id = counted.id`,
      [
        uses.map(({ keyId }) => keyId),
        uses.map(({ lastUsedAt }) => lastUsedAt),
        uses.map((use) => use.uses),
        day,
      ],
    );
  }

  /** Takes the counts of days before `day`, in order of tenant; nobody else gets them. */
  async takeCountsBefore(day: string, db: EntityManager): Promise<CountedDay[]> {
    return this.takeCounts('uses > 0 AND uses_day < $1', [day], db);
  }

  /** Takes the count of one key, whatever its day. */
  async takeCount(keyId: string, db: EntityManager): Promise<CountedDay[]> {
    return this.takeCounts('uses > 0 AND id = $1', [keyId], db);
  }

  private async takeCounts(
    condition: string,
    values: readonly string[],
    db: EntityManager,
  ): Promise<CountedDay[]> {
    const [rows] = await db.query<[CountedDay[], number]>(
      `WITH counted AS (
         SELECT id, uses_day, uses FROM personal_keys WHERE ${condition} ORDER BY id FOR UPDATE
       )
       UPDATE personal_keys key SET uses = 0 FROM counted WHERE key.id = counted.id RETURNING ${countedColumns}`,
      [...values],
    );
    return rows.sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
  }
}
