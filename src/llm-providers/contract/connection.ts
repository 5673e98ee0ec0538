import type { ModelInfo } from './model-info.js';
import type { ProviderKind } from './provider-kind.js';

/** How one vendor account or server is reached. Immutable: a change is a new `version`. */
export interface Connection {
  /** Without blanks; followed by one and more words where it carries another credential than its own. */
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
  /** Its own credential or headers cannot be read at the moment: they are not here, and without them it is not called. */
  readonly unreadable?: true;
  /** Sent with every request, and may carry secrets too. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeouts: ConnectionTimeouts;
  /** The models to offer, when the operator named them; the vendor is then not asked for its list. */
  readonly models?: readonly string[] | undefined;
  /** What the vendor listed when it was last synchronised: serves while it cannot be asked. */
  readonly knownModels?: readonly ModelInfo[] | undefined;
  /** Whether people may or must call it with a key of their own; absent where they may not. */
  readonly personalKeys?: 'allowed' | 'required' | undefined;
  /** What only the adapter of this kind knows: its `connectionOptions`. */
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
