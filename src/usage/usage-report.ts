/** What usage may be grouped by. */
export const groupings = ['day', 'hour', 'user', 'token', 'model', 'provider', 'tenant', 'door'] as const;

export type Grouping = (typeof groupings)[number];

/** Whose usage somebody may see: their own, all of their tenant, or all. */
export interface UsageReach {
  readonly tenantId?: string;
  readonly userId?: string;
}

export interface UsageQuery {
  /** Whole hours are counted: the one in which it lies is the first. */
  readonly from: Date;
  /** Calls that began at this time or later do not count; to the hour. */
  readonly to: Date;
  readonly groupBy: readonly Grouping[];
  readonly userId?: string | undefined;
  readonly tokenId?: string | undefined;
  readonly modelId?: string | undefined;
}

/** Times in milliseconds; null when there were none. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
}

/** Calls that are alike in what they are grouped by. */
export interface UsageGroup {
  /** By grouping: ids as in the database, days and hours in ISO 8601; null for calls that have none, such as without a token. */
  readonly key: Readonly<Partial<Record<Grouping, string | null>>>;
  readonly requests: number;
  /** Of them, those that failed or were cut off. */
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  /** By currency, in micro-units. */
  readonly cost: Readonly<Record<string, number>>;
  readonly firstToken: Latency;
  readonly duration: Latency;
}
