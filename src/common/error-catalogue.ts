/** The kinds of failure that `/api` names in `error.type` (http-api.md, Envelope). */
export type ErrorType =
  | 'validation_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'conflict_error'
  | 'rate_limit_error'
  | 'provider_error'
  | 'server_error';

interface ErrorDefinition {
  readonly status: number;
  readonly type: ErrorType;
  /** For people; a code is the contract. Never carries a secret, an upstream body or a stack. */
  readonly message: string;
}

/** Every code Parley answers with, in one place. A feature that needs a new one adds it here. */
export const errorCatalogue = {
  // 400: malformed or invalid
  VALIDATION_FAILED: { status: 400, type: 'validation_error', message: 'The request is not valid.' },
  INVALID_JSON: { status: 400, type: 'validation_error', message: 'The body is not valid JSON.' },
  INVALID_BODY: { status: 400, type: 'validation_error', message: 'The body must be a JSON object.' },
  INVALID_CURSOR: {
    status: 400,
    type: 'validation_error',
    message: 'The cursor does not belong to this query.',
  },
  INVALID_RETURN_PATH: {
    status: 400,
    type: 'validation_error',
    message: 'returnTo must be a path on this site.',
  },
  INVALID_REQUEST: {
    status: 400,
    type: 'validation_error',
    message: 'The request could not be understood.',
  },
  TEMPERATURE_OUT_OF_RANGE: {
    status: 400,
    type: 'validation_error',
    message: 'The temperature is outside the range of this model.',
  },

  // Login
  LOGIN_TRANSACTION_INVALID: {
    status: 400,
    type: 'authentication_error',
    message: 'This login attempt is unknown, has expired or was already used. Please log in again.',
  },
  LOGIN_REJECTED: {
    status: 401,
    type: 'authentication_error',
    message: 'The answer of the identity provider was refused. Please log in again.',
  },
  LOGIN_DENIED: {
    status: 403,
    type: 'authentication_error',
    message: 'The identity provider did not log you in.',
  },
  IDENTITY_PROVIDER_UNAVAILABLE: {
    status: 503,
    type: 'authentication_error',
    message: 'The identity provider cannot be reached. Please try again.',
  },

  // 401, 403
  NOT_AUTHENTICATED: { status: 401, type: 'authentication_error', message: 'Please log in.' },
  SESSION_ENDED: {
    status: 401,
    type: 'authentication_error',
    message: 'This session has ended. Please log in again.',
  },
  USER_SUSPENDED: { status: 403, type: 'permission_error', message: 'This account is suspended.' },
  TENANT_SUSPENDED: { status: 403, type: 'permission_error', message: 'This organisation is suspended.' },
  FORBIDDEN: { status: 403, type: 'permission_error', message: 'You may not do this.' },
  RECENT_LOGIN_REQUIRED: {
    status: 403,
    type: 'permission_error',
    message: 'Please log in again to do this.',
  },
  CROSS_SITE_REQUEST: {
    status: 403,
    type: 'permission_error',
    message: 'Requests that change something must come from this site.',
  },

  // 404
  NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is nothing here.' },
  THREAD_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such thread.' },
  MESSAGE_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such message.' },
  MODEL_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such model.' },

  // 405, 409, 413, 415, 422
  GENERATION_IN_PROGRESS: {
    status: 409,
    type: 'conflict_error',
    message: 'This model is still answering the previous message.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, type: 'validation_error', message: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    type: 'validation_error',
    message: 'The body must be application/json in UTF-8.',
  },
  CONTEXT_LENGTH_EXCEEDED: {
    status: 422,
    type: 'validation_error',
    message: 'The conversation does not fit into the context of this model.',
  },
  MODEL_CANNOT_CHAT: {
    status: 422,
    type: 'validation_error',
    message: 'This model does not answer messages.',
  },
  CONTENT_FILTERED: {
    status: 422,
    type: 'provider_error',
    message: 'The provider refused to answer this content.',
  },

  // Providers. A refused credential is ours, not the caller's: 502, never 401.
  PROVIDER_AUTHENTICATION_FAILED: {
    status: 502,
    type: 'provider_error',
    message: 'The provider refused the credential of this connection.',
  },
  PROVIDER_PERMISSION_DENIED: {
    status: 502,
    type: 'provider_error',
    message: 'The provider does not let this connection use the model.',
  },
  PROVIDER_MODEL_NOT_FOUND: {
    status: 502,
    type: 'provider_error',
    message: 'The provider does not know this model.',
  },
  PROVIDER_REQUEST_REFUSED: {
    status: 502,
    type: 'provider_error',
    message: 'The provider refused the request.',
  },
  PROVIDER_RATE_LIMITED: {
    status: 429,
    type: 'provider_error',
    message: 'The provider is limiting requests. Please try again later.',
  },
  PROVIDER_OVERLOADED: {
    status: 503,
    type: 'provider_error',
    message: 'The provider is overloaded. Please try again later.',
  },
  PROVIDER_TIMEOUT: { status: 504, type: 'provider_error', message: 'The provider did not answer in time.' },
  PROVIDER_UNREACHABLE: { status: 502, type: 'provider_error', message: 'The provider cannot be reached.' },
  PROVIDER_INVALID_RESPONSE: {
    status: 502,
    type: 'provider_error',
    message: 'The provider sent an answer that is not valid.',
  },
  PROVIDER_FAILED: { status: 502, type: 'provider_error', message: 'The provider failed.' },

  // Generation
  GENERATION_INTERRUPTED: {
    status: 502,
    type: 'provider_error',
    message: 'The answer was cut off; what arrived was kept.',
  },
  GENERATION_CANCELLED: { status: 409, type: 'conflict_error', message: 'The answer was stopped.' },
  ANSWER_TOO_LONG: {
    status: 502,
    type: 'provider_error',
    message: 'The answer exceeded the limit in size or time; what arrived was kept.',
  },

  // 5xx of our own
  INTERNAL_ERROR: { status: 500, type: 'server_error', message: 'Something went wrong on our side.' },
  DATABASE_UNAVAILABLE: {
    status: 503,
    type: 'server_error',
    message: 'The database cannot be reached. Please try again.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof errorCatalogue;
