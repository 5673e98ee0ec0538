import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { Scope } from '../auth/scopes.js';

/** A credential of a program (identity.md, API tokens). The secret itself is nowhere. */
@Entity('api_tokens')
@ForeignKey('users', ['tenantId', 'ownerId'], ['tenantId', 'id'], {
  name: 'fk_api_tokens_owner',
  onDelete: 'CASCADE',
})
@Unique('uq_api_tokens_hash', ['tokenHash'])
@Index('ix_api_tokens_owner', ['tenantId', 'ownerId', 'id'])
export class ApiToken {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_api_tokens' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  /** The person or service account it acts for. */
  @Column('uuid')
  ownerId!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** SHA-256. */
  @Column('bytea')
  tokenHash!: Buffer;

  /** The first characters after the prefix, to recognise it by. */
  @Column('varchar', { length: 8 })
  hint!: string;

  @Column('text', { array: true })
  scopes!: Scope[];

  /** Null for every model that its owner may use. */
  @Column('text', { array: true, nullable: true })
  models!: string[] | null;

  /** CIDR; empty for any. */
  @Column('text', { array: true })
  allowedNetworks!: string[];

  @Column('integer', { nullable: true })
  requestsPerMinute!: number | null;

  /** The id of the first of those that were rotated into each other: they spend together. */
  @Column('uuid')
  budgetId!: string;

  /** Per calendar month in UTC. */
  @Column('bigint', { nullable: true })
  monthlyTokenBudget!: string | null;

  /** In micro-units of the accounting currency, per calendar month in UTC. */
  @Column('bigint', { nullable: true })
  monthlyCostBudgetMicros!: string | null;

  @Column('uuid')
  createdBy!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  expiresAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  revokedAt!: Date | null;

  /** What it was rotated into. */
  @Column('uuid', { nullable: true })
  successorId!: string | null;

  /** To the minute. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  lastUsedAt!: Date | null;

  /** The network, not the host: /24 or /48. */
  @Column('varchar', { length: 45, nullable: true })
  lastUsedIp!: string | null;
}
