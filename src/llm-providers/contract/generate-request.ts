/**
 * One call of a model, in no vendor's words. Whatever an adapter cannot pass on to its vendor it refuses by name, before anything
 * is sent (`refuseUnsupported`): nothing is dropped in silence.
 */
export interface GenerateRequest {
  /** The vendor's id of the model. */
  readonly model: string;
  /** In parts when some of it is marked for the vendor's cache. */
  readonly systemPrompt?: string | readonly TextPart[] | undefined;
  readonly messages: readonly GenerateMessage[];
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** Generation ends before any of these; the stop text itself is not part of the answer. */
  readonly stop?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly logitBias?: Readonly<Record<string, number>> | undefined;
  /** How many alternatives to tell for each token, with their log probabilities; 0 for that of the token alone. */
  readonly topLogprobs?: number | undefined;
  readonly tools?: readonly ToolDefinition[] | undefined;
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly responseFormat?: ResponseFormat | undefined;
  readonly reasoning?: ReasoningOptions | undefined;
  /** An opaque id of the end user, for the vendor's abuse detection. */
  readonly user?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly serviceTier?: string | undefined;
  /** Fields that no contract knows, in the words of OpenAI: for vendors of that kind, as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

export type GenerateMessage =
  | { readonly role: 'user'; readonly parts: readonly UserPart[] }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly parts: readonly ToolResultPart[] };

export type UserPart = TextPart | ImagePart;

/** What an assistant said, in the order in which it said it. */
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart;

/** Asks the vendor to remember the prompt up to here. */
export interface CacheControl {
  /** For how long; the vendor's default when absent. */
  readonly ttl?: '5m' | '1h' | undefined;
}

interface Cacheable {
  readonly cacheControl?: CacheControl | undefined;
}

export interface TextPart extends Cacheable {
  readonly type: 'text';
  readonly text: string;
}

export interface ImagePart extends Cacheable {
  readonly type: 'image';
  /** Base64 with its media type, or where the vendor finds it: Parley fetches nothing. */
  readonly source:
    | { readonly type: 'base64'; readonly mediaType: string; readonly data: string }
    | { readonly type: 'url'; readonly url: string };
  /** How closely to look. */
  readonly detail?: 'low' | 'high' | 'auto' | undefined;
}

export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  /** The vendor's proof that the text is its own; it must be returned unchanged with the conversation. */
  readonly signature?: string;
  /** Reasoning that the vendor shows to nobody: encrypted, to be returned unchanged; `text` is then empty. */
  readonly redacted?: string;
}

export interface ToolCallPart extends Cacheable {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: meant to be JSON, but not checked. */
  readonly input: string;
  /** The vendor's proof of the thought behind the call, to be returned unchanged (Google). */
  readonly signature?: string;
}

export interface ToolResultPart extends Cacheable {
  readonly type: 'tool-result';
  readonly callId: string;
  readonly output: string | readonly UserPart[];
  /** The tool failed, and `output` says how. */
  readonly isError?: boolean | undefined;
}

export interface ToolDefinition extends Cacheable {
  readonly name: string;
  readonly description?: string | undefined;
  /** A JSON Schema of the arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Whether the vendor must hold the model to the schema. */
  readonly strict?: boolean | undefined;
}

/** Which tools the model may or must call. */
export type ToolChoice =
  { readonly type: 'auto' | 'none' | 'required' } | { readonly type: 'tool'; readonly name: string };

export type ResponseFormat =
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly description?: string | undefined;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict?: boolean | undefined;
    };

export interface ReasoningOptions {
  /** In the vendor's words for it, such as `low`, `medium`, `high`, `none`. */
  readonly effort?: string | undefined;
  /** Most tokens to think in; 0 to not think. */
  readonly budgetTokens?: number | undefined;
  /** How much of the thinking to show, of vendors that show summaries of it; others show what they show. */
  readonly summary?: 'auto' | 'concise' | 'detailed' | undefined;
}
