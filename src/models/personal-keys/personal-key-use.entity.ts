import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Calls with somebody's own key on one day that the audit log does not have yet. It outlives the key. */
@Entity('personal_key_uses')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_personal_key_uses_user',
  onDelete: 'CASCADE',
})
@Index('ix_personal_key_uses_day', ['day'])
export class PersonalKeyUse {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_personal_key_uses' })
  tenantId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_personal_key_uses' })
  userId!: string;

  /** The name of the connection at the time. */
  @PrimaryColumn('varchar', { length: 100, primaryKeyConstraintName: 'pk_personal_key_uses' })
  provider!: string;

  /** In UTC. */
  @PrimaryColumn('date', { primaryKeyConstraintName: 'pk_personal_key_uses' })
  day!: string;

  @Column('integer')
  uses!: number;
}
