import type { TokenUsage } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';
import { present } from '../../present.js';

/** https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage */
export function toChatUsage(usage: JsonObject): TokenUsage {
  return present({
    inputTokens: usage.requiredCount('prompt_tokens'),
    outputTokens: usage.requiredCount('completion_tokens'),
    cachedInputTokens: usage.object('prompt_tokens_details')?.count('cached_tokens'),
    reasoningTokens: usage.object('completion_tokens_details')?.count('reasoning_tokens'),
  });
}
