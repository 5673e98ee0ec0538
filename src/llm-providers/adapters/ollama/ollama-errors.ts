import type { IncomingHttpHeaders } from 'node:http';
import { ProviderError, type ProviderErrorCode } from '../../contract/provider-error.js';
import { type JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import { retryAfterMs } from '../../retry-after.js';
import {
  failure,
  type FailureContext,
  presentableRequestId,
  transportFailure,
} from '../../transport-failure.js';

interface Verdict {
  readonly code: ProviderErrorCode;
  readonly retryable?: boolean;
}

/**
 * https://docs.ollama.com/api/errors; an error is a status and a text, and the text is for people. 503 is a full queue
 * (https://docs.ollama.com/faq, OLLAMA_MAX_QUEUE). Some come from a proxy, or from ollama.com behind the server.
 */
const verdictByStatus: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [401, { code: 'authentication' }],
  [402, { code: 'rate_limit', retryable: false }],
  [403, { code: 'permission' }],
  [404, { code: 'not_found' }],
  [408, { code: 'timeout' }],
  [429, { code: 'rate_limit' }],
  [503, { code: 'overloaded' }],
  [504, { code: 'timeout' }],
]);

/** Whatever went wrong between us and the server, as a ProviderError. */
export function toProviderError(error: unknown, context: FailureContext): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof UnexpectedShapeError || error instanceof SyntaxError) {
    return failure('invalid_response', error, context);
  }
  return transportFailure(error, context) ?? failure('unknown', error, context);
}

/** An answer that is not 200. */
export function refusal(
  status: number,
  headers: IncomingHttpHeaders,
  { provider, nowMs }: FailureContext,
): ProviderError {
  const retryAfter = headers['retry-after'];
  return new ProviderError({
    provider,
    ...verdictOf(status),
    status,
    retryAfterMs:
      retryAfter === undefined ? undefined : retryAfterMs(new Headers({ 'retry-after': retryAfter }), nowMs),
    requestId: requestIdOf(headers),
  });
}

/**
 * A line `{"error": …}` after the status said 200: https://docs.ollama.com/api/errors#errors-that-occur-while-streaming. It may have a status
 * of its own; without one it would have been 500 (`streamResponse` of https://github.com/ollama/ollama/blob/main/server/routes.go).
 */
export function errorInStream(line: JsonObject, { provider, requestId }: FailureContext): ProviderError {
  const told = line.value('status');
  const status = typeof told === 'number' && told >= 400 && told < 600 ? told : undefined;
  return new ProviderError({ provider, ...verdictOf(status ?? 500), status, requestId });
}

/** Ollama gives requests no id, but what stands before it may. */
export function requestIdOf(headers: IncomingHttpHeaders): string | undefined {
  return presentableRequestId(headers['x-request-id']);
}

function verdictOf(status: number): Verdict {
  const verdict = verdictByStatus.get(status);
  if (verdict !== undefined) return verdict;
  if (status >= 500) return { code: 'unknown', retryable: true };
  return { code: status >= 400 ? 'invalid_request' : 'invalid_response' };
}
