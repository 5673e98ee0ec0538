import * as oidc from 'openid-client';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';

const retryAfterMs = 5000;

/** What openid-client tells of a failure: its own code, and the claim or the reason in the error below. */
interface Failure {
  readonly code: string;
  /** The claim or attribute that is not as it should be. */
  readonly claim: string | undefined;
  readonly reason: string;
}

interface Rule {
  readonly code: string;
  readonly claim?: readonly string[];
  readonly reason?: RegExp;
  readonly means: ErrorCode;
}

/**
 * What a failure of openid-client means here; the first that fits. Many failures share one of its codes and differ in the
 * wording only: test/integration/oidc-hostile.spec.ts notices when that changes.
 */
const rules: readonly Rule[] = [
  { code: 'OAUTH_TIMEOUT', means: 'IDENTITY_PROVIDER_UNAVAILABLE' },
  { code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED', claim: ['iss'], means: 'ID_TOKEN_ISSUER_MISMATCH' },
  { code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED', claim: ['aud', 'azp'], means: 'ID_TOKEN_AUDIENCE_MISMATCH' },
  { code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED', claim: ['nonce'], means: 'ID_TOKEN_NONCE_MISMATCH' },
  { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED', claim: ['exp'], means: 'ID_TOKEN_EXPIRED' },
  { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED', claim: ['nbf'], means: 'ID_TOKEN_NOT_YET_VALID' },
  { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED', claim: ['sub'], means: 'USERINFO_MISMATCH' },
  { code: 'OAUTH_KEY_SELECTION_FAILED', means: 'ID_TOKEN_SIGNATURE_INVALID' },
  {
    code: 'OAUTH_INVALID_RESPONSE',
    reason: /signature verification failed/,
    means: 'ID_TOKEN_SIGNATURE_INVALID',
  },
  { code: 'OAUTH_INVALID_RESPONSE', reason: /JWT "alg"/, means: 'ID_TOKEN_ALGORITHM_REFUSED' },
  {
    code: 'OAUTH_UNSUPPORTED_OPERATION',
    reason: /JWS "?alg/,
    means: 'ID_TOKEN_ALGORITHM_REFUSED',
  },
  {
    code: 'OAUTH_INVALID_RESPONSE',
    reason: /^(?:JWT "\w+" .*claim missing|unexpected JWT "\w+" .*claim type|ID Token "auth_time")/,
    means: 'ID_TOKEN_CLAIM_MISSING',
  },
  { code: 'OAUTH_INVALID_RESPONSE', reason: /body "id_token"/, means: 'ID_TOKEN_MISSING' },
  { code: 'OAUTH_INVALID_RESPONSE', reason: /"iss" \(issuer\)/, means: 'ISSUER_MISMATCH' },
  // What the browser brought, which anybody may have written, as opposed to what the provider answered.
  {
    code: 'OAUTH_INVALID_RESPONSE',
    reason: /parameter must be provided only once|no authorization code|"parameters" contains/,
    means: 'LOGIN_REJECTED',
  },
  { code: 'OAUTH_UNSUPPORTED_OPERATION', reason: /implicit and hybrid/, means: 'LOGIN_REJECTED' },
  { code: 'OAUTH_UNSUPPORTED_OPERATION', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_INVALID_RESPONSE', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_RESPONSE_IS_NOT_JSON', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_RESPONSE_IS_NOT_CONFORM', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_PARSE_ERROR', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_MISSING_SERVER_METADATA', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_INVALID_SERVER_METADATA', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_HTTP_REQUEST_FORBIDDEN', means: 'IDENTITY_PROVIDER_INVALID' },
  { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED', means: 'IDENTITY_PROVIDER_INVALID' },
];

/** The provider's own words for our request (RFC 6749, 4.1.2.1 and 5.2). */
const answers: Readonly<Record<string, ErrorCode>> = {
  invalid_grant: 'AUTHORIZATION_CODE_INVALID',
  invalid_client: 'IDENTITY_PROVIDER_CLIENT_REFUSED',
  unauthorized_client: 'IDENTITY_PROVIDER_CLIENT_REFUSED',
  server_error: 'IDENTITY_PROVIDER_UNAVAILABLE',
  temporarily_unavailable: 'IDENTITY_PROVIDER_UNAVAILABLE',
};

/** What a failure of openid-client means for the person and the operator; the failure itself is the cause. */
export function providerFailure(cause: unknown): DomainError {
  if (cause instanceof DomainError) return cause;
  const code = meaningOf(cause);
  return new DomainError(code, {
    cause,
    ...(code === 'IDENTITY_PROVIDER_UNAVAILABLE' ? { retryAfterMs } : {}),
  });
}

function meaningOf(error: unknown): ErrorCode {
  if (isOutage(error)) return 'IDENTITY_PROVIDER_UNAVAILABLE';
  if (error instanceof oidc.AuthorizationResponseError) return answerOf(error.error) ?? 'LOGIN_DENIED';
  if (error instanceof oidc.ResponseBodyError) return answerOf(error.error) ?? 'LOGIN_REJECTED';
  if (error instanceof oidc.WWWAuthenticateChallengeError) return 'IDENTITY_PROVIDER_CLIENT_REFUSED';
  const failure = failureOf(error);
  return rules.find((rule) => fits(failure, rule))?.means ?? 'LOGIN_REJECTED';
}

function answerOf(word: string): ErrorCode | undefined {
  return Object.hasOwn(answers, word) ? answers[word] : undefined;
}

function fits({ code, claim, reason }: Failure, rule: Rule): boolean {
  return (
    rule.code === code &&
    (rule.claim === undefined || (claim !== undefined && rule.claim.includes(claim))) &&
    (rule.reason === undefined || rule.reason.test(reason))
  );
}

function failureOf(error: unknown): Failure {
  const code = stringAt(error, 'code') ?? '';
  const inner: unknown = error instanceof Error ? error.cause : undefined;
  // A check that failed is the cause, with what it compared as its own cause.
  const compared = inner instanceof Error ? inner.cause : inner;
  const reason = inner instanceof Error ? inner.message : stringAt(error, 'message');
  return {
    code,
    claim: stringAt(compared, 'claim') ?? stringAt(compared, 'attribute'),
    reason: reason ?? '',
  };
}

function stringAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = (value as Readonly<Record<string, unknown>>)[key]; // Any object may be read like that.
  return typeof found === 'string' ? found : undefined;
}

/** Whether the provider could not be asked or failed itself, as opposed to answering something that must be refused. */
function isOutage(error: unknown): boolean {
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError) {
    return error.status >= 500;
  }
  if (error instanceof oidc.ClientError) {
    const { cause } = error;
    return cause instanceof Response ? cause.status >= 500 : isOutage(cause);
  }
  // What fetch throws when there is no connection (undici).
  return (
    typeof error === 'object' && error !== null && 'message' in error && error.message === 'fetch failed'
  );
}
