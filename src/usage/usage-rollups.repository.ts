import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addedUp, countsOf } from './latency-counts.js';

/** Whoever began to write a record longer ago than this has committed it. */
const settled = `interval '5 minutes'`;

/** What the parts of a rollup have in common; absent is the nil UUID or empty, since a key has no nulls. */
export const rollupKey = `tenant_id, date_trunc('hour', created_at, 'UTC') AS hour, user_id,
  coalesce(token_id, '00000000-0000-0000-0000-000000000000') AS token_id, door, model_id,
  coalesce(provider, '') AS provider, coalesce(currency, '') AS currency`;

export const rollupSums = `count(*) AS requests, count(*) FILTER (WHERE status IN ('error', 'interrupted')) AS errors,
  sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(cached_input_tokens) AS cached_input_tokens, sum(cache_write_tokens) AS cache_write_tokens,
  sum(reasoning_tokens) AS reasoning_tokens, coalesce(sum(cost_micros), 0) AS cost_micros,
  ${countsOf('first_token_ms')} AS first_token_counts, ${countsOf('duration_ms')} AS duration_counts`;

const summed = [
  'requests',
  'errors',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'cost_micros',
];
const counted = ['first_token_counts', 'duration_counts'];

@Injectable()
export class UsageRollupsRepository {
  /** Adds up what was recorded since the last time, but for the last minutes; does nothing while somebody else does. */
  async rollUp(db: EntityManager): Promise<void> {
    // The row is the lock: who finds it taken leaves the work to whoever has it.
    const [turn] = await db.query<{ since: string; until: string }[]>(
      `SELECT rolled_until::text AS since, (clock_timestamp() - ${settled})::text AS until
         FROM usage_rollup_progress FOR UPDATE SKIP LOCKED`,
    );
    if (turn === undefined) return;
    const { since, until } = turn;
    await db.query(
      `INSERT INTO usage_rollups AS known
         (tenant_id, hour, user_id, token_id, door, model_id, provider, currency, ${[...summed, ...counted].join()})
       SELECT ${rollupKey}, ${rollupSums}
         FROM usage_records WHERE recorded_at > $1::timestamptz AND recorded_at <= $2::timestamptz
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
       ON CONFLICT (tenant_id, hour, user_id, token_id, door, model_id, provider, currency) DO UPDATE SET
         ${summed.map((name) => `${name} = known.${name} + excluded.${name}`).join()},
         ${counted.map((name) => `${name} = ${addedUp(`known.${name}`, `excluded.${name}`)}`).join()}`,
      [since, until],
    );
    await db.query('UPDATE usage_rollup_progress SET rolled_until = $1', [until]);
  }
}
