import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** What one model has of a thread: its own counters and the end of its current branch. */
@Entity('thread_models')
@ForeignKey('threads', ['tenantId', 'userId', 'threadId'], ['tenantId', 'userId', 'id'], {
  name: 'fk_thread_models_thread',
  onDelete: 'CASCADE',
})
export class ThreadModel {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_thread_models' })
  threadId!: string;

  @PrimaryColumn('varchar', { length: 200, primaryKeyConstraintName: 'pk_thread_models' })
  modelId!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  @Column('integer')
  messageCount!: number;

  @Column('timestamp with time zone', { precision: 3 })
  lastMessageAt!: Date;

  @Column('uuid')
  currentLeafId!: string;

  /** Of what is older than the messages that the model is shown in full. */
  @Column('text', { nullable: true })
  summary!: string | null;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  summaryUpdatedAt!: Date | null;

  /** The last message that the summary covers; null without a summary. Of use only to branches on which that message lies. */
  @Column('uuid', { nullable: true })
  summaryThroughId!: string | null;

  /** Until then, by the database's clock, somebody is making the next summary; null when nobody is. */
  @Column('timestamp with time zone', { precision: 3, nullable: true })
  summarizingUntil!: Date | null;
}
