import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Entity('threads')
@Unique('uq_threads_owner', ['tenantId', 'userId', 'id'])
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_threads_user',
  onDelete: 'CASCADE',
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

  @Column('varchar', { length: 200 })
  title!: string;

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
