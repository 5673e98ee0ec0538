import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { JournalEvent } from './generation-event.js';

/** A batch of consecutive events of a message that is being generated; gone when the message is finished. */
@Entity('generation_journal')
@ForeignKey(
  'messages',
  ['tenantId', 'userId', 'threadId', 'messageId'],
  ['tenantId', 'userId', 'threadId', 'id'],
  { name: 'fk_generation_journal_message', onDelete: 'CASCADE' },
)
export class JournalEntry {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_generation_journal' })
  messageId!: string;

  /** Number of the first event in the batch. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'pk_generation_journal' })
  firstEvent!: number;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  @Column('uuid')
  threadId!: string;

  @Column('jsonb')
  events!: JournalEvent[];
}
