/**
 * What a model does, in order: `start` once and first, right before the first output; then output; `finish` once and
 * last. A failure is thrown as a ProviderError and is never an event. See models.md, The provider contract.
 */
export type GenerateEvent =
  | StartEvent
  | TextEvent
  | ReasoningEvent
  | ToolCallStartEvent
  | ToolCallDeltaEvent
  | ToolCallEndEvent
  | FinishEvent;

export interface StartEvent {
  readonly type: 'start';
  /** The model that the vendor says answers, e.g. a dated version of the one asked for. */
  readonly model?: string;
  /** The vendor's id of this request, for a support case. */
  readonly requestId?: string;
}

/** A piece of the answer; never empty. */
export interface TextEvent {
  readonly type: 'text';
  readonly text: string;
  /** Of its tokens, when they were asked for. */
  readonly logprobs?: readonly TokenLogprob[];
}

/** Natural logarithms of probabilities. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
  readonly top: readonly Omit<TokenLogprob, 'top'>[];
}

export interface ReasoningEvent {
  readonly type: 'reasoning';
  readonly text: string;
  /** Ends this stretch of reasoning; may come with empty text. */
  readonly signature?: string;
  /** Encrypted reasoning that nobody may see, whole: a stretch of its own, with empty text. */
  readonly redacted?: string;
}

export interface ToolCallStartEvent {
  readonly type: 'tool-call-start';
  readonly id: string;
  readonly name: string;
  /** To be returned with the call (Google). */
  readonly signature?: string;
}

export interface ToolCallDeltaEvent {
  readonly type: 'tool-call-delta';
  readonly id: string;
  /** A piece of the JSON text of the arguments. */
  readonly input: string;
}

export interface ToolCallEndEvent {
  readonly type: 'tool-call-end';
  readonly id: string;
}

export interface FinishEvent {
  readonly type: 'finish';
  readonly reason: FinishReason;
  /** The vendor's own word for it. */
  readonly rawReason: string;
  /** Absent when the vendor did not say: unknown is not zero. */
  readonly usage?: TokenUsage;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';

/** In tokens, as the vendor counted them. */
export interface TokenUsage {
  /** The whole prompt, with what was read from a cache. */
  readonly inputTokens: number;
  /** The whole output, with reasoning. */
  readonly outputTokens: number;
  /** The part of `inputTokens` that was read from the vendor's cache. */
  readonly cachedInputTokens?: number;
  /** The part of `inputTokens` that was written to the vendor's cache. */
  readonly cacheWriteInputTokens?: number;
  /** The part of `outputTokens` that was reasoning. */
  readonly reasoningTokens?: number;
}
