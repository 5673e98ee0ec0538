import type { ProviderKind } from './provider-kind.js';

/** For people. Never an upstream body, a URL or a credential: those stay in `cause`, which is not for logs. */
const messages = {
  authentication: 'The provider refused the credential of this connection.',
  permission: 'The provider does not let this connection do that.',
  not_found: 'The provider does not know this model or address.',
  invalid_request: 'The provider refused the request.',
  unsupported: 'The provider cannot do what the request asks for.',
  context_length: 'The conversation does not fit into the context of this model.',
  content_filter: 'The provider refused to answer this content.',
  rate_limit: 'The provider is limiting requests.',
  overloaded: 'The provider is overloaded.',
  timeout: 'The provider did not answer in time.',
  network: 'The provider cannot be reached.',
  invalid_response: 'The provider sent an answer that is not valid.',
  unknown: 'The provider failed.',
} as const;

export type ProviderErrorCode = keyof typeof messages;

export function isProviderErrorCode(word: string): word is ProviderErrorCode {
  return Object.hasOwn(messages, word);
}

const retryableCodes: ReadonlySet<ProviderErrorCode> = new Set([
  'rate_limit',
  'overloaded',
  'timeout',
  'network',
]);

export interface ProviderErrorOptions {
  readonly provider: ProviderKind;
  readonly code: ProviderErrorCode;
  /** By default: rate_limit, overloaded, timeout and network are. */
  readonly retryable?: boolean | undefined;
  readonly truncated?: boolean | undefined;
  readonly param?: string | undefined;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** A vendor failed. Thrown by adapters, never yielded. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly provider: ProviderKind;
  readonly code: ProviderErrorCode;
  /** Whether the same request may succeed later. Callers retry only before the first output all the same. */
  readonly retryable: boolean;
  /** Output began, and then the stream ended, cleanly or by a cut, without the vendor's terminator. */
  readonly truncated: boolean;
  /** The field of the request that is at fault, in the words of `GenerateRequest`, or of the vendor where its own were passed on. */
  readonly param: string | undefined;
  /** The HTTP status, when there was one. */
  readonly status: number | undefined;
  /** How long the vendor asks to wait, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
  /** The vendor's id of the failed request. */
  readonly requestId: string | undefined;

  constructor(options: ProviderErrorOptions) {
    super(messages[options.code], { cause: options.cause });
    this.provider = options.provider;
    this.code = options.code;
    this.retryable = options.retryable ?? retryableCodes.has(options.code);
    this.truncated = options.truncated ?? false;
    this.param = options.param;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.requestId = options.requestId;
  }
}
