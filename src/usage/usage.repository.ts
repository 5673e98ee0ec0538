import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Budget } from '../auth/caller.js';
import type { CallOrigin, CallResult, Charge, UsageRecord } from './usage-record.js';

/** A call that is about to be made. */
export interface OpenedCall {
  /** As it will be should nobody come back to settle it. */
  readonly record: UsageRecord;
  /** What is set aside meanwhile. */
  readonly reserved: Charge;
  readonly budget: Budget | undefined;
  /** When nobody is coming back. */
  readonly expiresAt: Date;
}

/** How a call ended, and what of it counts against its budget. */
export interface SettledCall {
  readonly id: string;
  readonly result: CallResult;
  readonly charge: Charge;
}

/** Of a record, but for when it is written, which the database says. */
const columnNames = [
  'id',
  'tenant_id',
  'user_id',
  'token_id',
  'door',
  'model_id',
  'provider_model',
  'provider',
  'connection_id',
  'personal_key',
  'status',
  'error_code',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'estimated',
  'cost_micros',
  'currency',
  'first_token_ms',
  'duration_ms',
  'created_at',
] as const;
const columns = columnNames.join();
const recordColumns = columnNames.map((name) => `entry.${name}`).join();

type Row = Readonly<Record<(typeof columnNames)[number], unknown>>;

@Injectable()
export class UsageRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Sets aside what the call may come to and remembers it, in one statement: of callers at the same moment each sees what the others
   * have set aside.
   * @returns how many tokens of the budget are now spent or set aside; undefined when nothing is left of it: then nothing has changed
   */
  async open(call: OpenedCall, db = this.dataSource.manager): Promise<number | undefined> {
    const { record, reserved, budget, expiresAt } = call;
    const [opened] = await db.query<{ tokens: string | null }[]>(
      `WITH room AS (
         INSERT INTO budget_spending AS spending
           (budget_id, month, tokens, cost_micros, reserved_tokens, reserved_micros)
         SELECT $3, $4, 0, 0, $5::bigint, $6::bigint WHERE $3::uuid IS NOT NULL
         ON CONFLICT (budget_id, month) DO UPDATE
           SET reserved_tokens = spending.reserved_tokens + excluded.reserved_tokens,
               reserved_micros = spending.reserved_micros + excluded.reserved_micros
           WHERE ($8::bigint IS NULL OR spending.tokens + spending.reserved_tokens < $8)
             AND ($9::bigint IS NULL OR spending.cost_micros + spending.reserved_micros < $9)
         RETURNING spending.tokens + spending.reserved_tokens AS tokens
       )
       INSERT INTO open_calls (id, record, budget_id, month, reserved_tokens, reserved_micros, expires_at)
       SELECT $1, $2, $3, $4, $5, $6, $7 WHERE $3::uuid IS NULL OR EXISTS (SELECT FROM room)
       RETURNING (SELECT tokens FROM room)`,
      [
        record.id,
        JSON.stringify(rowOf(record)),
        budget?.id ?? null,
        monthOf(record.createdAt),
        reserved.tokens,
        reserved.micros,
        expiresAt,
        budget?.tokens ?? null,
        budget?.costMicros ?? null,
      ],
    );
    return opened === undefined ? undefined : Number(opened.tokens);
  }

  /** Puts the record in the place of what was set aside, once: a call that somebody else has settled is left as it is. */
  async settle({ id, result, charge }: SettledCall, db = this.dataSource.manager): Promise<void> {
    await this.close(id, resultColumns(result), charge, db);
  }

  /** Settles a call as it was foreseen when it was opened. */
  async abandon(id: string, db = this.dataSource.manager): Promise<void> {
    await this.close(id, {}, undefined, db);
  }

  /** Adds records of calls that were not opened; those that are there already are left as they are. */
  async add(records: readonly UsageRecord[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO usage_records (${columns})
       SELECT ${columns} FROM jsonb_populate_recordset(NULL::usage_records, $1)
       ON CONFLICT (id) DO NOTHING`,
      [JSON.stringify(records.map(rowOf))],
    );
  }

  /** @returns at most so many calls that nobody came back to in time */
  async overdue(now: Date, limit: number): Promise<string[]> {
    const rows = await this.dataSource.query<{ id: string }[]>(
      'SELECT id FROM open_calls WHERE expires_at < $1 ORDER BY expires_at LIMIT $2',
      [now, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** @param charge undefined for what was set aside */
  private async close(
    id: string,
    changes: object,
    charge: Charge | undefined,
    db: EntityManager,
  ): Promise<void> {
    await db.query(
      `WITH owed AS (
         DELETE FROM open_calls WHERE id = $1
         RETURNING record, budget_id, month, reserved_tokens, reserved_micros
       ), spent AS (
         UPDATE budget_spending spending
            SET tokens = spending.tokens + coalesce($3, owed.reserved_tokens),
                cost_micros = spending.cost_micros + coalesce($4, owed.reserved_micros),
                reserved_tokens = spending.reserved_tokens - owed.reserved_tokens,
                reserved_micros = spending.reserved_micros - owed.reserved_micros
           FROM owed WHERE spending.budget_id = owed.budget_id AND spending.month = owed.month
       )
       INSERT INTO usage_records (${columns})
       SELECT ${recordColumns} FROM owed, jsonb_populate_record(NULL::usage_records, owed.record || $2::jsonb) AS entry
       ON CONFLICT (id) DO NOTHING`,
      [id, JSON.stringify(changes), charge?.tokens ?? null, charge?.micros ?? null],
    );
  }
}

/** The first day of the calendar month in UTC. */
function monthOf(time: Date): string {
  return `${time.toISOString().slice(0, 7)}-01`;
}

function rowOf(record: UsageRecord): Row {
  return { ...originColumns(record), ...resultColumns(record) };
}

function originColumns(origin: CallOrigin) {
  return {
    id: origin.id,
    tenant_id: origin.tenantId,
    user_id: origin.userId,
    token_id: origin.tokenId,
    door: origin.door,
    model_id: origin.modelId,
    created_at: origin.createdAt,
  };
}

function resultColumns({ usage, cost, ...result }: CallResult) {
  return {
    provider_model: result.providerModel,
    provider: result.provider,
    connection_id: result.connectionId,
    personal_key: result.personalKey,
    status: result.status,
    error_code: result.errorCode,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens ?? 0,
    cache_write_tokens: usage.cacheWriteInputTokens ?? 0,
    reasoning_tokens: usage.reasoningTokens ?? 0,
    estimated: result.estimated,
    cost_micros: cost?.micros ?? null,
    currency: cost?.currency ?? null,
    first_token_ms: result.firstTokenMs,
    duration_ms: result.durationMs,
  };
}
