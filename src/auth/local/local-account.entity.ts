import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** The password of a user who logs in here and not at an identity provider. */
@Entity('local_accounts')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_local_accounts_user',
  onDelete: 'CASCADE',
})
@Unique('uq_local_accounts_username', ['usernameKey'])
export class LocalAccount {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_local_accounts' })
  userId!: string;

  @Column('uuid')
  tenantId!: string;

  /** The username as it is compared: NFKC, lower case. */
  @Column('varchar', { length: 200 })
  usernameKey!: string;

  /** argon2id, in PHC form. */
  @Column('text')
  passwordHash!: string;

  @Column('timestamp with time zone', { precision: 3 })
  passwordChangedAt!: Date;
}
