import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A row of `UsageRecord`. Rows are only ever added. */
@Entity('usage_records')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_usage_records_user',
  onDelete: 'CASCADE',
})
@Check('ck_usage_records_status', `status IN ('complete', 'interrupted', 'cancelled', 'error')`)
@Index('ix_usage_records_recorded', ['recordedAt'])
@Index('ix_usage_records_tenant', ['tenantId', 'createdAt'])
@Index('ix_usage_records_user', ['tenantId', 'userId', 'createdAt'])
export class UsageRecordRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_usage_records' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  @Column('uuid', { nullable: true })
  tokenId!: string | null;

  @Column('varchar', { length: 30 })
  door!: string;

  @Column('varchar', { length: 200 })
  modelId!: string;

  @Column('varchar', { length: 200, nullable: true })
  providerModel!: string | null;

  @Column('varchar', { length: 30, nullable: true })
  provider!: string | null;

  @Column('varchar', { length: 200, nullable: true })
  connectionId!: string | null;

  @Column('boolean')
  personalKey!: boolean;

  @Column('varchar', { length: 20 })
  status!: string;

  @Column('varchar', { length: 60, nullable: true })
  errorCode!: string | null;

  @Column('integer')
  inputTokens!: number;

  @Column('integer')
  outputTokens!: number;

  @Column('integer')
  cachedInputTokens!: number;

  @Column('integer')
  cacheWriteTokens!: number;

  @Column('integer')
  reasoningTokens!: number;

  @Column('boolean')
  estimated!: boolean;

  @Column('bigint', { nullable: true })
  costMicros!: string | null;

  @Column('varchar', { length: 3, nullable: true })
  currency!: string | null;

  @Column('integer', { nullable: true })
  firstTokenMs!: number | null;

  @Column('integer')
  durationMs!: number;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  /** By the clock of the database. */
  @Column('timestamp with time zone', { default: () => 'clock_timestamp()' })
  recordedAt!: Date;
}
