import type { TokenLogprob } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';

type TopLogprob = TokenLogprob['top'][number];

/** https://docs.ollama.com/api/chat, `logprobs`: the alternatives are left out when none were asked for. */
export function toTokenLogprob(entry: JsonObject): TokenLogprob {
  const top = entry.objects('top_logprobs') ?? [];
  return { ...toTopLogprob(entry), top: top.map(toTopLogprob) };
}

/** A token may be nothing to see, such as the end of the text. */
function toTopLogprob(entry: JsonObject): TopLogprob {
  return {
    token: entry.text('token') ?? '',
    logprob: entry.requiredNumber('logprob'),
    bytes: entry.value('bytes') === undefined ? null : entry.requiredNumbers('bytes'),
  };
}
