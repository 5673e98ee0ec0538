import type { CallStatus } from './model-call.js';

/** What a generation does, in the words of the native stream (conversations.md, Native event stream). */
export type GenerationEvent =
  MessageStart | JournalEvent | MessageComplete | GenerationFailure | { readonly type: 'close' };

export interface MessageStart {
  readonly type: 'message_start';
  readonly userMessageId: string;
  readonly threadId: string;
  readonly modelId: string;
  readonly timestamp: string;
}

/** The events of which an answer is made, and those that tell what is going on meanwhile. */
export type JournalEvent =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'reasoning'; readonly token: string; readonly signature?: string }
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly input: string }
  | ({ readonly type: 'status' } & CallStatus);

export interface MessageComplete {
  readonly type: 'message_complete';
  /** Null where the provider did not report. */
  readonly totalTokens: number | null;
  readonly usage: {
    readonly inputTokens: number | null;
    readonly outputTokens: number | null;
    readonly cachedTokens: number | null;
  };
  readonly finishReason: string;
  readonly timestamp: string;
}

export interface GenerationFailure {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** An event with its number in the stream of its message, from 1. */
export interface NumberedEvent {
  readonly number: number;
  readonly event: GenerationEvent;
}
