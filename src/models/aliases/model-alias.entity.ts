import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { PresetParameters, RoutePolicy } from '../model-route.js';
import type { TargetReference } from './target-reference.js';

/** A name that people use like a model's: an alias of one target, or a router with several (models.md). */
@Entity('model_aliases')
@ForeignKey('users', ['tenantId', 'ownerId'], ['tenantId', 'id'], {
  name: 'fk_model_aliases_owner',
  onDelete: 'CASCADE',
})
@Index('uq_model_aliases_personal', ['tenantId', 'ownerId', 'name'], { unique: true })
@Index('uq_model_aliases_tenant', ['tenantId', 'name'], { unique: true, where: 'owner_id IS NULL' })
@Check('ck_model_aliases_kind', `kind IN ('alias', 'router')`)
@Check('ck_model_aliases_strategy', `strategy IN ('ordered', 'weighted')`)
export class ModelAlias {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_model_aliases' })
  id!: string;

  @Column('uuid')
  @ForeignKey('tenants', { name: 'fk_model_aliases_tenant' })
  tenantId!: string;

  /** Whose it is; null for the tenant's. */
  @Column('uuid', { nullable: true })
  ownerId!: string | null;

  /** What requests call it by: an id on the wire. */
  @Column('varchar', { length: 200 })
  name!: string;

  @Column('varchar', { length: 20 })
  kind!: 'alias' | 'router';

  /** For people; null for its name. */
  @Column('varchar', { length: 200, nullable: true })
  title!: string | null;

  /** One of an alias; in the router's order. */
  @Column('jsonb')
  targets!: TargetReference[];

  /** Of an alias; empty for a router, as is what follows up to `contextTokens`. */
  @Column('jsonb')
  parameters!: PresetParameters;

  @Column('text', { nullable: true })
  systemPrompt!: string | null;

  @Column('integer', { nullable: true })
  contextTokens!: number | null;

  /** Of a router; for an alias it says nothing, as does what follows up to `cooldownMs`. */
  @Column('varchar', { length: 20 })
  strategy!: RoutePolicy['strategy'];

  /** Null for as many as there are targets. */
  @Column('integer', { nullable: true })
  maxAttempts!: number | null;

  @Column('integer')
  cooldownMs!: number;

  @Column('uuid')
  createdBy!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}
