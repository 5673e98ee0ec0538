import type { TokenUsage } from '../../contract/generate-event.js';
import type { JsonObject } from '../../json-shape.js';

/** What makes up the prompt; each may be told at the start and again, as a running total, at the end. */
const inputFields = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const;

/**
 * The usage of one message. Numbers are cumulative: the last one counts and nothing is added up over events. What the start says of the
 * output is only of its first token. https://platform.claude.com/docs/en/build-with-claude/streaming#event-types
 */
export class UsageCounter {
  private readonly input = new Map<(typeof inputFields)[number], number>();
  private output: number | undefined;
  private reasoning: number | undefined;

  /** Of `message_start`. */
  countStart(usage: JsonObject | undefined): void {
    if (usage === undefined) return;
    usage.requiredCount('output_tokens');
    usage.requiredCount('input_tokens');
    this.countInput(usage);
  }

  /** Of `message_delta`. */
  countDelta(usage: JsonObject | undefined): void {
    if (usage === undefined) return;
    this.countInput(usage);
    this.output = usage.requiredCount('output_tokens');
    this.reasoning = usage.object('output_tokens_details')?.count('thinking_tokens') ?? this.reasoning;
  }

  /** The whole prompt is the sum of its parts: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance */
  total(): TokenUsage | undefined {
    const [uncached, cached, cacheWrite] = inputFields.map((field) => this.input.get(field));
    if (uncached === undefined || this.output === undefined) return undefined;
    return {
      inputTokens: uncached + (cached ?? 0) + (cacheWrite ?? 0),
      outputTokens: this.output,
      ...(cached === undefined ? {} : { cachedInputTokens: cached }),
      ...(cacheWrite === undefined ? {} : { cacheWriteInputTokens: cacheWrite }),
      ...(this.reasoning === undefined ? {} : { reasoningTokens: this.reasoning }),
    };
  }

  private countInput(usage: JsonObject): void {
    for (const field of inputFields) {
      const count = usage.count(field);
      if (count !== undefined) this.input.set(field, count);
    }
  }
}
