import type { ReasoningOptions } from '../../contract/generate-request.js';
import type { OpenAiKind } from './openai-kind.js';
import { unsupported } from './refusals.js';

/**
 * How hard to think, in OpenAI's words: https://platform.openai.com/docs/guides/reasoning. There is none for a budget, but for that of 0.
 * @throws ProviderError unsupported
 */
export function effortOf(reasoning: ReasoningOptions | undefined, kind: OpenAiKind): string | undefined {
  const { effort, budgetTokens } = reasoning ?? {};
  if (budgetTokens === undefined) return effort;
  if (budgetTokens > 0 || (effort ?? 'none') !== 'none') throw unsupported(kind, 'reasoning.budgetTokens');
  return 'none';
}
