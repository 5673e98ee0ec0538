import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelRules } from './anthropic-models.js';
import { unsupported } from './refusals.js';

/** What the SDK's types no longer have: see `samplingApiVersion`. */
export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
}

/** https://platform.claude.com/docs/en/models/haiku-5-5/migration-guide#remove-sampling-parameters */
const defaultTemperature = 1;
const defaultTopP = 0.99;
/** https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility */
const minTopPWithThinking = 0.95;

/**
 * Temperature 1 is what every model does when nothing is said, so nothing is said, and the request can go to today's API.
 * @throws ProviderError unsupported when the model, or thinking, has its sampling fixed
 */
export function toSampling(
  { temperature, topP, topK }: Pick<GenerateRequest, 'temperature' | 'topP' | 'topK'>,
  rules: ModelRules,
  thinks: boolean,
): Sampling {
  const isFree = rules.sampling && !thinks;
  const ownTemperature = temperature === defaultTemperature ? undefined : temperature;
  const ownTopP = !rules.sampling && topP === defaultTopP ? undefined : topP;
  const topPIsAllowed = rules.sampling && (ownTopP ?? 1) >= (thinks ? minTopPWithThinking : 0);
  if (ownTemperature !== undefined && !isFree) throw unsupported('temperature');
  if (ownTopP !== undefined && !topPIsAllowed) throw unsupported('topP');
  if (topK !== undefined && !isFree) throw unsupported('topK');
  return {
    ...(ownTemperature === undefined ? {} : { temperature: ownTemperature }),
    ...(ownTopP === undefined ? {} : { top_p: ownTopP }),
    ...(topK === undefined ? {} : { top_k: topK }),
  };
}
