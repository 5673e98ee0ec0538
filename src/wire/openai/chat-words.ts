import type { FinishReason, TokenLogprob, TokenUsage } from '../../llm-providers/contract/generate-event.js';

/** What every chunk of an answer has in common, and the whole of it too. */
export interface AnswerFrame {
  readonly id: string;
  /** In epoch seconds. */
  readonly created: number;
  /** The name that was asked for; answers have the vendor's, where it says one. */
  readonly model: string;
}

/** https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-finish_reason */
export function toFinishReason(reason: FinishReason, calledTools: boolean): string {
  // Vendors that have no word of their own for it say that they have stopped.
  if (calledTools && (reason === 'stop' || reason === 'other')) return 'tool_calls';
  return reason === 'other' ? 'stop' : reason;
}

/** https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage */
export function toUsage(usage: TokenUsage): object {
  const { inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0 } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}

/** Of nothing, where nothing was told. */
export function toLogprobs(tokens: readonly TokenLogprob[] | undefined): object | null {
  if (tokens === undefined || tokens.length === 0) return null;
  const content = tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top }));
  return { content, refusal: null };
}

/** As Google's own OpenAI-compatible API has it: https://ai.google.dev/gemini-api/docs/thought-signatures */
export function toExtraContent(signature: string | undefined): object {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
}

export const terminator = 'data: [DONE]\n\n';

/** One event of a stream of OpenAI's. */
export function dataEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
