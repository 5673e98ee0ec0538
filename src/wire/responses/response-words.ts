import type { DomainError } from '../../common/domain-error.js';
import type { FinishEvent, TokenLogprob, TokenUsage } from '../../llm-providers/contract/generate-event.js';

/** https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage */
export function toResponseUsage(usage: TokenUsage): object {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens, reasoningTokens } = usage;
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: cachedInputTokens ?? 0,
      cache_write_tokens: cacheWriteInputTokens ?? 0,
    },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens ?? 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

export function toResponseLogprobs(tokens: readonly TokenLogprob[] = []): readonly object[] {
  return tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top }));
}

/** How a response stands. */
export interface ResponseEnd {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly error: object | null;
  readonly incomplete_details: object | null;
}

export const inProgress: ResponseEnd = { status: 'in_progress', error: null, incomplete_details: null };

const whyIncomplete: Readonly<Partial<Record<FinishEvent['reason'], string>>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

/** https://platform.openai.com/docs/api-reference/responses/object#responses/object-incomplete_details */
export function endOf(
  finish: FinishEvent['reason'],
): ResponseEnd & { readonly status: 'completed' | 'incomplete' } {
  const reason = whyIncomplete[finish];
  if (reason === undefined) return { status: 'completed', error: null, incomplete_details: null };
  return { status: 'incomplete', error: null, incomplete_details: { reason } };
}

/** OpenAI has few words for it: https://platform.openai.com/docs/api-reference/responses/object#responses/object-error */
export function failedBy({ type, status, message }: Failure): ResponseEnd {
  const isOfRequest = type === 'validation_error' || type === 'permission_error';
  const code = status === 429 ? 'rate_limit_exceeded' : isOfRequest ? 'invalid_prompt' : 'server_error';
  return { status: 'failed', error: { code, message }, incomplete_details: null };
}

type Failure = Pick<DomainError, 'type' | 'status' | 'message'>;
