import { DomainError } from '../common/domain-error.js';
import type { ErrorCode } from '../common/error-catalogue.js';
import { ProviderError, type ProviderErrorCode } from '../llm-providers/contract/provider-error.js';
import type { RouteTarget } from './model-route.js';

const codes: Readonly<Record<ProviderErrorCode, ErrorCode>> = {
  authentication: 'PROVIDER_AUTHENTICATION_FAILED',
  permission: 'PROVIDER_PERMISSION_DENIED',
  not_found: 'PROVIDER_MODEL_NOT_FOUND',
  invalid_request: 'PROVIDER_REQUEST_REFUSED',
  unsupported: 'UNSUPPORTED_PARAMETER',
  context_length: 'CONTEXT_LENGTH_EXCEEDED',
  content_filter: 'CONTENT_FILTERED',
  rate_limit: 'PROVIDER_RATE_LIMITED',
  overloaded: 'PROVIDER_OVERLOADED',
  timeout: 'PROVIDER_TIMEOUT',
  network: 'PROVIDER_UNREACHABLE',
  invalid_response: 'PROVIDER_INVALID_RESPONSE',
  unknown: 'PROVIDER_FAILED',
};

/**
 * Our word for what a provider did; a DomainError is one already.
 * @param target who was asked: a personal key that is refused is for its owner to mend, not for us
 * @throws anything else, as it is: a database that is away, or a defect, for the filter to tell and to log
 */
export function toFailure(error: unknown, target?: Pick<RouteTarget, 'personalKey'>): DomainError {
  if (error instanceof DomainError) return error;
  if (!(error instanceof ProviderError)) throw error;
  const { code, provider, param, retryAfterMs } = error;
  if (target?.personalKey !== undefined && (code === 'authentication' || code === 'permission')) {
    return new DomainError('PERSONAL_KEY_REFUSED', { cause: error, details: { provider } });
  }
  return new DomainError(codes[code], {
    cause: error,
    ...(param === undefined ? {} : { param }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
