import { describe, expect, it } from '@jest/globals';
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { ProviderError } from '../../contract/provider-error.js';
import { UnexpectedShapeError } from '../../json-shape.js';
import type { FailureContext } from '../../transport-failure.js';
import { ReportedError, toProviderError } from './openai-errors.js';

const context: FailureContext = { provider: 'openai', outputBegan: false, nowMs: 0 };
const duringOutput: FailureContext = { ...context, outputBegan: true };

function refusal(
  status: number,
  error: object = {},
  headers: Readonly<Record<string, string>> = {},
): APIError {
  return APIError.generate(status, { error }, undefined, new Headers(headers));
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
    [400, {}, 'invalid_request', false],
    [400, { code: 'context_length_exceeded' }, 'context_length', false],
    [400, { type: 'exceed_context_size_error', code: 400 }, 'context_length', false],
    [400, { code: 'content_filter' }, 'content_filter', false],
    [400, { message: 'maximum context length is 8192 tokens' }, 'invalid_request', false],
    [401, { type: 'invalid_request_error', code: 'invalid_api_key' }, 'authentication', false],
    [401, { type: 'invalid_request_error', code: null }, 'authentication', false],
    [402, {}, 'rate_limit', false],
    [403, {}, 'permission', false],
    [404, {}, 'not_found', false],
    [404, { code: 'model_not_found' }, 'not_found', false],
    [408, {}, 'timeout', true],
    [413, {}, 'invalid_request', false],
    [422, {}, 'invalid_request', false],
    [429, {}, 'rate_limit', true],
    [429, { code: 'rate_limit_exceeded' }, 'rate_limit', true],
    [429, { type: 'insufficient_quota', code: 'insufficient_quota' }, 'rate_limit', false],
    [429, { message: 'insufficient_quota' }, 'rate_limit', true],
    [500, {}, 'unknown', true],
    [502, {}, 'unknown', true],
    [503, {}, 'overloaded', true],
    [503, { code: 'slow_down' }, 'overloaded', true],
    [504, {}, 'timeout', true],
    [529, {}, 'overloaded', true],
    [400, { code: 'toString' }, 'invalid_request', false],
    [400, { code: null, innererror: { code: 'ResponsibleAIPolicyViolation' } }, 'content_filter', false],
    [400, { code: 'content_filter', innererror: 'x' }, 'content_filter', false],
    [401, { code: '401' }, 'authentication', false],
    [404, { code: 'DeploymentNotFound' }, 'not_found', false],
    [429, { code: '429' }, 'rate_limit', true],
  ] as const)('reads %i %j as %s', (status, error, code, retryable) => {
    expect(toProviderError(refusal(status, error), context)).toMatchObject({ code, retryable, status });
  });

  it.each([
    ['ECONNREFUSED', 'network', true],
    ['ENOTFOUND', 'network', true],
    ['ECONNRESET', 'network', true],
    ['UND_ERR_SOCKET', 'network', true],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', true],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', true],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', true],
    ['ETIMEDOUT', 'timeout', true],
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
    [new UnexpectedShapeError('chunk', 'an object'), 'invalid_response'],
    [new SyntaxError('JSON'), 'invalid_response'],
    [new TypeError('a defect of ours'), 'unknown'],
    ['not even an error', 'unknown'],
  ])('reads %s as %s', (error, code) => {
    expect(toProviderError(error, context)).toMatchObject({ code, cause: error });
  });

  it('passes a ProviderError on', () => {
    const error = new ProviderError({ provider: 'openai', code: 'overloaded' });
    expect(toProviderError(error, context)).toBe(error);
  });

  it('keeps the request id and the time to wait', () => {
    const headers = { 'x-request-id': 'req_123', 'retry-after-ms': '250' };
    const error = toProviderError(refusal(429, {}, headers), context);
    expect(error).toMatchObject({ requestId: 'req_123', retryAfterMs: 250 });
  });

  it('takes the request id of the gateway of Azure where there is no other', () => {
    const error = toProviderError(refusal(429, {}, { 'apim-request-id': '5b1e' }), context);
    expect(error.requestId).toBe('5b1e');
  });

  it('drops a request id that is no id', () => {
    const error = toProviderError(refusal(500, {}, { 'x-request-id': 'a b' }), context);
    expect(error.requestId).toBeUndefined();
  });
});

describe('toProviderError of an error in a stream', () => {
  it.each([
    [{ type: 'server_error', code: null }, 'unknown', true],
    [{ type: 'BadRequestError', code: 400 }, 'invalid_request', false],
    [{ code: 429, message: 'slow down' }, 'rate_limit', true],
    [{ code: 'context_length_exceeded' }, 'context_length', false],
    [{ type: 'invalid_request_error' }, 'invalid_request', false],
    [{ type: 'authentication_error' }, 'authentication', false],
    [{ code: 'server_error', message: 'x' }, 'unknown', true],
    [{ code: 'rate_limit_exceeded', message: 'x' }, 'rate_limit', true],
    [{ code: 'invalid_prompt', message: 'x' }, 'content_filter', false],
    [{ code: 'bio_policy', message: 'x' }, 'content_filter', false],
    [{ code: 'vector_store_timeout', message: 'x' }, 'timeout', true],
    [{ code: 'failed_to_download_image', message: 'x' }, 'invalid_request', false],
    [{ type: 'error', code: 'insufficient_quota', message: 'x' }, 'rate_limit', false],
    [{ code: null, message: 'rate_limit_exceeded' }, 'unknown', false],
    ['a text', 'unknown', false],
  ] as const)('reads %j as %s', (error, code, retryable) => {
    const failure = toProviderError(new ReportedError(error), duringOutput);
    expect(failure).toMatchObject({ code, retryable, truncated: false });
    expect(failure.cause).toBeUndefined();
  });
});
