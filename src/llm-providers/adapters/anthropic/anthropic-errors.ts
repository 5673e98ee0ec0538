import { APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { ProviderError, type ProviderErrorCode } from '../../contract/provider-error.js';
import { isRecord, UnexpectedShapeError } from '../../json-shape.js';
import { retryAfterMs } from '../../retry-after.js';
import {
  brokenConnection,
  failure,
  type FailureContext,
  missingTerminator,
  presentableRequestId,
  transportFailure,
} from '../../transport-failure.js';

interface Verdict {
  readonly code: ProviderErrorCode;
  readonly retryable?: boolean;
}

/** Nothing but a payment, or another month, helps. */
const spent: Verdict = { code: 'rate_limit', retryable: false };

/**
 * The `details.error_code` that say more than the status. There is none for a conversation that is too long: that is an invalid request.
 * https://platform.claude.com/docs/en/api/errors and the error classes of the SDK
 */
const verdictByErrorCode: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['contract_spend_limit_reached', spent],
  ['enforced_spend_limit_reached', spent],
  ['organization_on_hold', { code: 'permission' }],
  ['claude_code_key_creator_not_member', { code: 'authentication' }],
]);

/** https://platform.claude.com/docs/en/api/errors#http-errors */
const verdictByStatus: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  [401, { code: 'authentication' }],
  [402, spent],
  [403, { code: 'permission' }],
  [404, { code: 'not_found' }],
  [408, { code: 'timeout' }],
  [429, { code: 'rate_limit' }],
  [503, { code: 'overloaded' }],
  [504, { code: 'timeout' }],
  [529, { code: 'overloaded' }],
]);

/** The same in words, for where there is no status, inside a stream, or one that says less. */
const verdictByType: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  ['invalid_request_error', { code: 'invalid_request' }],
  ['authentication_error', { code: 'authentication' }],
  ['billing_error', spent],
  ['permission_error', { code: 'permission' }],
  ['not_found_error', { code: 'not_found' }],
  ['request_too_large', { code: 'invalid_request' }],
  ['rate_limit_error', { code: 'rate_limit' }],
  ['timeout_error', { code: 'timeout' }],
  ['overloaded_error', { code: 'overloaded' }],
  ['api_error', { code: 'unknown', retryable: true }],
]);

/** The event `error` of an answer that is passed on. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';

  constructor(readonly reported: unknown) {
    super('The vendor reported an error.');
  }
}

/** The vendor ends the stream, or the connection, without having said how the message ended. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError';
}

/** Whatever went wrong between us and the vendor, as a ProviderError: by status and structured code, never by text. */
export function toProviderError(error: unknown, context: FailureContext): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof ReportedError) return errorInStream(error.reported, context);
  if (error instanceof UnfinishedError) return missingTerminator(context);
  if (isRefusal(error)) return refusal(error, context);
  if (error instanceof UnexpectedShapeError || error instanceof SyntaxError) {
    return failure('invalid_response', error, context);
  }
  const transport = transportFailure(error, context);
  if (transport !== undefined) return transport;
  if (error instanceof APIConnectionTimeoutError) return failure('timeout', error, context);
  return error instanceof APIError ? brokenConnection(error, context) : failure('unknown', error, context);
}

/** The event `error` of a stream, after the status said 200. */
export function errorInStream(event: unknown, { provider, requestId }: FailureContext): ProviderError {
  return new ProviderError({ provider, ...verdictOf(undefined, event), requestId });
}

function refusal(error: APIError<number, Headers>, { provider, nowMs }: FailureContext): ProviderError {
  const { status, headers, error: body } = error;
  const requestId = headers.get('request-id') ?? (isRecord(body) ? body['request_id'] : undefined);
  return new ProviderError({
    provider,
    ...verdictOf(status, body),
    status,
    retryAfterMs: retryAfterMs(headers, nowMs),
    requestId: presentableRequestId(requestId),
    cause: error,
  });
}

function isRefusal(error: unknown): error is APIError<number, Headers> {
  return error instanceof APIError && typeof error.status === 'number';
}

/** @param body `{"type": "error", "error": {"type": …, "details": {"error_code": …}}}` */
function verdictOf(status: number | undefined, body: unknown): Verdict {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  const details = isRecord(error['details']) ? error['details'] : {};
  return (
    verdictByErrorCode.get(details['error_code']) ??
    verdictByStatus.get(status) ??
    verdictByType.get(error['type']) ??
    verdictOfOtherStatus(status)
  );
}

function verdictOfOtherStatus(status: number | undefined): Verdict {
  if (status === undefined) return { code: 'unknown' };
  if (status >= 500) return { code: 'unknown', retryable: true };
  return { code: status >= 400 ? 'invalid_request' : 'invalid_response' };
}
