/** One call of a model, in no vendor's words. */
export interface GenerateRequest {
  /** The vendor's id of the model. */
  readonly model: string;
  readonly systemPrompt?: string | undefined;
  readonly messages: readonly GenerateMessage[];
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** Generation ends before any of these; the stop text itself is not part of the answer. */
  readonly stop?: readonly string[] | undefined;
  readonly tools?: readonly ToolDefinition[] | undefined;
}

export type GenerateMessage =
  | { readonly role: 'user'; readonly parts: readonly TextPart[] }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly parts: readonly ToolResultPart[] };

/** What an assistant said, in the order in which it said it. */
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart;

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  /** The vendor's proof that the text is its own; it must be returned unchanged with the conversation. */
  readonly signature?: string;
}

export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: meant to be JSON, but not checked. */
  readonly input: string;
}

export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly callId: string;
  readonly output: string;
}

export interface ToolDefinition {
  readonly name: string;
  readonly description?: string | undefined;
  /** A JSON Schema of the arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}
