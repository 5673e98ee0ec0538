import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Owner } from '../../common/owner.js';
import type { MessageRole } from '../message.js';

/** What one model has said and heard in a thread. */
export interface Conversation {
  readonly threadId: string;
  readonly modelId: string;
}

/** The summary that there is, for whoever makes the next one. */
export interface SummaryLease {
  readonly until: Date;
  readonly throughId: string | null;
  /** Null without one. Of use only where the message is on the current branch. */
  readonly summary: string | null;
}

/** A message to be summarised. */
export interface SaidMessage {
  readonly id: string;
  readonly role: MessageRole;
  readonly content: string;
}

interface NextMessage extends SaidMessage {
  /** Whether the messages follow the one that they were to follow, or begin anew. */
  readonly isContinued: boolean;
}

export interface NewSummary {
  readonly text: string;
  readonly throughId: string;
  readonly at: Date;
}

/** What of a conversation waits to be done after an answer. */
export interface Uncovered {
  /** The thread has the title that it was made with. */
  readonly isUntitled: boolean;
  /** Messages up to the answer that no summary covers, `most` at most, and the bytes of their text. */
  readonly messages: number;
  readonly bytes: number;
}

/** However short they are: a bound on what is read at once. */
const mostAtOnce = 400;

/** Summaries, beside the other things that a model has of a thread (thread_models). */
@Injectable()
export class SummariesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * From the answer upwards, by primary keys, whatever the size of the thread. Parents are of the same owner and thread by their foreign
   * key.
   */
  async uncovered(
    owner: Owner,
    { threadId, modelId, answerId }: Conversation & { readonly answerId: string },
    most: number,
    db: EntityManager,
  ): Promise<Uncovered | undefined> {
    const [found] = await db.query<Uncovered[]>(
      `WITH RECURSIVE covered AS (
         SELECT summary_through_id AS id FROM thread_models
          WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4
       ), branch AS (
         SELECT id, parent_id, 1 AS length, octet_length(content)::bigint AS bytes FROM messages
          WHERE tenant_id = $1 AND user_id = $2 AND id = $5
         UNION ALL
         SELECT parent.id, parent.parent_id, length + 1, octet_length(parent.content)::bigint
           FROM branch JOIN messages parent ON parent.id = branch.parent_id
          WHERE length < $6 AND parent.id IS DISTINCT FROM (SELECT id FROM covered)
       )
       SELECT thread.title_source = 'default' AS "isUntitled",
              (SELECT count(*)::integer FROM branch) AS messages, (SELECT sum(bytes)::float8 FROM branch) AS bytes
         FROM threads thread WHERE thread.tenant_id = $1 AND thread.user_id = $2 AND thread.id = $3`,
      [owner.tenantId, owner.userId, threadId, modelId, answerId, most],
    );
    return found;
  }

  /** Undefined when somebody is at it, or the model has said nothing in the thread. All times are the database's. */
  async lease(
    owner: Owner,
    { threadId, modelId }: Conversation,
    leaseMs: number,
  ): Promise<SummaryLease | undefined> {
    const [lease] = await this.dataSource.query<SummaryLease[]>(
      `WITH leased AS (
         UPDATE thread_models SET summarizing_until = now() + $5 * interval '1 ms'
          WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4
            AND (summarizing_until IS NULL OR summarizing_until <= now())
         RETURNING *)
       SELECT summarizing_until AS until, summary_through_id AS "throughId", summary FROM leased`,
      [owner.tenantId, owner.userId, threadId, modelId, leaseMs],
    );
    return lease;
  }

  /**
   * The oldest messages that are to be summarised, up to `maxBytes` of text together but one at least: of the current branch what
   * follows `throughId`, or all when that is not on it, without the newest question and its answer; as `toSaid` has it, what nobody is
   * told is not among them. Ids grow along a branch. All of the branch is found first: by the order or a range of ids Postgres may walk
   * through the messages of everybody.
   */
  next(
    owner: Owner,
    { threadId, modelId }: Conversation,
    { throughId, maxBytes }: { readonly throughId: string | null; readonly maxBytes: number },
  ): Promise<NextMessage[]> {
    return this.dataSource.query(
      `WITH said AS MATERIALIZED (
         SELECT id, role, octet_length(content) AS bytes FROM messages
          WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4 AND on_current_branch
       ), through AS (
         SELECT id FROM said WHERE id = $5
       ), placed AS (
         SELECT id, row_number() OVER older AS place, sum(bytes) OVER older AS bytes FROM said
          WHERE role IN ('user', 'assistant') AND bytes > 0
            AND id > coalesce((SELECT id FROM through), '00000000-0000-0000-0000-000000000000')
            AND id < (
              SELECT coalesce(leaf.parent_id, leaf.id) FROM thread_models model
                JOIN messages leaf ON leaf.id = model.current_leaf_id
               WHERE model.tenant_id = $1 AND model.user_id = $2 AND model.thread_id = $3 AND model.model_id = $4)
         WINDOW older AS (ORDER BY id)
       )
       SELECT id, messages.role, content, EXISTS (SELECT FROM through) AS "isContinued"
         FROM placed JOIN messages USING (id)
        WHERE place <= ${mostAtOnce} AND (bytes <= $6 OR place = 1) ORDER BY id`,
      [owner.tenantId, owner.userId, threadId, modelId, throughId, maxBytes],
    );
  }

  /**
   * Puts the next summary in the place of the one that it is built on, and renews the lease.
   * @returns undefined when there is another one by now, the lease is gone, or what the new one covers left the current branch
   */
  async store(
    owner: Owner,
    { threadId, modelId }: Conversation,
    change: { readonly lease: SummaryLease; readonly next: NewSummary; readonly leaseMs: number },
    db: EntityManager,
  ): Promise<SummaryLease | undefined> {
    const { lease, next, leaseMs } = change;
    const [stored] = await db.query<SummaryLease[]>(
      `WITH stored AS (
         UPDATE thread_models
            SET summary = $5, summary_through_id = $6, summary_updated_at = $7,
                summarizing_until = now() + $8 * interval '1 ms'
          WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4
            AND summarizing_until = $9 AND summary_through_id IS NOT DISTINCT FROM $10
            AND EXISTS (SELECT FROM messages WHERE tenant_id = $1 AND user_id = $2 AND id = $6
                           AND thread_id = $3 AND model_id = $4 AND on_current_branch)
         RETURNING *)
       SELECT summarizing_until AS until, summary_through_id AS "throughId", summary FROM stored`,
      [
        ...[owner.tenantId, owner.userId, threadId, modelId, next.text, next.throughId, next.at, leaseMs],
        ...[lease.until, lease.throughId],
      ],
    );
    return stored;
  }

  /** Without effect when the lease is gone. */
  async release(owner: Owner, { threadId, modelId }: Conversation, { until }: SummaryLease): Promise<void> {
    await this.dataSource.query(
      `UPDATE thread_models SET summarizing_until = NULL
        WHERE tenant_id = $1 AND user_id = $2 AND thread_id = $3 AND model_id = $4 AND summarizing_until = $5`,
      [owner.tenantId, owner.userId, threadId, modelId, until],
    );
  }
}
