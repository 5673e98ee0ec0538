import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { OverriddenFields } from './catalogue-model.js';

/** What the admins of a tenant say of a model, be there such a model at the moment or not. */
@Entity('model_overrides')
@ForeignKey('tenants', ['tenantId'], ['id'], { name: 'fk_model_overrides_tenant', onDelete: 'CASCADE' })
export class ModelOverride {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_model_overrides' })
  tenantId!: string;

  @PrimaryColumn('varchar', { length: 200, primaryKeyConstraintName: 'pk_model_overrides' })
  modelId!: string;

  @Column('jsonb')
  fields!: OverriddenFields;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}
