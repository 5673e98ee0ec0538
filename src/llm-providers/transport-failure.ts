import type { ProviderKind } from './contract/provider-kind.js';
import { ProviderError, type ProviderErrorCode } from './contract/provider-error.js';
import { isRecord } from './json-shape.js';

/** What an adapter knows when something fails. */
export interface FailureContext {
  readonly provider: ProviderKind;
  /** Whether the caller already has some of the answer. */
  readonly outputBegan: boolean;
  readonly nowMs: number;
  readonly requestId?: string | undefined;
  /** The request was in the vendor's words: so it may name the field that is at fault. */
  readonly isForwarded?: true;
}

const timeoutCodes: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** The outbound client did not take the response: too large, or compressed. */
const unreadableCodes: ReadonlySet<string> = new Set([
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'COMPRESSED_RESPONSE',
]);

/** A failure of the network between us and the vendor; undefined when Node and undici did not say that it is one. */
export function transportFailure(error: unknown, context: FailureContext): ProviderError | undefined {
  const systemCode = systemCodeOf(error);
  if (systemCode === undefined) return undefined;
  if (unreadableCodes.has(systemCode)) return failure('invalid_response', error, context);
  if (systemCode === 'FORBIDDEN_DESTINATION') return forbiddenDestination(error, context);
  if (timeoutCodes.has(systemCode)) return failure('timeout', error, context);
  return brokenConnection(error, context);
}

/** The outbound client sent nothing, and would not the next time: only the operator can change that. */
function forbiddenDestination(cause: unknown, { provider, requestId }: FailureContext): ProviderError {
  return new ProviderError({ provider, code: 'network', retryable: false, requestId, cause });
}

/** The connection is gone, nobody knows why: before output a network failure, afterwards a truncated answer. */
export function brokenConnection(error: unknown, context: FailureContext): ProviderError {
  return context.outputBegan ? missingTerminator(context, error) : failure('network', error, context);
}

/** The stream is over, and the vendor did not say that it is. */
export function missingTerminator(context: FailureContext, cause?: unknown): ProviderError {
  const { provider, requestId, outputBegan } = context;
  return new ProviderError({
    provider,
    code: 'invalid_response',
    retryable: true,
    truncated: outputBegan,
    requestId,
    cause,
  });
}

/** A failure without a status. */
export function failure(
  code: ProviderErrorCode,
  cause: unknown,
  { provider, requestId }: FailureContext,
): ProviderError {
  return new ProviderError({ provider, code, requestId, cause });
}

/** The vendor's id of a request, unless it is something that one would not want to see in a log. */
export function presentableRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : undefined;
}

/** The `code` that Node or undici gave the failure; fetch and the SDKs wrap it in causes of their own. */
function systemCodeOf(error: unknown): string | undefined {
  for (let cause = error; isRecord(cause); cause = cause['cause']) {
    if (typeof cause['code'] === 'string') return cause['code'];
  }
  return undefined;
}
