import { Injectable } from '@nestjs/common';
import { IsNull, Not } from 'typeorm';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { SearchConfiguration } from './search-configuration.entity.js';

/** So few that a post to one of them waits for some milliseconds at most. */
const threadsAtOnce = 5;

const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Whether there is more to do, nothing, or what another replica is at. */
export type IndexProgress = 'some' | 'done' | 'others';

@Injectable()
export class SearchIndexRepository {
  constructor(private readonly transactions: Transactions) {}

  /** Makes words by this configuration of Postgres from now on. Answers whether there is one of that name. */
  configure(name: string): Promise<boolean> {
    return this.transactions.run(async (db) => {
      const known = await db.query<unknown[]>('SELECT FROM pg_ts_config WHERE oid::regconfig::text = $1', [
        name,
      ]);
      if (known.length === 0) return false;
      await db
        .createQueryBuilder()
        .update(SearchConfiguration)
        .set({ name, pendingAfter: beforeAll })
        .where('name <> :name', { name })
        .execute();
      return true;
    });
  }

  /**
   * Indexes the next threads of all tenants that are not indexed by the configuration of now. Each is locked, as by whoever
   * changes its texts, so that neither undoes what the other wrote.
   */
  indexSome(): Promise<IndexProgress> {
    return this.transactions.run(async (db) => {
      const [pending] = await db.query<{ after: string }[]>(
        'SELECT pending_after AS after FROM search_configuration WHERE pending_after IS NOT NULL FOR UPDATE SKIP LOCKED',
      );
      if (pending === undefined) {
        return (await db.existsBy(SearchConfiguration, { pendingAfter: Not(IsNull()) })) ? 'others' : 'done';
      }
      const threads = await db.query<{ id: string }[]>(
        `SELECT id FROM threads WHERE id > $1 ORDER BY id LIMIT ${threadsAtOnce} FOR UPDATE`,
        [pending.after],
      );
      for (const { id } of threads) await db.query('SELECT search_index_thread($1)', [id]);
      const last = threads.at(-1)?.id ?? null;
      await db.update(SearchConfiguration, { id: 1 }, { pendingAfter: last });
      return last === null ? 'done' : 'some';
    });
  }
}
