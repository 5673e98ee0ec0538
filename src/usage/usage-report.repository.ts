import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { percentile, sumsOf } from './latency-counts.js';
import type { Grouping, UsageGroup, UsageQuery, UsageReach } from './usage-report.js';
import type { UsageRecordRow } from './usage-record.entity.js';
import { rollupKey, rollupSums } from './usage-rollups.repository.js';

/** In terms of a rollup. */
const groupingColumns: Readonly<Record<Grouping, string>> = {
  day: `to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  hour: `to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:00:00"Z"')`,
  user: 'user_id',
  token: `nullif(token_id, '00000000-0000-0000-0000-000000000000')`,
  model: 'model_id',
  provider: `nullif(provider, '')`,
  tenant: 'tenant_id',
  door: 'door',
};

const sums = [
  'requests',
  'errors',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
] as const;

interface Row extends Readonly<Record<(typeof sums)[number], string>> {
  readonly key: Readonly<Partial<Record<Grouping, string | null>>>;
  readonly cost: Readonly<Record<string, number>> | null;
  readonly first_token_counts: readonly string[];
  readonly duration_counts: readonly string[];
}

/** A place in the list of records: after the one that was created then and has this id. */
export interface RecordPlace {
  readonly createdAt: Date;
  readonly id: string;
}

@Injectable()
export class UsageReportRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** From the rollups, and from the records that are not in them yet. @returns at most `limit` groups, in order of their keys */
  async groups(reach: UsageReach, query: UsageQuery, limit: number): Promise<UsageGroup[]> {
    const { groupBy } = query;
    const keys = groupBy.map((grouping) => groupingColumns[grouping]);
    const places = keys.map((_key, index) => index + 1);
    const pairs = groupBy.map((grouping, index) => `'${grouping}', key_${index}`);
    const rows = await this.dataSource.query<Row[]>(
      `WITH bounds AS (
         SELECT date_trunc('hour', $1::timestamptz, 'UTC') AS first, $2::timestamptz AS behind,
                (SELECT rolled_until FROM usage_rollup_progress) AS rolled_until
       ), hours AS (
         SELECT rollup.* FROM usage_rollups rollup, bounds
          WHERE hour >= first AND hour < behind AND ${reachCondition}
         UNION ALL
         SELECT ${rollupKey}, ${rollupSums} FROM usage_records, bounds
          WHERE recorded_at > rolled_until AND created_at >= first
            AND date_trunc('hour', created_at, 'UTC') < behind AND ${reachCondition}
          GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
       ), wanted AS (
         SELECT ${[...keys.map((key, index) => `${key} AS key_${index}`), 'hours.*'].join()} FROM hours
          WHERE ($5::uuid IS NULL OR user_id = $5) AND ($6::uuid IS NULL OR token_id = $6)
            AND ($7::text IS NULL OR model_id = $7)
       ), costs AS (
         SELECT ${[...keys.map((_key, index) => `key_${index}`), 'currency'].join()}, sum(cost_micros) AS micros
           FROM wanted WHERE currency <> '' GROUP BY ${[...places, places.length + 1].join()}
       ), totals AS (
         SELECT ${[
           ...keys.map((_key, index) => `key_${index}`),
           ...sums.map((name) => `sum(${name})::text AS ${name}`),
           `${sumsOf('first_token_counts')} AS first_token_counts`,
           `${sumsOf('duration_counts')} AS duration_counts`,
         ].join()} FROM wanted ${places.length === 0 ? '' : `GROUP BY ${places.join()}`}
       )
       SELECT jsonb_build_object(${pairs.join()}) AS key, ${sums.join()},
              first_token_counts::text[], duration_counts::text[],
              (SELECT jsonb_object_agg(currency, micros) FROM costs
                WHERE ${keys.map((_key, index) => `costs.key_${index} IS NOT DISTINCT FROM totals.key_${index} AND`).join(' ')} true) AS cost
         FROM totals WHERE requests IS NOT NULL
        ORDER BY ${[...keys.map((_key, index) => `key_${index}`), '1'].join()} LIMIT $8`,
      [
        query.from,
        query.to,
        reach.tenantId ?? null,
        reach.userId ?? null,
        query.userId ?? null,
        query.tokenId ?? null,
        query.modelId ?? null,
        limit,
      ],
    );
    return rows.map(toGroup);
  }

  /** The oldest first. */
  records(
    reach: UsageReach,
    { from, to, userId, tokenId, modelId }: Omit<UsageQuery, 'groupBy'>,
    after: RecordPlace | undefined,
    limit: number,
  ): Promise<UsageRecordRow[]> {
    const records = this.dataSource
      .getRepository<UsageRecordRow>('usage_records')
      .createQueryBuilder('record')
      .where('record.createdAt >= :from AND record.createdAt < :to', { from, to })
      .orderBy('record.createdAt')
      .addOrderBy('record.id')
      .limit(limit);
    const conditions = { tenantId: reach.tenantId, userId: reach.userId ?? userId, tokenId, modelId };
    for (const [name, value] of Object.entries(conditions)) {
      if (value !== undefined) records.andWhere(`record.${name} = :${name}`, { [name]: value });
    }
    if (after !== undefined) records.andWhere('(record.createdAt, record.id) > (:createdAt, :id)', after);
    return records.getMany();
  }
}

/** Their own, their tenant's, or all. */
const reachCondition = '($3::uuid IS NULL OR tenant_id = $3) AND ($4::uuid IS NULL OR user_id = $4)';

function toGroup(row: Row): UsageGroup {
  return {
    key: row.key,
    requests: Number(row.requests),
    errors: Number(row.errors),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    cost: row.cost ?? {},
    firstToken: latencyOf(row.first_token_counts),
    duration: latencyOf(row.duration_counts),
  };
}

function latencyOf(counts: readonly string[]): UsageGroup['duration'] {
  const numbers = counts.map(Number);
  return { p50: percentile(numbers, 0.5), p95: percentile(numbers, 0.95) };
}
