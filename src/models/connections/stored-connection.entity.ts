import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import type { Connection, ConnectionTimeouts } from '../../llm-providers/contract/connection.js';
import type { ModelInfo } from '../../llm-providers/contract/model-info.js';
import type { ProviderKind } from '../../llm-providers/contract/provider-kind.js';
import type { PersonalKeyRule } from './personal-key-rule.js';

/** A connection that the admins of a tenant made. Its secrets lie sealed elsewhere. */
@Entity('connections')
@Unique('uq_connections_name', ['tenantId', 'name'])
@ForeignKey('tenants', ['tenantId'], ['id'], { name: 'fk_connections_tenant', onDelete: 'CASCADE' })
@ForeignKey('sealed_secrets', ['credentialId'], ['id'], { name: 'fk_connections_credential' })
@ForeignKey('sealed_secrets', ['headersId'], ['id'], { name: 'fk_connections_headers' })
@Check('ck_connections_personal_keys', `personal_keys IN ('none', 'allowed', 'required')`)
export class StoredConnection {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_connections' })
  id!: string;

  /** Whose admins made it and see it; others may only use it, when it is shared. */
  @Column('uuid')
  tenantId!: string;

  /** As of `Connection`. */
  @Column('integer')
  version!: number;

  @Column('varchar', { length: 40 })
  kind!: ProviderKind;

  @Column('varchar', { length: 100 })
  name!: string;

  @Column('varchar', { length: 2000 })
  baseUrl!: string;

  @Column('uuid', { nullable: true })
  credentialId!: string | null;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  credentialSetAt!: Date | null;

  /** The values by name, as JSON, sealed together. */
  @Column('uuid', { nullable: true })
  headersId!: string | null;

  @Column('text', { array: true })
  headerNames!: string[];

  /** Otherwise with the tenants of `ConnectionTenant`. */
  @Column('boolean')
  sharedWithAll!: boolean;

  @Column('boolean')
  enabled!: boolean;

  /** Where they differ from what the settings say. */
  @Column('jsonb')
  timeouts!: Partial<ConnectionTimeouts>;

  @Column('varchar', { length: 20 })
  personalKeys!: PersonalKeyRule;

  /** Null for all that the vendor lists. */
  @Column('text', { array: true, nullable: true })
  models!: string[] | null;

  @Column('jsonb')
  options!: NonNullable<Connection['options']>;

  /** What the vendor listed at `syncedAt`. */
  @Column('jsonb', { nullable: true })
  knownModels!: readonly ModelInfo[] | null;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  syncedAt!: Date | null;

  /** When it was last verified, with whatever result. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  verifiedAt!: Date | null;

  /** Of the error catalogue: why that failed; null when it did not. */
  @Column('varchar', { length: 60, nullable: true })
  failureCode!: string | null;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}

/** Of one connection, all columns. */
export type ConnectionRow = Pick<StoredConnection, keyof StoredConnection>;
