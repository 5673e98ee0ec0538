import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Ids } from '../common/ids.js';
import { Replica } from './replica.entity.js';

/** Rows of replicas that are long gone are swept after this many hours. */
const forgetAfterHours = 24;

/** This process among those on the same database. All times are the database's: clocks of machines differ. */
@Injectable()
export class Replicas {
  /** A new id at every start: a restarted process is not the one that held its leases. */
  readonly own: string;

  constructor(
    private readonly dataSource: DataSource,
    ids: Ids,
  ) {
    this.own = ids.next();
  }

  async beat(): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO replicas (id, started_at, heartbeat_at) VALUES ($1, now(), now())
       ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()`,
      [this.own],
    );
  }

  async forgetOld(): Promise<void> {
    await this.dataSource.query(
      'DELETE FROM replicas WHERE heartbeat_at < now() - make_interval(hours => $1)',
      [forgetAfterHours],
    );
  }

  /** After this the messages that it holds, if any, may be ended by others at once. */
  async leave(): Promise<void> {
    await this.dataSource.getRepository(Replica).delete({ id: this.own });
  }
}
