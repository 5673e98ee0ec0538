import type { TokenUsage } from '../llm-providers/contract/generate-event.js';
import type { Pricing } from '../models/catalogue/catalogue-model.js';
import type { Cost } from './usage-record.js';

const million = 1_000_000n;

/**
 * What a call costs, rounded up to whole micro-units: each part of the prompt at its own price, one without a price of its own at that of
 * input. Null where there is no price.
 */
export function costOf(usage: TokenUsage, pricing: Pricing | undefined): Cost | null {
  if (pricing === undefined) return null;
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0 } = usage;
  const { currency, input, output, cachedRead = input, cachedWrite = input } = pricing;
  const plainTokens = Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens);
  const total =
    product(plainTokens, input) +
    product(cachedInputTokens, cachedRead) +
    product(cacheWriteInputTokens, cachedWrite) +
    product(outputTokens, output);
  return { micros: Number((total + million - 1n) / million), currency };
}

/** Prices and counts may be so large that their product is no safe number. */
function product(tokens: number, price: number): bigint {
  return BigInt(tokens) * BigInt(price);
}
