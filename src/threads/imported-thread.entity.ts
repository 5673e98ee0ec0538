import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

const primaryKeyConstraintName = 'pk_imported_threads';

/** From which conversation, of which source, a thread was imported. Gone with the thread: then it may be imported once more. */
@Entity('imported_threads')
@Unique('uq_imported_threads_thread', ['tenantId', 'userId', 'threadId'])
@ForeignKey('threads', ['tenantId', 'userId', 'threadId'], ['tenantId', 'userId', 'id'], {
  name: 'fk_imported_threads_thread',
  onDelete: 'CASCADE',
})
export class ImportedThread {
  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  tenantId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  userId!: string;

  /** Who made the file. */
  @PrimaryColumn('varchar', { length: 20, primaryKeyConstraintName })
  source!: string;

  /** What the conversation is called there. */
  @PrimaryColumn('varchar', { length: 200, primaryKeyConstraintName })
  sourceId!: string;

  @Column('uuid')
  threadId!: string;

  /** SHA-256 of what was said when it was imported: tells a newer export of it from the same one. */
  @Column('bytea')
  contentHash!: Buffer;
}
