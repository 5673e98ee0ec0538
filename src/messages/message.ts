export type MessageRole = 'user' | 'assistant' | 'system' | 'tool';

/**
 * `pending` and `streaming` are being generated. `complete` has the provider's own end; `interrupted` was cut off,
 * `cancelled` was stopped by a person, `error` failed: what had arrived is kept in each case.
 */
export type MessageStatus = 'pending' | 'streaming' | 'complete' | 'interrupted' | 'cancelled' | 'error';

/** The longest text that a person may send at once, in UTF-16 units. */
export const maxMessageCharacters = 500_000;

export const generatingStatuses = ['pending', 'streaming'] as const satisfies readonly MessageStatus[];

/** The ordered content of a message. Text parts joined are its `content`. */
export type MessagePart =
  | { readonly type: 'text'; readonly text: string }
  /** `signature` is the vendor's, to be given back unchanged in the next request. */
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string }
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly input: string };

/** What a model may be told of a message that came before. */
export interface EarlierMessage {
  readonly id: string;
  readonly role: MessageRole;
  readonly content: string;
  readonly parts: readonly MessagePart[];
}

/** How an answer ended, with all of it that arrived. Tokens are undefined when the provider did not report them. */
export interface FinishedAnswer {
  readonly status: Exclude<MessageStatus, 'pending' | 'streaming'>;
  readonly parts: readonly MessagePart[];
  /** The connection that was asked last, and at which temperature; undefined leaves what the message says. */
  readonly provider?: string | undefined;
  readonly temperature?: number | undefined;
  readonly providerModel?: string | undefined;
  /** In micro-units of a currency. */
  readonly cost?: { readonly micros: number; readonly currency: string } | undefined;
  readonly finishReason?: string | undefined;
  readonly providerFinishReason?: string | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
  readonly timeToFirstTokenMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly errorCode?: string | undefined;
}

export function textOf(parts: readonly MessagePart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
