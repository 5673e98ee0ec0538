import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A running process. Its heartbeat, by the database's clock, is the lease on every message that it is generating. */
@Entity('replicas')
export class Replica {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_replicas' })
  id!: string;

  @Column('timestamp with time zone', { precision: 3 })
  startedAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  heartbeatAt!: Date;
}
