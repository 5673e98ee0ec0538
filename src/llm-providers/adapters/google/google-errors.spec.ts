import { describe, expect, it } from '@jest/globals';
import { ProviderError } from '../../contract/provider-error.js';
import { UnexpectedShapeError } from '../../json-shape.js';
import type { FailureContext } from '../../transport-failure.js';
import { errorInStream, RefusalError, toProviderError, UnreachableError } from './google-errors.js';

const context: FailureContext = { provider: 'google', outputBegan: false, nowMs: 0 };
const duringOutput: FailureContext = { ...context, outputBegan: true };

function refusal(
  status: number,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): RefusalError {
  return new RefusalError(status, new Headers(headers), body);
}

function errorOf(status: string, ...details: readonly object[]): object {
  return {
    code: 400,
    message: 'The input token count exceeds the maximum: API key not valid',
    status,
    details,
  };
}

const detail = (type: string, fields: object): object => ({
  '@type': `type.googleapis.com/google.rpc.${type}`,
  ...fields,
});
const reason = (word: string): object => detail('ErrorInfo', { reason: word, domain: 'googleapis.com' });

function transport(code: string): TypeError {
  return Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('x'), { code }) });
}

describe('toProviderError', () => {
  it.each([
    [400, errorOf('INVALID_ARGUMENT'), 'invalid_request', false],
    [400, errorOf('INVALID_ARGUMENT', reason('API_KEY_INVALID')), 'authentication', false],
    [400, errorOf('INVALID_ARGUMENT', reason('OF_TOMORROW')), 'invalid_request', false],
    [400, errorOf('INVALID_ARGUMENT', { '@type': 'x', reason: 'API_KEY_INVALID' }), 'invalid_request', false],
    [400, errorOf('OUT_OF_RANGE'), 'invalid_request', false],
    [400, errorOf('FAILED_PRECONDITION'), 'permission', false],
    [401, errorOf('UNAUTHENTICATED'), 'authentication', false],
    [401, errorOf('UNAUTHENTICATED', reason('ACCESS_TOKEN_EXPIRED')), 'authentication', false],
    [403, errorOf('PERMISSION_DENIED'), 'permission', false],
    [403, errorOf('PERMISSION_DENIED', reason('CREDENTIALS_MISSING')), 'authentication', false],
    [403, errorOf('PERMISSION_DENIED', reason('BILLING_DISABLED')), 'permission', false],
    [404, errorOf('NOT_FOUND'), 'not_found', false],
    [409, errorOf('ABORTED'), 'unknown', true],
    [429, errorOf('RESOURCE_EXHAUSTED'), 'rate_limit', true],
    [499, errorOf('CANCELLED'), 'unknown', true],
    [500, errorOf('INTERNAL'), 'unknown', true],
    [500, errorOf('UNKNOWN'), 'unknown', true],
    [500, errorOf('DATA_LOSS'), 'unknown', true],
    [501, errorOf('UNIMPLEMENTED'), 'invalid_request', false],
    [503, errorOf('UNAVAILABLE'), 'overloaded', true],
    [504, errorOf('DEADLINE_EXCEEDED'), 'timeout', true],
    [503, errorOf('toString'), 'overloaded', true],
  ] as const)('reads %i %j as %s', (status, error, code, retryable) => {
    expect(toProviderError(refusal(status, { error }), context)).toMatchObject({ code, retryable, status });
    expect(toProviderError(refusal(status, [{ error }]), context)).toMatchObject({ code, retryable });
  });

  it.each([
    [302, 'invalid_response', false],
    [400, 'invalid_request', false],
    [401, 'authentication', false],
    [403, 'permission', false],
    [404, 'not_found', false],
    [408, 'timeout', true],
    [413, 'invalid_request', false],
    [429, 'rate_limit', true],
    [500, 'unknown', true],
    [502, 'unknown', true],
    [503, 'overloaded', true],
    [504, 'timeout', true],
  ] as const)('reads %i of something else in between as %s', (status, code, retryable) => {
    for (const body of [undefined, {}, [], 'Bad Gateway', { error: 'x' }, { error: { details: 'x' } }]) {
      expect(toProviderError(refusal(status, body), context)).toMatchObject({ code, retryable, status });
    }
  });

  it.each([
    ['ECONNREFUSED', 'network', true],
    ['ECONNRESET', 'network', true],
    ['FORBIDDEN_DESTINATION', 'network', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', true],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', true],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'invalid_response', false],
  ] as const)('reads the system error %s as %s', (systemCode, code, retryable) => {
    const error = toProviderError(transport(systemCode), context);
    expect(error).toMatchObject({ code, retryable, truncated: false });
    expect(toProviderError(new UnreachableError(transport(systemCode)), context)).toMatchObject({ code });
  });

  it('calls a connection that breaks during output truncated, but not one that is silent', () => {
    const cut = { code: 'invalid_response', truncated: true };
    expect(toProviderError(transport('ECONNRESET'), duringOutput)).toMatchObject(cut);
    const silent = { code: 'timeout', truncated: false };
    expect(toProviderError(transport('UND_ERR_BODY_TIMEOUT'), duringOutput)).toMatchObject(silent);
  });

  it.each([
    [new UnexpectedShapeError('chunk', 'an object'), 'invalid_response'],
    [new SyntaxError('JSON'), 'invalid_response'],
    [new UnreachableError(new TypeError('fetch failed')), 'network'],
    [new TypeError('a defect of ours'), 'unknown'],
    ['not even an error', 'unknown'],
  ])('reads %s as %s', (error, code) => {
    expect(toProviderError(error, context)).toMatchObject({ code, cause: error });
  });

  it('passes a ProviderError on', () => {
    const error = new ProviderError({ provider: 'google', code: 'overloaded' });
    expect(toProviderError(error, context)).toBe(error);
  });

  it.each([
    ['27s', 27_000],
    ['0.5s', 500],
    ['34.074824224s', 34_075],
    ['99999999999s', 3_600_000],
    ['-1s', undefined],
    ['27', undefined],
    [27, undefined],
  ])('reads the delay %j as %s ms', (retryDelay, expected) => {
    const error = errorOf(
      'RESOURCE_EXHAUSTED',
      detail('QuotaFailure', {}),
      detail('RetryInfo', { retryDelay }),
    );
    expect(toProviderError(refusal(429, { error }), context).retryAfterMs).toBe(expected);
  });

  it('believes the header first', () => {
    const error = errorOf('RESOURCE_EXHAUSTED', detail('RetryInfo', { retryDelay: '9s' }));
    const refused = refusal(429, { error }, { 'retry-after': '2' });
    expect(toProviderError(refused, context).retryAfterMs).toBe(2000);
  });

  it('has nothing of the answer in a message, its own or that of its cause', () => {
    const error = toProviderError(refusal(400, { error: errorOf('INVALID_ARGUMENT') }), context);
    expect(`${String(error)}${String(error.cause)}`).not.toContain('token');
  });

  it('keeps a request id that is one', () => {
    const withId = (requestId: string): object => ({
      error: errorOf('INTERNAL', detail('RequestInfo', { requestId })),
    });
    expect(toProviderError(refusal(500, withId('abc-1')), context).requestId).toBe('abc-1');
    expect(toProviderError(refusal(500, withId('a b')), context).requestId).toBeUndefined();
  });
});

describe('errorInStream', () => {
  it.each([
    [{ code: 503, status: 'UNAVAILABLE' }, 'overloaded', true],
    [{ code: 429, status: 'RESOURCE_EXHAUSTED' }, 'rate_limit', true],
    [{ code: 500, status: 'INTERNAL' }, 'unknown', true],
    [{ code: 400, status: 'INVALID_ARGUMENT' }, 'invalid_request', false],
    [{ code: 504 }, 'timeout', true],
    [{ status: 'DEADLINE_EXCEEDED' }, 'timeout', true],
    [{ code: '503' }, 'unknown', false],
    ['a text', 'unknown', false],
  ] as const)('reads %j as %s', (error, code, retryable) => {
    const thrown = errorInStream(error, { ...duringOutput, requestId: 'answer-1' });
    expect(thrown).toMatchObject({ code, retryable, truncated: false, requestId: 'answer-1' });
    expect(thrown.status).toBeUndefined();
  });

  it('keeps the time to wait', () => {
    const error = errorOf('RESOURCE_EXHAUSTED', detail('RetryInfo', { retryDelay: '3s' }));
    expect(errorInStream(error, duringOutput).retryAfterMs).toBe(3000);
  });
});
