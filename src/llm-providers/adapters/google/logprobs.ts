import type { TokenLogprob } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';

/** https://ai.google.dev/api/generate-content#LogprobsResult: of each step the token that was chosen, and those that were likely. */
export function toLogprobs(result: JsonObject): readonly TokenLogprob[] {
  const alternatives = result.objects('topCandidates') ?? [];
  return (result.objects('chosenCandidates') ?? []).map((chosen, step) => ({
    ...toLogprob(chosen),
    top: (alternatives[step]?.objects('candidates') ?? []).map(toLogprob),
  }));
}

/** The API has no bytes of a token. Probability 1, whose logarithm is 0, may be left out. */
function toLogprob(candidate: JsonObject): Omit<TokenLogprob, 'top'> {
  const token = candidate.text('token') ?? '';
  return { token, logprob: candidate.number('logProbability') ?? 0, bytes: null };
}
