import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export type ActorKind = 'user' | 'token' | 'system' | 'anonymous';
export type AuditOutcome = 'success' | 'failure';

/** What somebody did, chained to the row before it of the same tenant. Never changed, never removed. */
@Entity('audit_events')
@Index('ix_audit_events_at', ['tenantId', 'at', 'seq'])
@Index('ix_audit_events_actor', ['tenantId', 'actorUserId', 'at', 'seq'])
@Index('ix_audit_events_token', ['tenantId', 'actorTokenId', 'at', 'seq'], {
  where: 'actor_token_id IS NOT NULL',
})
@Index('ix_audit_events_action', ['tenantId', 'action', 'at', 'seq'])
@Index('ix_audit_events_target_kind', ['tenantId', 'targetKind', 'at', 'seq'])
@Index('ix_audit_events_target', ['tenantId', 'targetId', 'at', 'seq'], { where: 'target_id IS NOT NULL' })
@Index('ix_audit_events_failure', ['tenantId', 'at', 'seq'], { where: `outcome = 'failure'` })
@Check('ck_audit_events_actor', `actor_kind IN ('user', 'token', 'system', 'anonymous')`)
@Check('ck_audit_events_outcome', `outcome IN ('success', 'failure')`)
export class AuditEvent {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_audit_events' })
  @ForeignKey('tenants', { name: 'fk_audit_events_tenant' })
  tenantId!: string;

  /** From 1, without gaps. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'pk_audit_events' })
  seq!: string;

  @Column('timestamp with time zone', { precision: 3 })
  at!: Date;

  @Column('varchar', { length: 20 })
  actorKind!: ActorKind;

  @Column('uuid', { nullable: true })
  actorUserId!: string | null;

  @Column('uuid', { nullable: true })
  actorTokenId!: string | null;

  @Column('varchar', { length: 60 })
  action!: string;

  @Column('varchar', { length: 40, nullable: true })
  targetKind!: string | null;

  /** As on the wire. */
  @Column('varchar', { length: 200, nullable: true })
  targetId!: string | null;

  @Column('varchar', { length: 20 })
  outcome!: AuditOutcome;

  @Column('varchar', { length: 64, nullable: true })
  requestId!: string | null;

  @Column('varchar', { length: 45, nullable: true })
  ip!: string | null;

  @Column('jsonb')
  details!: object;

  @Column('bytea')
  previousHash!: Buffer;

  @Column('bytea')
  hash!: Buffer;
}
