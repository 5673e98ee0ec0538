import type { ReasoningOptions } from '../../contract/generate-request.js';
import type { ModelRules } from './google-models.js';
import { unsupported } from './refusals.js';
import type { ThinkingConfig } from './wire.js';

/** What Google itself makes of an effort where there are only budgets: https://ai.google.dev/gemini-api/docs/openai#thinking */
const budgetOfEffort: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 1024],
  ['medium', 8192],
  ['high', 24_576],
]);

/**
 * https://ai.google.dev/gemini-api/docs/generate-content/thinking. Who asks for thinking wants to see it, and pays for it either way.
 * @throws ProviderError unsupported when the model does not think in this way
 */
export function toThinkingConfig(
  { effort, budgetTokens }: ReasoningOptions,
  rules: ModelRules,
): ThinkingConfig | undefined {
  if (effort === undefined && budgetTokens === undefined) return undefined;
  // The API takes one of the two.
  if (effort !== undefined && budgetTokens !== undefined) throw unsupported('reasoning.budgetTokens');
  const param = effort === undefined ? 'reasoning.budgetTokens' : 'reasoning.effort';
  if (effort === 'none' || budgetTokens === 0) {
    if (!rules.thinkingOff) throw unsupported(param);
    return rules.thinking === 'none' ? undefined : { thinkingBudget: 0 };
  }
  if (rules.thinking === 'none') throw unsupported(param);
  return { ...howMuch(effort, budgetTokens, rules), includeThoughts: true };
}

function howMuch(
  effort: string | undefined,
  thinkingBudget: number | undefined,
  { thinking }: ModelRules,
): ThinkingConfig {
  // Newer models take a budget, too, though they prefer a level.
  if (thinkingBudget !== undefined) return { thinkingBudget };
  if (effort === undefined) return {};
  if (thinking !== 'budget') {
    // The vendor's types name the levels of today; the caller's may be newer.
    return { thinkingLevel: effort.toUpperCase() as NonNullable<ThinkingConfig['thinkingLevel']> };
  }
  const budget = budgetOfEffort.get(effort);
  if (budget === undefined) throw unsupported('reasoning.effort');
  return { thinkingBudget: budget };
}
