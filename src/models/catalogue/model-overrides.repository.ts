import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import type { OverriddenFields } from './catalogue-model.js';
import { ModelOverride } from './model-override.entity.js';

@Injectable()
export class ModelOverridesRepository {
  constructor(@InjectRepository(ModelOverride) private readonly overrides: Repository<ModelOverride>) {}

  /** Of every model of a tenant, by the id of the model. */
  async all(tenantId: string): Promise<ReadonlyMap<string, OverriddenFields>> {
    const rows = await this.overrides.findBy({ tenantId });
    return new Map(rows.map(({ modelId, fields }) => [modelId, fields]));
  }

  /** Nobody else changes what is said of the model until the transaction ends, also when nothing is said yet. */
  async lock(tenantId: string, modelId: string, db: EntityManager): Promise<OverriddenFields | undefined> {
    await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `model_overrides ${tenantId} ${modelId}`,
    ]);
    return (await db.findOneBy(ModelOverride, { tenantId, modelId }))?.fields;
  }

  async put(tenantId: string, override: Omit<ModelOverride, 'tenantId'>, db: EntityManager): Promise<void> {
    await db.upsert(ModelOverride, { tenantId, ...override }, ['tenantId', 'modelId']);
  }

  async remove(tenantId: string, modelId: string, db: EntityManager): Promise<void> {
    await db.delete(ModelOverride, { tenantId, modelId });
  }
}
