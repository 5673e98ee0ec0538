import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** The one row by which triggers and queries know how words are made. */
@Entity('search_configuration')
@Check('ck_search_configuration_id', 'id = 1')
export class SearchConfiguration {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'pk_search_configuration' })
  id!: number;

  /** A text search configuration of Postgres. */
  @Column('varchar', { length: 130 })
  name!: string;

  /** Threads after this one, by id, are not indexed by this configuration yet; null when all are. */
  @Column('uuid', { nullable: true })
  pendingAfter!: string | null;

  /** Nor are the messages after this one of the thread `pendingAfter`; null when all of that are. */
  @Column('uuid', { nullable: true })
  pendingMessage!: string | null;
}
