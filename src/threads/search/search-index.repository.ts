import { Injectable } from '@nestjs/common';
import { IsNull, Not, type EntityManager } from 'typeorm';
import { firstWithin } from '../../common/first-within.js';
import { isRetryable } from '../../infrastructure/database/database-errors.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Log } from '../../infrastructure/logging/log.js';
import { SearchConfiguration } from './search-configuration.entity.js';

/** So few that a post to their thread waits for a second or two at most. */
const messagesAtOnce = 100;
const bytesAtOnce = 1_000_000;

const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Whether there is more to do, nothing, or what another replica is at. */
export type IndexProgress = 'some' | 'done' | 'others';

interface Pending {
  readonly thread: string;
  readonly message: string | null;
}

/** Some messages of a thread, in order of id. */
interface Slice {
  readonly thread: string;
  /** Whether title and summaries are to be indexed with them. */
  readonly isNew: boolean;
  readonly isLast: boolean;
  readonly messages: readonly string[];
}

@Injectable()
export class SearchIndexRepository {
  constructor(
    private readonly transactions: Transactions,
    private readonly log: Log,
  ) {}

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
        .set({ name, pendingAfter: beforeAll, pendingMessage: null })
        .where('name <> :name', { name })
        .execute();
      return true;
    });
  }

  /**
   * Indexes the next messages of a thread, of all tenants, that are not indexed by the configuration of now. The thread is locked
   * meanwhile, as by whoever changes its texts, so that neither undoes what the other wrote. What cannot be indexed is passed over.
   */
  indexSome(): Promise<IndexProgress> {
    return this.transactions.run(async (db) => {
      const [pending] = await db.query<Pending[]>(
        `SELECT pending_after AS thread, pending_message AS message FROM search_configuration
          WHERE pending_after IS NOT NULL FOR UPDATE SKIP LOCKED`,
      );
      if (pending === undefined) {
        return (await db.existsBy(SearchConfiguration, { pendingAfter: Not(IsNull()) })) ? 'others' : 'done';
      }
      const slice = await this.nextSlice(db, pending);
      if (slice !== undefined) await this.index(db, slice);
      await db.update(
        SearchConfiguration,
        { id: 1 },
        {
          pendingAfter: slice?.thread ?? null,
          pendingMessage: slice?.isLast === false ? (slice.messages.at(-1) ?? null) : null,
        },
      );
      return slice === undefined ? 'done' : 'some';
    });
  }

  /** More of the thread that is at it, if it is still there, or the first of the next; its thread is locked. */
  private async nextSlice(db: EntityManager, pending: Pending): Promise<Slice | undefined> {
    const [thread] = await db.query<{ id: string }[]>(
      `SELECT id FROM threads WHERE id > $1 OR id = $1 AND $2::uuid IS NOT NULL ORDER BY id LIMIT 1 FOR UPDATE`,
      [pending.thread, pending.message],
    );
    if (thread === undefined) return undefined;
    const isNew = thread.id !== pending.thread;
    const messages = await db.query<{ id: string; bytes: number }[]>(
      `SELECT message.id, octet_length(message.content) AS bytes
         FROM threads JOIN messages message ON (message.tenant_id, message.user_id, message.thread_id)
                                             = (threads.tenant_id, threads.user_id, threads.id)
        WHERE threads.id = $1 AND message.id > $2 ORDER BY message.id LIMIT ${messagesAtOnce}`,
      [thread.id, isNew ? beforeAll : pending.message],
    );
    const some = firstWithin(bytesAtOnce, messages, ({ bytes }) => bytes);
    const isLast = messages.length < messagesAtOnce && some.length === messages.length;
    return { thread: thread.id, isNew, isLast, messages: some.map(({ id }) => id) };
  }

  private async index(db: EntityManager, slice: Slice): Promise<void> {
    await db.query('SAVEPOINT slice');
    try {
      if (slice.isNew) await db.query('SELECT search_index_thread($1)', [slice.thread]);
      await db.query(
        `SELECT search_index(message.tenant_id, message.user_id, message.thread_id, message.id, 'message', message.content)
           FROM threads JOIN messages message ON (message.tenant_id, message.user_id, message.thread_id)
                                               = (threads.tenant_id, threads.user_id, threads.id)
          WHERE threads.id = $1 AND message.id = ANY($2::uuid[]) AND message.content <> ''`,
        [slice.thread, slice.messages],
      );
    } catch (error) {
      if (isRetryable(error)) throw error;
      await db.query('ROLLBACK TO SAVEPOINT slice');
      const { thread, messages } = slice;
      this.log.error(
        { err: error, thread, first: messages[0], last: messages.at(-1) },
        'messages could not be indexed',
      );
    }
  }
}
