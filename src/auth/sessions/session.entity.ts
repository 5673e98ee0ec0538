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
}
