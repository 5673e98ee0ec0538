import type { TokenUsage } from '../llm-providers/contract/generate-event.js';

/** By which way a call came: the native API, those of the vendors, or a job of our own. */
export const doors = [
  'native',
  'ai-sdk',
  'openai-chat',
  'openai-completions',
  'openai-embeddings',
  'openai-responses',
  'anthropic-messages',
  'job',
] as const;

export type Door = (typeof doors)[number];

/** How a call ended: as `MessageStatus` has it. */
export type UsageStatus = 'complete' | 'interrupted' | 'cancelled' | 'error';

/** Who asks for what, by which way: known before the call. */
export interface CallOrigin {
  /** UUIDv7; of an answer in a thread that of its message. */
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly tokenId: string | null;
  readonly door: Door;
  /** The name that was asked for. */
  readonly modelId: string;
  readonly createdAt: Date;
}

/** How a call went. */
export interface CallResult {
  readonly status: UsageStatus;
  readonly errorCode: string | null;
  /** Who answered, or failed last; null when nobody was asked. */
  readonly provider: string | null;
  readonly providerModel: string | null;
  readonly connectionId: string | null;
  /** The person's own key paid. */
  readonly personalKey: boolean;
  readonly usage: TokenUsage;
  /** We counted, because the provider did not say. */
  readonly estimated: boolean;
  /** By the price in force; null when nobody said what it costs. */
  readonly cost: Cost | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
}

/** One call of a model through any door, however it ended (wire-apis.md, Accounting). */
export interface UsageRecord extends CallOrigin, CallResult {}

/** Micro-units of a currency: 3 USD is 3,000,000. */
export interface Cost {
  readonly micros: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** What counts against a budget. */
export interface Charge {
  readonly tokens: number;
  /** In micro-units of the accounting currency. */
  readonly micros: number;
}

/** The most that a call may come to. */
export interface Estimate {
  readonly usage: TokenUsage;
  /** Null where nobody said what it costs. */
  readonly cost: Cost | null;
}

/** How a monthly budget stands. */
export interface TokenBudget {
  readonly limit: number;
  /** Neither spent nor set aside. */
  readonly remaining: number;
  /** When the month ends, and how long until then. */
  readonly resetAt: Date;
  readonly resetMs: number;
}
