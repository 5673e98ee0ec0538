import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A call under way whose record is owed, and what is set aside for it. */
@Entity('open_calls')
@Index('ix_open_calls_expires', ['expiresAt'])
export class OpenCall {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_open_calls' })
  id!: string;

  /** The usage record, as it will be should nobody come back. */
  @Column('jsonb')
  record!: object;

  /** Null for what counts against no budget. */
  @Column('uuid', { nullable: true })
  budgetId!: string | null;

  @Column('date')
  month!: string;

  @Column('bigint')
  reservedTokens!: string;

  @Column('bigint')
  reservedMicros!: string;

  /** After this nobody is coming back. */
  @Column('timestamp with time zone', { precision: 3 })
  expiresAt!: Date;
}
