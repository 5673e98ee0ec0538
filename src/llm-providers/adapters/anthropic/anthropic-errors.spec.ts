import { describe, expect, it } from '@jest/globals';
import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { ProviderError } from '../../contract/provider-error.js';
import { UnexpectedShapeError } from '../../json-shape.js';
import type { FailureContext } from '../../transport-failure.js';
import { errorInStream, toProviderError } from './anthropic-errors.js';

const context: FailureContext = { provider: 'anthropic', outputBegan: false, nowMs: 0 };
const duringOutput: FailureContext = { ...context, outputBegan: true };

function refusal(
  status: number,
  body: object = {},
  headers: Readonly<Record<string, string>> = {},
): APIError {
  return APIError.generate(status, body, undefined, new Headers(headers));
}

function errorOf(type: string, error_code?: string): object {
  const details = error_code === undefined ? {} : { details: { error_code } };
  return { type: 'error', error: { type, message: 'prompt is too long: 250000 tokens', ...details } };
}

function transport(code: string): APIConnectionError {
  const cause = Object.assign(new TypeError('fetch failed'), {
    cause: Object.assign(new Error('x'), { code }),
  });
  return new APIConnectionError({ cause });
}

describe('toProviderError', () => {
  it.each([
    [302, {}, 'invalid_response', false],
    [400, errorOf('invalid_request_error'), 'invalid_request', false],
    [400, errorOf('invalid_request_error', 'image_dimensions_too_large'), 'invalid_request', false],
    [400, errorOf('invalid_request_error', 'organization_on_hold'), 'permission', false],
    [400, errorOf('invalid_request_error', 'claude_code_key_creator_not_member'), 'authentication', false],
    [401, errorOf('authentication_error'), 'authentication', false],
    [402, errorOf('billing_error'), 'rate_limit', false],
    [403, errorOf('permission_error'), 'permission', false],
    [404, errorOf('not_found_error'), 'not_found', false],
    [408, {}, 'timeout', true],
    [413, errorOf('request_too_large'), 'invalid_request', false],
    [413, {}, 'invalid_request', false],
    [422, {}, 'invalid_request', false],
    [429, errorOf('rate_limit_error'), 'rate_limit', true],
    [429, errorOf('rate_limit_error', 'ramp_limit_exceeded'), 'rate_limit', true],
    [429, errorOf('rate_limit_error', 'enforced_spend_limit_reached'), 'rate_limit', false],
    [429, errorOf('rate_limit_error', 'contract_spend_limit_reached'), 'rate_limit', false],
    [500, errorOf('api_error'), 'unknown', true],
    [500, errorOf('overloaded_error'), 'overloaded', true],
    [502, {}, 'unknown', true],
    [503, {}, 'overloaded', true],
    [504, errorOf('timeout_error'), 'timeout', true],
    [529, errorOf('overloaded_error'), 'overloaded', true],
    [529, {}, 'overloaded', true],
    [400, errorOf('toString'), 'invalid_request', false],
  ] as const)('reads %i %j as %s', (status, body, code, retryable) => {
    expect(toProviderError(refusal(status, body), context)).toMatchObject({ code, retryable, status });
  });

  it.each([
    ['ECONNREFUSED', 'network', true],
    ['ENOTFOUND', 'network', true],
    ['ECONNRESET', 'network', true],
    ['FORBIDDEN_DESTINATION', 'network', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', true],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', true],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', true],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'invalid_response', false],
  ] as const)('reads the system error %s as %s', (systemCode, code, retryable) => {
    expect(toProviderError(transport(systemCode), context)).toMatchObject({
      code,
      retryable,
      truncated: false,
    });
  });

  it('calls a connection that breaks during output truncated, but not one that is silent', () => {
    expect(toProviderError(transport('ECONNRESET'), duringOutput)).toMatchObject({
      code: 'invalid_response',
      truncated: true,
    });
    expect(toProviderError(transport('UND_ERR_BODY_TIMEOUT'), duringOutput)).toMatchObject({
      code: 'timeout',
      truncated: false,
    });
  });

  it.each([
    [new APIConnectionTimeoutError(), 'timeout'],
    [new APIConnectionError({}), 'network'],
    [new UnexpectedShapeError('event', 'an object'), 'invalid_response'],
    [new SyntaxError('JSON'), 'invalid_response'],
    [new TypeError('a defect of ours'), 'unknown'],
    ['not even an error', 'unknown'],
  ])('reads %s as %s', (error, code) => {
    expect(toProviderError(error, context)).toMatchObject({ code, cause: error });
  });

  it('passes a ProviderError on', () => {
    const error = new ProviderError({ provider: 'anthropic', code: 'overloaded' });
    expect(toProviderError(error, context)).toBe(error);
  });

  it('keeps the time to wait, and the request id of the header or else of the body', () => {
    const body = { ...errorOf('rate_limit_error'), request_id: 'req_body' };
    const headers = { 'request-id': 'req_header', 'retry-after': '2' };
    expect(toProviderError(refusal(429, body, headers), context)).toMatchObject({
      requestId: 'req_header',
      retryAfterMs: 2000,
    });
    expect(toProviderError(refusal(429, body), context)).toMatchObject({ requestId: 'req_body' });
  });

  it('drops a request id that is no id', () => {
    const error = toProviderError(refusal(500, {}, { 'request-id': 'a b' }), context);
    expect(error.requestId).toBeUndefined();
  });
});

describe('errorInStream', () => {
  it.each([
    [errorOf('overloaded_error'), 'overloaded', true],
    [errorOf('api_error'), 'unknown', true],
    [errorOf('rate_limit_error'), 'rate_limit', true],
    [errorOf('rate_limit_error', 'enforced_spend_limit_reached'), 'rate_limit', false],
    [errorOf('invalid_request_error'), 'invalid_request', false],
    [errorOf('authentication_error'), 'authentication', false],
    [errorOf('permission_error'), 'permission', false],
    [errorOf('not_found_error'), 'not_found', false],
    [errorOf('request_too_large'), 'invalid_request', false],
    [errorOf('timeout_error'), 'timeout', true],
    [errorOf('billing_error'), 'rate_limit', false],
    [errorOf('of_tomorrow'), 'unknown', false],
    [{ type: 'error', error: 'a text' }, 'unknown', false],
  ] as const)('reads %j as %s', (event, code, retryable) => {
    const error = errorInStream(event, { ...duringOutput, requestId: 'req_1' });
    expect(error).toMatchObject({ code, retryable, truncated: false, requestId: 'req_1' });
  });
});
