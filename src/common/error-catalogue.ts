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
  UNSUPPORTED_PARAMETER: {
    status: 400,
    type: 'validation_error',
    message: 'The provider of this model cannot do what the request asks for.',
  },
  PREVIOUS_RESPONSE_NOT_FOUND: {
    status: 400,
    type: 'validation_error',
    message: 'There is no such previous response, or not all of its conversation is kept any more.',
  },
  CONVERSATION_TOO_LONG: {
    status: 400,
    type: 'validation_error',
    message: 'The conversation is too long to be continued from a stored response.',
  },
  RESPONSE_NOT_CANCELLABLE: {
    status: 400,
    type: 'validation_error',
    message: 'Only a response that is made in the background can be cancelled.',
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
  LOGIN_PROVIDER_UNKNOWN: {
    status: 404,
    type: 'not_found_error',
    message: 'There is no identity provider of this name.',
  },
  SINGLE_SIGN_ON_DISABLED: {
    status: 404,
    type: 'not_found_error',
    message: 'Nobody logs in here by single sign-on.',
  },
  LOGIN_GROUPS_MISSING: {
    status: 403,
    type: 'permission_error',
    message: 'The identity provider did not tell your groups, without which nobody logs in here.',
  },
  TENANT_UNKNOWN: {
    status: 403,
    type: 'permission_error',
    message: 'Your organisation is not known here.',
  },
  TENANT_CHANGED: {
    status: 403,
    type: 'permission_error',
    message: 'Your account belongs to another organisation than the one you log in with.',
  },
  ISSUER_MISMATCH: {
    status: 401,
    type: 'authentication_error',
    message: 'Another identity provider answered than the one that was asked. Please log in again.',
  },
  AUTHORIZATION_CODE_INVALID: {
    status: 401,
    type: 'authentication_error',
    message: 'The identity provider no longer honours this login. Please log in again.',
  },
  ID_TOKEN_MISSING: {
    status: 401,
    type: 'authentication_error',
    message: 'The identity provider did not say who you are.',
  },
  ID_TOKEN_SIGNATURE_INVALID: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token was not signed by a key of the identity provider.',
  },
  ID_TOKEN_ALGORITHM_REFUSED: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token is signed in a way that was not agreed on.',
  },
  ID_TOKEN_ISSUER_MISMATCH: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token is of another issuer.',
  },
  ID_TOKEN_AUDIENCE_MISMATCH: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token was made for another application.',
  },
  ID_TOKEN_NONCE_MISMATCH: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token belongs to another login. Please log in again.',
  },
  ID_TOKEN_EXPIRED: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token has expired. Please log in again.',
  },
  ID_TOKEN_NOT_YET_VALID: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token is from the future: a clock is wrong.',
  },
  ID_TOKEN_CLAIM_MISSING: {
    status: 401,
    type: 'authentication_error',
    message: 'The ID token lacks a claim that is needed, or has it in a form that cannot be used.',
  },
  USERINFO_MISMATCH: {
    status: 401,
    type: 'authentication_error',
    message: 'The identity provider answered with the claims of somebody else.',
  },
  IDENTITY_PROVIDER_CLIENT_REFUSED: {
    status: 502,
    type: 'authentication_error',
    message: 'The identity provider does not accept the credentials of this application.',
  },
  IDENTITY_PROVIDER_INVALID: {
    status: 502,
    type: 'authentication_error',
    message: 'The identity provider answers in a way that is not valid.',
  },
  IDENTITY_PROVIDER_UNAVAILABLE: {
    status: 503,
    type: 'authentication_error',
    message: 'The identity provider cannot be reached. Please try again.',
  },

  LOGOUT_TOKEN_INVALID: {
    status: 400,
    type: 'authentication_error',
    message: 'The logout token of the identity provider was refused.',
  },

  // Local login and setup
  LOGIN_FAILED: {
    status: 401,
    type: 'authentication_error',
    message: 'The username or the password is not right.',
  },
  LOGIN_BUSY: {
    status: 503,
    type: 'server_error',
    message: 'Too many people are logging in at this moment. Please try again.',
  },
  LOCAL_LOGIN_OFF: {
    status: 422,
    type: 'validation_error',
    message: 'People log in at the identity provider here; the setting login.local lets them have passwords.',
  },
  PASSWORD_INCORRECT: {
    status: 403,
    type: 'permission_error',
    message: 'The current password is not right.',
  },
  PASSWORD_TOO_WEAK: {
    status: 422,
    type: 'validation_error',
    message: 'The password is too easy to guess.',
  },
  USERNAME_TAKEN: { status: 409, type: 'conflict_error', message: 'Somebody has this username.' },
  SETUP_TOKEN_INVALID: {
    status: 403,
    type: 'permission_error',
    message: 'This is not the setup token that was printed at start.',
  },

  // 401, 403
  NOT_AUTHENTICATED: { status: 401, type: 'authentication_error', message: 'Please log in.' },
  SESSION_ENDED: {
    status: 401,
    type: 'authentication_error',
    message: 'This session has ended. Please log in again.',
  },
  TOKEN_EXPIRED: { status: 401, type: 'authentication_error', message: 'This API token has expired.' },
  TOKEN_REVOKED: { status: 401, type: 'authentication_error', message: 'This API token was revoked.' },
  TOKEN_NETWORK_FORBIDDEN: {
    status: 403,
    type: 'permission_error',
    message: 'This API token may not be used from this network.',
  },
  MODEL_NOT_GRANTED: {
    status: 403,
    type: 'permission_error',
    message: 'This API token does not include the model.',
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
  SESSION_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such session.' },
  THREAD_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such thread.' },
  MESSAGE_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such message.' },
  TOKEN_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such API token.' },
  MODEL_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such model.' },
  MODEL_LOAD_NOT_FOUND: {
    status: 404,
    type: 'not_found_error',
    message: 'There is no such load of this model.',
  },
  CONNECTION_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such connection.' },
  PERSONAL_KEY_NOT_FOUND: {
    status: 404,
    type: 'not_found_error',
    message: 'You have given no key for this provider.',
  },
  RESPONSE_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such response.' },
  USER_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such user.' },
  TENANT_NOT_FOUND: { status: 404, type: 'not_found_error', message: 'There is no such tenant.' },

  // 405, 409, 413, 415, 422, 429
  GENERATION_IN_PROGRESS: {
    status: 409,
    type: 'conflict_error',
    message: 'This model is still answering the previous message.',
  },
  SUMMARY_IN_PROGRESS: {
    status: 409,
    type: 'conflict_error',
    message: 'This conversation is being summarised.',
  },
  CONVERSATION_CHANGED: {
    status: 409,
    type: 'conflict_error',
    message: 'The conversation was changed meanwhile. Please try again.',
  },
  NOTHING_TO_SUMMARIZE: {
    status: 422,
    type: 'validation_error',
    message: 'There is nothing in this conversation that is not in its summary, but for the newest messages.',
  },
  LAST_ADMIN: {
    status: 409,
    type: 'conflict_error',
    message: 'Nobody else would be left to administer this organisation.',
  },
  DEFAULT_TENANT_REQUIRED: {
    status: 409,
    type: 'conflict_error',
    message: 'The default tenant cannot be suspended: its admins run this installation.',
  },
  TENANT_SLUG_TAKEN: {
    status: 409,
    type: 'conflict_error',
    message: 'Another tenant has this slug.',
  },
  TENANT_IDENTITY_TAKEN: {
    status: 409,
    type: 'conflict_error',
    message: 'The people of this issuer and claim belong to another tenant.',
  },
  CONNECTION_NAME_TAKEN: {
    status: 409,
    type: 'conflict_error',
    message: 'Another connection has this name.',
  },
  CONNECTION_CHANGED: {
    status: 409,
    type: 'conflict_error',
    message: 'The connection was changed meanwhile. Please try again.',
  },
  CONNECTION_CONFIGURED: {
    status: 409,
    type: 'conflict_error',
    message: 'This connection is made by the settings of the installation, and changed there.',
  },
  TOKEN_NOT_ACTIVE: {
    status: 409,
    type: 'conflict_error',
    message: 'This API token has ended: it was revoked or rotated, or it has expired.',
  },
  SERVICE_ACCOUNT_EXISTS: {
    status: 409,
    type: 'conflict_error',
    message: 'There is a service account with this name and another role.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    type: 'validation_error',
    message: 'The body did not arrive in time.',
  },
  IMPORT_IN_PROGRESS: {
    status: 409,
    type: 'conflict_error',
    message: 'Another import of yours is under way. Please wait for it to end.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, type: 'validation_error', message: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    type: 'validation_error',
    message: 'The body must be application/json in UTF-8.',
  },
  RATE_LIMITED: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Too many requests. Please try again later.',
  },
  BUDGET_EXHAUSTED: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The monthly budget of this API token is spent.',
  },
  USAGE_RANGE_INVALID: {
    status: 422,
    type: 'validation_error',
    message: 'The time from which usage is asked must be before the time up to which it is, by not too much.',
  },
  USAGE_GROUPS_TOO_MANY: {
    status: 422,
    type: 'validation_error',
    message: 'The report would have too many groups. Ask for a shorter time, or group by less.',
  },
  USAGE_NOT_RECORDED: {
    status: 503,
    type: 'server_error',
    message: 'Usage cannot be recorded at the moment. Please try again shortly.',
  },
  TOO_MANY_GENERATIONS: {
    status: 429,
    type: 'rate_limit_error',
    message: 'As many answers of yours are under way as there may be. Please try again later.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    type: 'validation_error',
    message: 'This Idempotency-Key was used for another request.',
  },
  SCOPE_EXCEEDS_RIGHTS: {
    status: 422,
    type: 'permission_error',
    message: 'A token can only do what both its owner and whoever issues it can do.',
  },
  TOKEN_LIFETIME_INVALID: {
    status: 422,
    type: 'validation_error',
    message: 'An API token ends in the future, and within the longest life that the settings allow.',
  },
  BASE_URL_FORBIDDEN: {
    status: 422,
    type: 'validation_error',
    message:
      'A base URL is https, or http for hosts in outbound.allowedHosts, to a public host, without user name, query and fragment.',
  },
  CONNECTION_MODELS_REQUIRED: {
    status: 422,
    type: 'validation_error',
    message: 'Connections of this kind have to name their models: the vendor lists none that can be called.',
  },
  CONNECTION_HEADERS_WITH_PERSONAL_KEYS: {
    status: 422,
    type: 'validation_error',
    message: 'A connection that people call with keys of their own sends no headers of yours with them.',
  },
  CONNECTION_OPTION_INVALID: {
    status: 422,
    type: 'validation_error',
    message: 'Connections of this kind have no such option, or it cannot be that.',
  },
  IMPORT_FORMAT_UNKNOWN: {
    status: 422,
    type: 'validation_error',
    message: 'This is no export of Parley, ChatGPT or Claude.',
  },
  IMPORT_FILE_BROKEN: {
    status: 422,
    type: 'validation_error',
    message: 'The file is damaged or incomplete. What was read before is in the report.',
  },
  NOTHING_IMPORTED: {
    status: 422,
    type: 'validation_error',
    message: 'There was nothing to import that is not there already. The report says why.',
  },
  CONTEXT_LENGTH_EXCEEDED: {
    status: 422,
    type: 'validation_error',
    message: 'The conversation does not fit into the context of this model.',
  },
  MODEL_NAME_TAKEN: {
    status: 409,
    type: 'conflict_error',
    message: 'There is a model, an alias or a router of this name.',
  },
  MODEL_ALIASES_TOO_MANY: {
    status: 422,
    type: 'validation_error',
    message: 'There are as many aliases and routers as there may be.',
  },
  MODEL_TARGET_UNKNOWN: {
    status: 422,
    type: 'validation_error',
    message: 'There is no such model to lead to, or you cannot use it.',
  },
  MODEL_TARGET_CYCLE: {
    status: 422,
    type: 'validation_error',
    message: 'This would lead back to where it comes from.',
  },
  MODEL_TARGETS_TOO_MANY: {
    status: 422,
    type: 'validation_error',
    message: 'This would be nested too deep, or lead to too many models.',
  },
  MODEL_TARGET_BROKEN: {
    status: 422,
    type: 'validation_error',
    message: 'What this name leads to is no longer there, or you can no longer use it.',
  },
  MODEL_CANNOT_CHAT: {
    status: 422,
    type: 'validation_error',
    message: 'This model does not answer messages.',
  },
  MODEL_CANNOT_EMBED: {
    status: 422,
    type: 'validation_error',
    message: 'This model makes no embeddings.',
  },
  PERSONAL_KEY_REFUSED: {
    status: 422,
    type: 'provider_error',
    message: 'The provider refused your personal key.',
  },
  MESSAGE_NOT_AN_ANSWER: {
    status: 422,
    type: 'validation_error',
    message: 'This message is not an answer to a message of a person.',
  },
  MODEL_NEEDS_NO_LOADING: {
    status: 422,
    type: 'validation_error',
    message: 'This model needs no loading.',
  },
  PERSONAL_KEY_NOT_ALLOWED: {
    status: 422,
    type: 'validation_error',
    message: 'There is no provider of this name to which people bring keys of their own.',
  },
  API_KEY_RULE_CONFLICT: {
    status: 422,
    type: 'validation_error',
    message: 'What the connection of this model says of keys of people leaves no choice here.',
  },
  API_KEY_REQUIRED: {
    status: 422,
    type: 'validation_error',
    message: 'This model needs an API key of your own. Please give one in your profile.',
  },
  PERSONAL_KEY_UNREADABLE: {
    status: 422,
    type: 'validation_error',
    message: 'Your API key for this model can no longer be used. Please give it again, or remove it.',
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
  MODEL_LOAD_INTERRUPTED: {
    status: 502,
    type: 'provider_error',
    message: 'The loading of the model was cut off.',
  },
  PROVIDER_FAILED: { status: 502, type: 'provider_error', message: 'The provider failed.' },

  CONNECTION_UNREADABLE: {
    status: 503,
    type: 'server_error',
    message: 'The credential of this connection cannot be decrypted.',
  },

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
  SERVER_STOPPING: {
    status: 503,
    type: 'server_error',
    message: 'This server is stopping, and the answer goes on at another. Please try again.',
  },
  IMPORTS_BUSY: {
    status: 503,
    type: 'server_error',
    message: 'Several people are importing at this moment. Please try again.',
  },
  SEARCH_TIMEOUT: {
    status: 503,
    type: 'server_error',
    message: 'This search took too long. Please search for less, or try again.',
  },
  ENCRYPTION_UNAVAILABLE: {
    status: 503,
    type: 'server_error',
    message: 'The keys of stored secrets cannot be reached. Please try again.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof errorCatalogue;
