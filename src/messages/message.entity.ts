import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { MessagePart, MessageRole, MessageStatus } from './message.js';

@Entity('messages')
@Unique('uq_messages_owner', ['tenantId', 'userId', 'threadId', 'id'])
@ForeignKey('threads', ['tenantId', 'userId', 'threadId'], ['tenantId', 'userId', 'id'], {
  name: 'fk_messages_thread',
  onDelete: 'CASCADE',
})
@ForeignKey(
  'messages',
  ['tenantId', 'userId', 'threadId', 'parentId'],
  ['tenantId', 'userId', 'threadId', 'id'],
  { name: 'fk_messages_parent', onDelete: 'CASCADE' },
)
@Check('ck_messages_role', `role IN ('user', 'assistant', 'system', 'tool')`)
@Check(
  'ck_messages_status',
  `status IN ('pending', 'streaming', 'complete', 'interrupted', 'cancelled', 'error')`,
)
@Index('ix_messages_current', ['threadId', 'id'], { where: 'on_current_branch' })
@Index('ix_messages_current_model', ['threadId', 'modelId', 'id'], { where: 'on_current_branch' })
@Index('ix_messages_thread_model', ['threadId', 'modelId', 'id'])
@Index('ix_messages_parent', ['parentId'])
@Index('uq_messages_generating', ['threadId', 'modelId'], {
  unique: true,
  where: `status IN ('pending', 'streaming')`,
})
@Index('ix_messages_generating_of', ['tenantId', 'userId'], { where: `status IN ('pending', 'streaming')` })
@Index('ix_messages_replica', ['replicaId'], { where: 'replica_id IS NOT NULL' })
export class Message {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_messages' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  @Column('uuid')
  threadId!: string;

  @Column('varchar', { length: 200 })
  modelId!: string;

  @Column('uuid', { nullable: true })
  parentId!: string | null;

  /** Whether it is on the way from the root to the current leaf of its model in the thread. */
  @Column('boolean', { default: true })
  onCurrentBranch!: boolean;

  @Column('varchar', { length: 20 })
  role!: MessageRole;

  @Column('varchar', { length: 20 })
  status!: MessageStatus;

  @Column('text')
  content!: string;

  @Column('jsonb')
  parts!: MessagePart[];

  @Column('varchar', { length: 60, nullable: true })
  provider!: string | null;

  /** The model that answered, as the provider names it. */
  @Column('varchar', { length: 200, nullable: true })
  providerModel!: string | null;

  @Column('double precision', { nullable: true })
  temperature!: number | null;

  @Column('integer', { nullable: true })
  inputTokens!: number | null;

  @Column('integer', { nullable: true })
  outputTokens!: number | null;

  @Column('integer', { nullable: true })
  cachedTokens!: number | null;

  /** In micro-units of the currency, by the price in force when it was made; null where nobody said what it costs. */
  @Column('bigint', { nullable: true })
  costMicros!: string | null;

  @Column('varchar', { length: 3, nullable: true })
  currency!: string | null;

  @Column('varchar', { length: 40, nullable: true })
  finishReason!: string | null;

  @Column('varchar', { length: 100, nullable: true })
  providerFinishReason!: string | null;

  @Column('integer', { nullable: true })
  timeToFirstTokenMs!: number | null;

  @Column('integer', { nullable: true })
  durationMs!: number | null;

  @Column('varchar', { length: 60, nullable: true })
  errorCode!: string | null;

  /** The replica that is generating this message; null when it is finished. */
  @Column('uuid', { nullable: true })
  replicaId!: string | null;

  @Column('boolean')
  cancelRequested!: boolean;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;
}
