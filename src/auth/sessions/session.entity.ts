import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** One login on one device. Ends by revocation, by idling, or at `expiresAt`, whichever comes first. */
@Entity('sessions')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_sessions_user',
  onDelete: 'CASCADE',
})
@Unique('uq_sessions_tenant', ['tenantId', 'id'])
@Index('ix_sessions_user', ['tenantId', 'userId'])
@Index('ix_sessions_expiry', ['expiresAt'])
@Index('ix_sessions_provider', ['providerIssuer', 'providerSessionId'])
export class Session {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_sessions' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  idleExpiresAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  expiresAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  revokedAt!: Date | null;

  @Column('varchar', { length: 40, nullable: true })
  revokedReason!: string | null;

  @Column('varchar', { length: 300, nullable: true })
  userAgent!: string | null;

  @Column('varchar', { length: 45, nullable: true })
  ip!: string | null;

  /** When the person last proved who they are, which may be before the session: single sign-on. Null when nobody told. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  authenticatedAt!: Date | null;

  /** When it was opened or last refreshed. */
  @Column('timestamp with time zone', { precision: 3, default: () => 'now()' })
  lastSeenAt!: Date;

  /** Null for a local login. */
  @Column('text', { nullable: true })
  providerIssuer!: string | null;

  /** What the provider calls its session (claim `sid`), for back-channel logout. */
  @Column('text', { nullable: true })
  providerSessionId!: string | null;

  /** What the provider gave us of tokens, sealed. */
  @Column('bytea', { nullable: true })
  providerTokens!: Buffer | null;

  /** When the provider was last asked whether the person is still who they were. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  providerCheckedAt!: Date | null;
}
