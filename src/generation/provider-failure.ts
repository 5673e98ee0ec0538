import { DomainError } from '../common/domain-error.js';
import type { ErrorCode } from '../common/error-catalogue.js';
import { ProviderError, type ProviderErrorCode } from '../llm-providers/contract/provider-error.js';

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

/** Our word for what a provider did. Anything that is not a ProviderError is a defect of an adapter: PROVIDER_FAILED. */
export function toFailure(error: unknown): DomainError {
  if (!(error instanceof ProviderError)) return new DomainError('PROVIDER_FAILED', { cause: error });
  const { retryAfterMs } = error;
  return new DomainError(codes[error.code], {
    cause: error,
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
