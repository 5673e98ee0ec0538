import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type EntityManager, type Repository } from 'typeorm';
import { ownerOf, type Owner } from '../../common/owner.js';
import { PersonalKey } from './personal-key.entity.js';

@Injectable()
export class PersonalKeysRepository {
  constructor(@InjectRepository(PersonalKey) private readonly keys: Repository<PersonalKey>) {}

  list(owner: Owner, db: EntityManager = this.keys.manager): Promise<PersonalKey[]> {
    return db.find(PersonalKey, { where: ownerOf(owner), order: { provider: 'ASC' } });
  }

  /** Which of these there are, of whomever. */
  async existing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const keys = await this.keys.find({ select: { id: true }, where: { id: In(ids) } });
    return new Set(keys.map(({ id }) => id));
  }

  /** One change of somebody's keys comes after the other until the transaction ends. */
  async lock({ tenantId, userId }: Owner, db: EntityManager): Promise<void> {
    await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `personal_keys ${tenantId} ${userId}`,
    ]);
  }

  async insert(key: PersonalKey, db: EntityManager): Promise<void> {
    await db.insert(PersonalKey, key);
  }

  /** With its secret, by a trigger. */
  async delete(owner: Owner, id: string, db: EntityManager): Promise<void> {
    await db.delete(PersonalKey, { ...ownerOf(owner), id });
  }

  /** Those of everybody, with their secrets. */
  async deleteOf(connectionId: string, db: EntityManager): Promise<void> {
    await db.delete(PersonalKey, { connectionId });
  }
}
