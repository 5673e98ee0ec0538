import type Anthropic from '@anthropic-ai/sdk';
import type { ReasoningOptions } from '../../contract/generate-request.js';
import type { ModelRules } from './anthropic-models.js';
import { invalid, unsupported } from './refusals.js';

type Thinking = Anthropic.ThinkingConfigParam;

/** https://platform.claude.com/docs/en/build-with-claude/extended-thinking#budget-rules-and-tuning */
const minBudgetTokens = 1024;

/** The default of many models is to keep it to themselves; who asks for reasoning wants to see it, and pays for it either way. */
const display = 'summarized';

/** How to think, in the two places where the API has it. */
interface ThinkingFields {
  readonly thinking: Thinking | undefined;
  /** For `output_config`. */
  readonly effort: string | undefined;
}

/**
 * https://platform.claude.com/docs/en/build-with-claude/thinking, https://platform.claude.com/docs/en/build-with-claude/effort
 * @param maxTokens of the whole output, of which thinking is a part
 * @throws ProviderError unsupported when the model does not think in this way, invalid_request for a budget out of bounds
 */
export function toThinking(
  reasoning: ReasoningOptions | undefined,
  rules: ModelRules,
  maxTokens: number,
): ThinkingFields {
  const { effort, budgetTokens } = reasoning ?? {};
  const level = effort === 'none' ? undefined : effort;
  if (level !== undefined && !rules.effort) throw unsupported('reasoning.effort');
  if (budgetTokens === 0 || (effort === 'none' && budgetTokens === undefined)) {
    const param = budgetTokens === 0 ? 'reasoning.budgetTokens' : 'reasoning.effort';
    return { thinking: noThinking(rules, param), effort: level };
  }
  if (budgetTokens !== undefined) {
    if (effort === 'none') throw invalid('reasoning.effort');
    return { thinking: thinkingWithin(budgetTokens, rules, maxTokens), effort: level };
  }
  const adapts = level !== undefined && rules.adaptiveThinking;
  return { thinking: adapts ? { type: 'adaptive', display } : undefined, effort: level };
}

/** Whether the request turns thinking on: a model may do so by itself too. */
export function asksToThink(thinking: Thinking | undefined): boolean {
  return thinking?.type === 'enabled' || thinking?.type === 'adaptive';
}

function noThinking({ thinkingOff }: ModelRules, param: string): Thinking {
  if (thinkingOff === undefined) throw unsupported(param);
  return { type: thinkingOff };
}

function thinkingWithin(budgetTokens: number, rules: ModelRules, maxTokens: number): Thinking {
  const param = 'reasoning.budgetTokens';
  if (!rules.thinkingBudget) throw unsupported(param);
  if (budgetTokens < minBudgetTokens || budgetTokens >= maxTokens) throw invalid(param);
  return { type: 'enabled', budget_tokens: budgetTokens, display };
}
