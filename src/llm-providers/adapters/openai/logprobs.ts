import type { TokenLogprob } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';

/** The same in both APIs, but that the pieces of Responses have no bytes: https://platform.openai.com/docs/api-reference/chat/object */
export function toTokenLogprob(entry: JsonObject): TokenLogprob {
  return { ...toAlternative(entry), top: (entry.objects('top_logprobs') ?? []).map(toAlternative) };
}

function toAlternative(entry: JsonObject): TokenLogprob['top'][number] {
  return {
    token: entry.text('token') ?? '',
    logprob: entry.requiredNumber('logprob'),
    bytes: entry.value('bytes') === undefined ? null : entry.requiredNumbers('bytes'),
  };
}
