import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Entity('threads')
@Unique('uq_threads_owner', ['tenantId', 'userId', 'id'])
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_threads_user',
  onDelete: 'CASCADE',
})
@Check('ck_threads_title_source', `title_source IN ('default', 'generated', 'person')`)
@Index('uq_threads_client', ['tenantId', 'userId', 'clientId'], {
  unique: true,
  where: 'client_id IS NOT NULL',
})
@Index('ix_threads_updated', ['tenantId', 'userId', 'updatedAt', 'id'])
@Index('ix_threads_created', ['tenantId', 'userId', 'createdAt', 'id'])
@Index('ix_threads_archived_updated', ['tenantId', 'userId', 'archived', 'updatedAt', 'id'])
@Index('ix_threads_archived_created', ['tenantId', 'userId', 'archived', 'createdAt', 'id'])
export class Thread {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_threads' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  /** What the client calls it by that began it with a message; null for one that was created as a thread. */
  @Column('varchar', { length: 200, nullable: true })
  clientId!: string | null;

  @Column('varchar', { length: 200 })
  title!: string;

  /** A job gives a title only where there is the default one. */
  @Column('varchar', { length: 10, default: 'person' })
  titleSource!: 'default' | 'generated' | 'person';

  @Column('boolean')
  archived!: boolean;

  @Column('integer')
  messageCount!: number;

  @Column('varchar', { length: 200, nullable: true })
  lastMessagePreview!: string | null;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}
