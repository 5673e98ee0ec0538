/** The vendors that Parley speaks to. A new one is a folder in `adapters/`, a line here and a line in the module. */
export const providerKinds = [
  'openai',
  'openai-compatible',
  'anthropic',
  'google',
  'ollama',
  'demo',
] as const;

export type ProviderKind = (typeof providerKinds)[number];

/** How one vendor account or server is reached. Immutable: a change is a new `version`. */
export interface Connection {
  readonly id: string;
  /** Changes whenever anything below does; clients and model lists are cached by id and version. */
  readonly version: number;
  readonly kind: ProviderKind;
  /** For people. */
  readonly name: string;
  /** Absolute, including the API's path prefix, e.g. `https://api.openai.com/v1`. Ignored by `demo`. */
  readonly baseUrl: string;
  /** Undefined for servers that ask for none. Never part of a message or a log line. */
  readonly credential?: string | undefined;
  /** Sent with every request, and may carry secrets too. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeouts: ConnectionTimeouts;
  /** The models to offer, when the operator named them; the vendor is then not asked for its list. */
  readonly models?: readonly string[] | undefined;
  /** What only the adapter of this kind knows, e.g. `tokenDelayMs` of the demo. */
  readonly options?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** All in milliseconds. */
export interface ConnectionTimeouts {
  /** Until the socket, with TLS, is open. */
  readonly connectMs: number;
  /** From the request until the response headers. */
  readonly headersMs: number;
  /** Between two pieces of a response body. There is no limit on the whole: an answer may be long. */
  readonly idleMs: number;
}
