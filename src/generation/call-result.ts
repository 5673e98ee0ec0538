import type { TokenUsage } from '../llm-providers/contract/generate-event.js';
import type { RouteTarget } from '../models/model-route.js';
import { costOf } from '../usage/cost.js';
import type { CallResult, Cost, Estimate } from '../usage/usage-record.js';

/** Tokens that are set aside for an answer whose length nobody limits. */
const likelyOutputTokens = 4096;

interface CallFacts extends Pick<CallResult, 'status' | 'errorCode' | 'firstTokenMs' | 'durationMs'> {
  /** Who answered, or failed last; undefined when nobody was asked. */
  readonly target: RouteTarget | undefined;
  /** As the provider counted; undefined when it did not say. */
  readonly reported: TokenUsage | undefined;
  /** As we count. */
  readonly counted: () => TokenUsage;
}

/** How a call went, in the words of accounting. */
export function callResult({ target, reported, counted, ...facts }: CallFacts): CallResult {
  const told = reported === undefined || !isCount(reported) ? undefined : reported;
  // Nobody who was not asked has used anything.
  const usage = told ?? (target === undefined ? nothing : counted());
  return {
    ...facts,
    provider: target?.provider.kind ?? null,
    providerModel: target?.model.id ?? null,
    connectionId: target?.connection.id ?? null,
    personalKey: target?.personalKey !== undefined,
    usage,
    estimated: told === undefined,
    cost: costOf(usage, target?.model.pricing),
  };
}

/** Numbers of tokens that Postgres calls integers; anything else was not a count. */
function isCount(usage: TokenUsage): boolean {
  return Object.values(usage).every((tokens) => Number.isInteger(tokens) && tokens >= 0 && tokens < 2 ** 31);
}

const nothing: TokenUsage = { inputTokens: 0, outputTokens: 0 };

/** What a target may be asked, in tokens. */
interface Asked {
  readonly target: RouteTarget;
  readonly inputTokens: number;
  /** What the request allows; undefined for what the model can. */
  readonly maxOutputTokens: number | undefined;
}

/** The most that a call may come to, with whichever of the targets is the dearest. */
export function estimateFor(asked: readonly Asked[]): Estimate {
  const estimates = asked.map(({ target: { model }, inputTokens, maxOutputTokens }) => {
    const outputTokens = maxOutputTokens ?? model.maxOutputTokens ?? likelyOutputTokens;
    const usage = { inputTokens, outputTokens };
    return { usage, cost: costOf(usage, model.pricing) };
  });
  return {
    usage: {
      inputTokens: Math.max(...estimates.map(({ usage }) => usage.inputTokens)),
      outputTokens: Math.max(...estimates.map(({ usage }) => usage.outputTokens)),
    },
    cost: estimates.map(({ cost }) => cost).reduce(dearer, null),
  };
}

function dearer(one: Cost | null, other: Cost | null): Cost | null {
  if (one === null || other === null) return one ?? other;
  return other.micros > one.micros ? other : one;
}
