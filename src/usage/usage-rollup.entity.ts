import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Calls that began in one hour and are alike. What a record lacks is the nil UUID or empty here. */
@Entity('usage_rollups')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_usage_rollups_user',
  onDelete: 'CASCADE',
})
@Index('ix_usage_rollups_user', ['tenantId', 'userId', 'hour'])
export class UsageRollup {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_usage_rollups' })
  tenantId!: string;

  @PrimaryColumn('timestamp with time zone', { precision: 3, primaryKeyConstraintName: 'pk_usage_rollups' })
  hour!: Date;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_usage_rollups' })
  userId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_usage_rollups' })
  tokenId!: string;

  @PrimaryColumn('varchar', { length: 30, primaryKeyConstraintName: 'pk_usage_rollups' })
  door!: string;

  @PrimaryColumn('varchar', { length: 200, primaryKeyConstraintName: 'pk_usage_rollups' })
  modelId!: string;

  @PrimaryColumn('varchar', { length: 30, primaryKeyConstraintName: 'pk_usage_rollups' })
  provider!: string;

  @PrimaryColumn('varchar', { length: 3, primaryKeyConstraintName: 'pk_usage_rollups' })
  currency!: string;

  @Column('bigint')
  requests!: string;

  @Column('bigint')
  errors!: string;

  @Column('bigint')
  inputTokens!: string;

  @Column('bigint')
  outputTokens!: string;

  @Column('bigint')
  cachedInputTokens!: string;

  @Column('bigint')
  cacheWriteTokens!: string;

  @Column('bigint')
  reasoningTokens!: string;

  @Column('bigint')
  costMicros!: string;

  /** As `countsOf` has it. */
  @Column('bigint', { array: true })
  firstTokenCounts!: string[];

  @Column('bigint', { array: true })
  durationCounts!: string[];
}
