import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { JournalEvent } from './generation-event.js';

/** A batch of consecutive events of a message that is being generated; gone when the message is finished. */
@Entity('generation_journal')
export class JournalEntry {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_generation_journal' })
  @ForeignKey('messages', { name: 'fk_generation_journal_message', onDelete: 'CASCADE' })
  messageId!: string;

  /** Number of the first event in the batch. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'pk_generation_journal' })
  firstEvent!: number;

  @Column('jsonb')
  events!: JournalEvent[];
}
