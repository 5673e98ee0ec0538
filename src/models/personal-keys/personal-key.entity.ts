import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** A key of somebody's own for one connection. The key itself lies sealed elsewhere. Another key is another row. */
@Entity('personal_keys')
@Unique('uq_personal_keys_connection', ['tenantId', 'userId', 'connectionId'])
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_personal_keys_user',
  onDelete: 'CASCADE',
})
@ForeignKey('sealed_secrets', ['secretId'], ['id'], { name: 'fk_personal_keys_secret' })
@Index('ix_personal_keys_secret', ['secretId'])
@Index('ix_personal_keys_connection', ['connectionId'])
export class PersonalKey {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_personal_keys' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  /** `Connection.id`: of one that is stored, or that the settings make. */
  @Column('varchar', { length: 100 })
  connectionId!: string;

  /** The name of the connection when the key was given. */
  @Column('varchar', { length: 100 })
  provider!: string;

  /** Where the key was verified, and the only place that it is sent to. */
  @Column('varchar', { length: 2000 })
  baseUrl!: string;

  @Column('uuid')
  secretId!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  /** To the minute. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  lastUsedAt!: Date | null;
}

/** Whose key a call is made with. */
export type UsedKey = Pick<PersonalKey, 'id' | 'tenantId' | 'userId' | 'provider'>;
