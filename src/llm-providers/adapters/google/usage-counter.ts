import type { TokenUsage } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';

/**
 * The usage of one answer. Each chunk may repeat it, as a running total of its request: the last one counts. Every request of a long
 * answer reads the prompt and what was written so far again, and is billed for it, so requests are added up.
 * https://ai.google.dev/api/generate-content#UsageMetadata, https://ai.google.dev/gemini-api/docs/generate-content/long-decode
 */
export class UsageCounter {
  /** Of the requests that are over; undefined when it was not told. */
  private readonly earlier: (TokenUsage | undefined)[] = [];
  private current: TokenUsage | undefined;

  /** Of one chunk. Before the end there may be other things in it and no counts. */
  count(metadata: JsonObject | undefined): void {
    const inputTokens = metadata?.count('promptTokenCount');
    if (metadata === undefined || inputTokens === undefined) return;
    const cachedInputTokens = metadata.count('cachedContentTokenCount');
    const reasoningTokens = metadata.count('thoughtsTokenCount');
    // JSON of protocol buffers leaves out what is zero, such as the answer of a model that only thought.
    const answerTokens = metadata.count('candidatesTokenCount') ?? 0;
    this.current = {
      inputTokens,
      outputTokens: answerTokens + (reasoningTokens ?? 0),
      ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
      ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    };
  }

  /** What is counted from here on is another request's. */
  nextRequest(): void {
    this.earlier.push(this.current);
    this.current = undefined;
  }

  /** Undefined when the vendor did not tell that of every request: a part is not the whole. */
  total(): TokenUsage | undefined {
    return this.earlier.reduceRight(
      (sum, usage) => (sum === undefined || usage === undefined ? undefined : add(usage, sum)),
      this.current,
    );
  }
}

function add(one: TokenUsage, other: TokenUsage): TokenUsage {
  const cachedInputTokens = addIfTold(one.cachedInputTokens, other.cachedInputTokens);
  const reasoningTokens = addIfTold(one.reasoningTokens, other.reasoningTokens);
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  };
}

function addIfTold(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}
