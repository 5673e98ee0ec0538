import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type EntityManager, type Repository } from 'typeorm';
import type { Owner } from '../../common/owner.js';
import { ModelAlias } from './model-alias.entity.js';

@Injectable()
export class ModelAliasesRepository {
  constructor(@InjectRepository(ModelAlias) private readonly aliases: Repository<ModelAlias>) {}

  /** By name. */
  personal({ tenantId, userId }: Owner, db = this.aliases.manager): Promise<ModelAlias[]> {
    return db.find(ModelAlias, { where: { tenantId, ownerId: userId }, order: { name: 'ASC' } });
  }

  /** By name. */
  shared(tenantId: string, db = this.aliases.manager): Promise<ModelAlias[]> {
    return db.find(ModelAlias, { where: { tenantId, ownerId: IsNull() }, order: { name: 'ASC' } });
  }

  /** Nobody else in the tenant changes an alias until the transaction ends: two changes together could make a cycle. */
  async lockAll(tenantId: string, db: EntityManager): Promise<void> {
    await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`model_aliases ${tenantId}`]);
  }

  async insert(alias: ModelAlias, db: EntityManager): Promise<void> {
    await db.insert(ModelAlias, alias);
  }

  async replace(tenantId: string, alias: ModelAlias, db: EntityManager): Promise<void> {
    await db.update(ModelAlias, { tenantId, id: alias.id }, alias);
  }

  /** Whether it was there. */
  async remove(tenantId: string, id: string, db: EntityManager): Promise<boolean> {
    return (await db.delete(ModelAlias, { tenantId, id })).affected === 1;
  }
}
