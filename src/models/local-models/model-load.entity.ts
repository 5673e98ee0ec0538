import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProviderErrorCode } from '../../llm-providers/contract/provider-error.js';

/** Why a load failed; `interrupted` when nobody wanted it any more, or its replica is gone. */
export type LoadFailureCode = ProviderErrorCode | 'interrupted';

/**
 * The loading of a model by its server. All who may use the connection share it, and it is told to those tenants of which somebody
 * asked for it. All times are the database's: clocks of machines differ.
 */
@Entity('model_loads')
@Index('uq_model_loads_loading', ['connectionId', 'model'], { unique: true, where: `state = 'loading'` })
@Index('ix_model_loads_model', ['connectionId', 'model', 'startedAt'])
@Index('ix_model_loads_finished', ['finishedAt'])
export class ModelLoad {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_model_loads' })
  id!: string;

  @Column('varchar', { length: 100 })
  connectionId!: string;

  /** Of whom somebody asked for it. */
  @Column('uuid', { array: true, default: [] })
  tenantIds!: string[];

  /** The vendor's id. */
  @Column('varchar', { length: 500 })
  model!: string;

  @Column('varchar', { length: 10 })
  state!: 'loading' | 'loaded' | 'error';

  /** Somebody asked for it by itself: it goes on although no message waits for it. */
  @Column('boolean')
  requested!: boolean;

  /** 0 to 1; null while the server does not say. */
  @Column('real', { nullable: true })
  progress!: number | null;

  @Column('varchar', { length: 30, nullable: true })
  errorCode!: LoadFailureCode | null;

  /** How often the server was asked, the first time included. */
  @Column('integer')
  attempts!: number;

  @Column('timestamp with time zone', { precision: 3 })
  startedAt!: Date;

  /** The last sign of life of the replica that loads it. */
  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  finishedAt!: Date | null;
}

/** A load as it was read, or as it will be written. */
export type LoadRecord = Readonly<Pick<ModelLoad, keyof ModelLoad>>;
