import type { TokenUsage } from '../llm-providers/contract/generate-event.js';
import type { RouteTarget } from '../models/model-route.js';
import { costOf } from '../usage/cost.js';
import type { CallResult, Cost, Estimate } from '../usage/usage-record.js';
import { countInput } from './counted-request.js';
import type { ModelCall } from './model-call.js';

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

/**
 * The most that a call may come to, with whichever of the targets is the dearest.
 * @param maxOutputTokens what the request allows; undefined for what the model can
 */
export function estimateFor(
  targets: readonly RouteTarget[],
  inputTokens: number,
  maxOutputTokens: number | undefined,
): Estimate {
  const estimates = targets.map(({ model }) => {
    const usage = {
      inputTokens,
      outputTokens: maxOutputTokens ?? model.maxOutputTokens ?? likelyOutputTokens,
    };
    return { usage, cost: costOf(usage, model.pricing) };
  });
  const outputTokens = Math.max(...estimates.map(({ usage }) => usage.outputTokens));
  const cost = estimates.map((estimate) => estimate.cost).reduce(dearer, null);
  return { usage: { inputTokens, outputTokens }, cost };
}

/** What is asked of whom, as far as it is known before it is asked. */
export type PreparedCall = Pick<ModelCall, 'route' | 'requestOf'>;

/** The most that a call may come to. */
export function estimateCall({ route, requestOf }: PreparedCall): Estimate {
  const requests = route.targets.map(requestOf);
  const limits = requests.map(({ maxOutputTokens }) => maxOutputTokens);
  const known = limits.filter((limit) => limit !== undefined);
  const inputTokens = Math.max(...requests.map(countInput));
  return estimateFor(
    route.targets,
    inputTokens,
    known.length === limits.length ? Math.max(...known) : undefined,
  );
}

function dearer(one: Cost | null, other: Cost | null): Cost | null {
  if (one === null || other === null) return one ?? other;
  return other.micros > one.micros ? other : one;
}
