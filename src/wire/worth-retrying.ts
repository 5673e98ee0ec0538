import type { DomainError } from '../common/domain-error.js';
import type { ErrorCode } from '../common/error-catalogue.js';

/** What may succeed when it is asked again. */
const worthRetrying: ReadonlySet<ErrorCode> = new Set([
  'RATE_LIMITED',
  'TOO_MANY_GENERATIONS',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_OVERLOADED',
  'PROVIDER_TIMEOUT',
  'PROVIDER_UNREACHABLE',
  'PROVIDER_FAILED',
  'PROVIDER_INVALID_RESPONSE',
  'GENERATION_INTERRUPTED',
  'USAGE_NOT_RECORDED',
  'SERVER_STOPPING',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_ERROR',
]);

/** What the clients of OpenAI and Anthropic listen to: they ask again by themselves, unless they are told that it has no point, or later. */
export function retryHeaders({ code, retryAfterMs }: DomainError): Readonly<Record<string, string>> {
  return {
    ...(worthRetrying.has(code) ? {} : { 'x-should-retry': 'false' }),
    ...(retryAfterMs === undefined ? {} : { 'retry-after-ms': String(Math.ceil(retryAfterMs)) }),
  };
}
