import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** What a user chose; null where nothing. A user who chose nothing yet has none. */
@Entity('profiles')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_profiles_user',
  onDelete: 'CASCADE',
})
export class Profile {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_profiles' })
  userId!: string;

  @Column('uuid')
  tenantId!: string;

  /** Shown instead of the name that the identity provider gives. */
  @Column('varchar', { length: 200, nullable: true })
  displayName!: string | null;

  /** BCP 47. */
  @Column('varchar', { length: 100, nullable: true })
  locale!: string | null;

  /** Of the IANA time zone database. */
  @Column('varchar', { length: 100, nullable: true })
  timeZone!: string | null;

  /** Given to models when neither the request nor the model's alias has one (conversations.md, Context). */
  @Column('text', { nullable: true })
  systemPrompt!: string | null;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}
