import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Owner } from '../common/owner.js';
import type { ResponseStatus, StoredResponse } from './stored-response.entity.js';

/** As `Replica` has it: one without a sign of life for this long is dead. */
const staleSeconds = 20;
const sweptAtOnce = 500;

export type NewResponse = Omit<StoredResponse, 'tenantId' | 'userId' | 'createdAt'>;

/** What an answer came to. */
export interface EndedResponse extends Pick<StoredResponse, 'response' | 'output'> {
  readonly status: ResponseStatus;
  /** By which the conversation has grown. */
  readonly bytes: number;
}

/** A response in a chain. */
export type ChainLink = Pick<
  StoredResponse,
  'id' | 'chainLength' | 'chainBytes' | 'modelId' | 'status' | 'input' | 'output'
>;

const columns = `id, tenant_id AS "tenantId", user_id AS "userId", previous_id AS "previousId",
  chain_length AS "chainLength", chain_bytes AS "chainBytes", model_id AS "modelId", background, status,
  replica_id AS "replicaId", response, input, output, created_at AS "createdAt"`;

@Injectable()
export class StoredResponsesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * @param maxUnderWay of the owner, this one included; undefined for any number
   * @returns false when there are as many already
   */
  async add(
    { tenantId, userId }: Owner,
    response: NewResponse,
    maxUnderWay: number | undefined,
  ): Promise<boolean> {
    const { id, previousId, chainLength, chainBytes, modelId, background, status, replicaId } = response;
    const added = await this.dataSource.query<unknown[]>(
      `INSERT INTO stored_responses (id, tenant_id, user_id, previous_id, chain_length, chain_bytes, model_id, background,
                                     status, replica_id, response, input, output, created_at)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now()
        WHERE $14::integer IS NULL OR $14 > (
          SELECT count(*) FROM stored_responses WHERE tenant_id = $2 AND user_id = $3 AND status = 'in_progress')
       RETURNING 1`,
      [
        ...[
          id,
          tenantId,
          userId,
          previousId,
          chainLength,
          chainBytes,
          modelId,
          background,
          status,
          replicaId,
        ],
        ...[response.response, response.input, response.output, maxUnderWay ?? null],
      ],
    );
    return added.length > 0;
  }

  async find({ tenantId, userId }: Owner, id: string, keptDays: number): Promise<StoredResponse | undefined> {
    const [found] = await this.dataSource.query<StoredResponse[]>(
      `SELECT ${columns} FROM stored_responses
        WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND created_at > now() - make_interval(days => $4)`,
      [tenantId, userId, id, keptDays],
    );
    return found;
  }

  /** The conversation up to a response, as far as it is there, oldest first: one query, by the primary key, however long it is. */
  chain({ tenantId, userId }: Owner, id: string, keptDays: number): Promise<ChainLink[]> {
    return this.dataSource.query<ChainLink[]>(
      `WITH RECURSIVE chain AS (
         SELECT id, previous_id FROM stored_responses
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND created_at > now() - make_interval(days => $4)
         UNION ALL
         SELECT earlier.id, earlier.previous_id
           FROM chain JOIN stored_responses earlier ON earlier.id = chain.previous_id
          WHERE earlier.tenant_id = $1 AND earlier.user_id = $2
            AND earlier.created_at > now() - make_interval(days => $4)
       )
       SELECT link.id, link.chain_length AS "chainLength", link.chain_bytes AS "chainBytes",
              link.model_id AS "modelId", link.status, link.input, link.output
         FROM chain JOIN stored_responses link ON link.id = chain.id ORDER BY link.chain_length`,
      [tenantId, userId, id, keptDays],
    );
  }

  /** @returns whether it was there */
  async delete({ tenantId, userId }: Owner, id: string): Promise<boolean> {
    const [, deleted] = await this.dataSource.query<[unknown, number]>(
      'DELETE FROM stored_responses WHERE tenant_id = $1 AND user_id = $2 AND id = $3',
      [tenantId, userId, id],
    );
    return deleted > 0;
  }

  /** Ends a response that is under way. @returns false when it is not: it was cancelled, deleted, or given up for dead */
  async end({ tenantId, userId }: Owner, id: string, ended: EndedResponse): Promise<boolean> {
    const [, updated] = await this.dataSource.query<[unknown, number]>(
      `UPDATE stored_responses
          SET status = $4, replica_id = NULL, response = $5, output = $6, chain_bytes = chain_bytes + $7
        WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND status = 'in_progress'`,
      [tenantId, userId, id, ended.status, ended.response, ended.output, ended.bytes],
    );
    return updated > 0;
  }

  async cancel({ tenantId, userId }: Owner, id: string): Promise<void> {
    await this.dataSource.query(
      `UPDATE stored_responses SET status = 'cancelled', replica_id = NULL
        WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND status = 'in_progress'`,
      [tenantId, userId, id],
    );
  }

  /** Which of these are still to be answered: they were neither cancelled nor deleted. */
  async underWay(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const wanted = await this.dataSource.query<{ id: string }[]>(
      `SELECT id FROM stored_responses WHERE id = ANY($1) AND status = 'in_progress'`,
      [ids],
    );
    return new Set(wanted.map(({ id }) => id));
  }

  /** Ends as failed what a dead replica was answering, and what this one was and is no more: that could not be written. */
  async failOrphans(replicaId: string, running: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE stored_responses SET status = 'failed', replica_id = NULL
        WHERE status = 'in_progress' AND created_at < now() - make_interval(secs => $1)
          AND (replica_id = $2 AND id <> ALL($3) OR NOT EXISTS (
            SELECT FROM replicas
             WHERE replicas.id = replica_id AND heartbeat_at > now() - make_interval(secs => $1)))`,
      [staleSeconds, replicaId, running],
    );
  }

  /** @returns whether there may be more */
  async forgetOld(keptDays: number): Promise<boolean> {
    const [, deleted] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM stored_responses WHERE id IN (
         SELECT id FROM stored_responses WHERE created_at <= now() - make_interval(days => $1) LIMIT ${sweptAtOnce})`,
      [keptDays],
    );
    return deleted === sweptAtOnce;
  }
}
