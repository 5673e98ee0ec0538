import { ProviderError, type ProviderErrorCode } from '../../contract/provider-error.js';
import { isRecord, UnexpectedShapeError } from '../../json-shape.js';
import { retryAfterMs, waitMs } from '../../retry-after.js';
import {
  brokenConnection,
  failure,
  type FailureContext,
  presentableRequestId,
  transportFailure,
} from '../../transport-failure.js';

/** The API answered, but with no success. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';

  /** @param body what it says of it: not for messages and logs */
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly body: unknown,
  ) {
    super(`The API answered with status ${status}`);
  }
}

/** Nobody answered. fetch gives its failures no type, and not always a code. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(cause: unknown) {
    super('The API cannot be reached', { cause });
  }
}

interface Verdict {
  readonly code: ProviderErrorCode;
  readonly retryable?: boolean;
}

const broken: Verdict = { code: 'unknown', retryable: true };

/**
 * The reasons of `google.rpc.ErrorInfo` that say more than the status: a wrong key is an INVALID_ARGUMENT.
 * https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
 */
const verdictByReason: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['API_KEY_INVALID', { code: 'authentication' }],
  ['CREDENTIALS_MISSING', { code: 'authentication' }],
  ['ACCESS_TOKEN_EXPIRED', { code: 'authentication' }],
  // Nothing but a payment helps.
  ['BILLING_DISABLED', { code: 'permission' }],
]);

/**
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto and
 * https://ai.google.dev/gemini-api/docs/troubleshooting#error-codes
 */
const verdictByWord: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['UNAUTHENTICATED', { code: 'authentication' }],
  ['PERMISSION_DENIED', { code: 'permission' }],
  // The free tier is not for this country, or billing is not set up.
  ['FAILED_PRECONDITION', { code: 'permission' }],
  ['NOT_FOUND', { code: 'not_found' }],
  ['INVALID_ARGUMENT', { code: 'invalid_request' }],
  ['OUT_OF_RANGE', { code: 'invalid_request' }],
  ['UNIMPLEMENTED', { code: 'invalid_request' }],
  ['RESOURCE_EXHAUSTED', { code: 'rate_limit' }],
  ['UNAVAILABLE', { code: 'overloaded' }],
  ['DEADLINE_EXCEEDED', { code: 'timeout' }],
  ['INTERNAL', broken],
  ['UNKNOWN', broken],
  ['ABORTED', broken],
  ['CANCELLED', broken],
  ['DATA_LOSS', broken],
]);

/** For what stands between us and the API, and speaks no google.rpc. */
const verdictByStatus: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  [401, { code: 'authentication' }],
  [403, { code: 'permission' }],
  [404, { code: 'not_found' }],
  [408, { code: 'timeout' }],
  [429, { code: 'rate_limit' }],
  [503, { code: 'overloaded' }],
  [504, { code: 'timeout' }],
]);

/** Whatever went wrong between us and the vendor, as a ProviderError: by status and structured code, never by text. */
export function toProviderError(error: unknown, context: FailureContext): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof RefusalError) return refusal(error, context);
  if (error instanceof UnexpectedShapeError || error instanceof SyntaxError) {
    return failure('invalid_response', error, context);
  }
  const transport = transportFailure(error, context);
  if (transport !== undefined) return transport;
  return error instanceof UnreachableError
    ? brokenConnection(error, context)
    : failure('unknown', error, context);
}

/** An `error` in a stream, after the status said 200; its code is then what the status would have been. */
export function errorInStream(error: unknown, { provider, requestId }: FailureContext): ProviderError {
  const status = isRecord(error) && typeof error['code'] === 'number' ? error['code'] : undefined;
  const retryAfter = retryDelayMs(error);
  return new ProviderError({
    provider,
    ...verdictOf(status, error),
    retryAfterMs: retryAfter,
    requestId: requestId ?? requestIdOf(error),
  });
}

function refusal(refused: RefusalError, { provider, nowMs, requestId }: FailureContext): ProviderError {
  const { status, headers } = refused;
  const error = errorOf(refused.body);
  return new ProviderError({
    provider,
    ...verdictOf(status, error),
    status,
    retryAfterMs: retryAfterMs(headers, nowMs) ?? retryDelayMs(error),
    requestId: requestIdOf(error) ?? requestId,
    cause: refused,
  });
}

/** `{"error": …}`; where a list of chunks was to come, that is what the list has. */
function errorOf(body: unknown): unknown {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  return isRecord(first) ? first['error'] : undefined;
}

/** @param error `{"code", "message", "status", "details"}`: https://google.aip.dev/193 */
function verdictOf(status: number | undefined, error: unknown): Verdict {
  const word = isRecord(error) ? error['status'] : undefined;
  return (
    verdictByReason.get(detailOf(error, 'ErrorInfo')?.['reason']) ??
    verdictByWord.get(word) ??
    verdictByStatus.get(status) ??
    verdictOfOtherStatus(status)
  );
}

function verdictOfOtherStatus(status: number | undefined): Verdict {
  if (status === undefined) return { code: 'unknown' };
  if (status >= 500) return broken;
  return { code: status >= 400 ? 'invalid_request' : 'invalid_response' };
}

/** `"34.5s"`: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto, RetryInfo */
function retryDelayMs(error: unknown): number | undefined {
  const delay = detailOf(error, 'RetryInfo')?.['retryDelay'];
  const seconds = typeof delay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
  return seconds === undefined ? undefined : waitMs(seconds, 1000);
}

/** The API sends no id with a refusal but, now and then, in this detail. */
function requestIdOf(error: unknown): string | undefined {
  return presentableRequestId(detailOf(error, 'RequestInfo')?.['requestId']);
}

function detailOf(error: unknown, type: string): Readonly<Record<string, unknown>> | undefined {
  const details = isRecord(error) ? error['details'] : undefined;
  if (!Array.isArray(details)) return undefined;
  return details
    .filter(isRecord)
    .find((detail) => detail['@type'] === `type.googleapis.com/google.rpc.${type}`);
}
