import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

export type SearchKind = 'title' | 'summary' | 'message';

const primaryKeyConstraintName = 'pk_search_documents';

/** The words of a part of something that a thread says. Triggers write it in the transaction that changes the text. */
@Entity('search_documents')
@ForeignKey('threads', ['tenantId', 'userId', 'threadId'], ['tenantId', 'userId', 'id'], {
  name: 'fk_search_documents_thread',
  onDelete: 'CASCADE',
})
@Check('ck_search_documents_kind', `kind IN ('title', 'summary', 'message')`)
export class SearchDocument {
  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  tenantId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  userId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  threadId!: string;

  /** The message; of a title the thread; of a summary the MD5 of its model. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName })
  sourceId!: string;

  /** Which part of the text, from 0. */
  @PrimaryColumn('integer', { primaryKeyConstraintName })
  part!: number;

  @Column('varchar', { length: 10 })
  kind!: SearchKind;

  @Column('tsvector')
  words!: string;
}
