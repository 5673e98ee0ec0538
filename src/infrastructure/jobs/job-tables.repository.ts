import { Injectable } from '@nestjs/common';
import type { Db } from 'pg-boss';
import { DataSource, type EntityManager } from 'typeorm';
import { jobsSchema } from '../database/application-role.js';
import { poolOf } from '../database/pool.js';

export interface WaitingJobs {
  /** Whose time has come. */
  readonly count: number;
  /** For how long the first of them has waited, in seconds; 0 when there is none. */
  readonly longestSeconds: number;
}

/** How pg-boss reaches its tables: by the connections of the application, of which it has none of its own. */
@Injectable()
export class JobTables implements Db {
  constructor(private readonly dataSource: DataSource) {}

  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    return poolOf(this.dataSource).query<Record<string, unknown>>(text, values);
  }

  /** The same in a transaction of the application. */
  within(db: EntityManager): Db {
    return {
      executeSql: async (text, values) => ({ rows: await db.query<unknown[]>(text, values) }),
    };
  }

  async waiting(queues: readonly string[]): Promise<WaitingJobs> {
    const [waiting] = await this.dataSource.query<WaitingJobs[]>(
      `SELECT count(*)::integer AS count,
              coalesce(extract(epoch FROM now() - min(start_after)), 0)::integer AS "longestSeconds"
         FROM ${jobsSchema}.job WHERE name = ANY($1) AND state < 'active' AND start_after <= now()`,
      [queues],
    );
    return waiting ?? { count: 0, longestSeconds: 0 };
  }
}
