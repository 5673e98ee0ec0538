import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Which answer a request with an `Idempotency-Key` began. Gone with the answer, and after a day. */
@Entity('idempotency_keys')
@ForeignKey(
  'messages',
  ['tenantId', 'userId', 'threadId', 'messageId'],
  ['tenantId', 'userId', 'threadId', 'id'],
  { name: 'fk_idempotency_keys_message', onDelete: 'CASCADE' },
)
@Index('ix_idempotency_keys_message', ['messageId'])
@Index('ix_idempotency_keys_created', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_idempotency_keys' })
  tenantId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_idempotency_keys' })
  userId!: string;

  /** What was asked for, such as `post`: the same key may be used once for each. */
  @PrimaryColumn('varchar', { length: 20, primaryKeyConstraintName: 'pk_idempotency_keys' })
  route!: string;

  @PrimaryColumn('varchar', { length: 255, primaryKeyConstraintName: 'pk_idempotency_keys' })
  key!: string;

  /** SHA-256 of what the request said. */
  @Column('bytea')
  fingerprint!: Buffer;

  @Column('uuid')
  threadId!: string;

  /** The answer. */
  @Column('uuid')
  messageId!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;
}
