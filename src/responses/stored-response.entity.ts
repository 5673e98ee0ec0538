import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** How a response stands, in the words of OpenAI: https://platform.openai.com/docs/api-reference/responses/object */
export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** A response that a program may ask for again, and continue from. What is JSON is text here: nothing asks the database what is in it. */
@Entity('stored_responses')
@ForeignKey('users', ['tenantId', 'userId'], ['tenantId', 'id'], {
  name: 'fk_stored_responses_user',
  onDelete: 'CASCADE',
})
@Index('ix_stored_responses_user', ['tenantId', 'userId'])
@Index('ix_stored_responses_created', ['createdAt'])
@Index('ix_stored_responses_under_way', ['tenantId', 'userId'], { where: `status = 'in_progress'` })
@Check(
  'ck_stored_responses_status',
  `status IN ('in_progress', 'completed', 'incomplete', 'failed', 'cancelled')`,
)
export class StoredResponse {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_stored_responses' })
  id!: string;

  @Column('uuid')
  tenantId!: string;

  @Column('uuid')
  userId!: string;

  /** The response that this one continues from, which may be gone: so no foreign key. */
  @Column('uuid', { nullable: true })
  previousId!: string | null;

  /** Responses of the conversation up to this one: a chain with fewer has lost one. */
  @Column('integer')
  chainLength!: number;

  /** Of what was said in them, as JSON. */
  @Column('integer')
  chainBytes!: number;

  /** The name that was asked for, which allow lists of tokens know. */
  @Column('varchar', { length: 200 })
  modelId!: string;

  @Column('boolean')
  background!: boolean;

  @Column('varchar', { length: 20 })
  status!: ResponseStatus;

  /** Who answers; null when nobody does. */
  @Column('uuid', { nullable: true })
  replicaId!: string | null;

  /** JSON of the response as it was last told, without its output. */
  @Column('text')
  response!: string;

  /** JSON of the items that its request said itself: those of a conversation are in the responses before. */
  @Column('text')
  input!: string;

  /** JSON of the items that were answered, with what is encrypted. */
  @Column('text')
  output!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;
}
