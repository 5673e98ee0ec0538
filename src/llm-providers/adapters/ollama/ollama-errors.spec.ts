import { describe, expect, it } from '@jest/globals';
import { ProviderError } from '../../contract/provider-error.js';
import { JsonObject, UnexpectedShapeError } from '../../json-shape.js';
import type { FailureContext } from '../../transport-failure.js';
import { errorInStream, refusal, toProviderError } from './ollama-errors.js';

const context: FailureContext = { provider: 'ollama', outputBegan: false, nowMs: 0 };

describe('refusal', () => {
  it.each([
    [302, 'invalid_response', false],
    [400, 'invalid_request', false],
    [401, 'authentication', false],
    [402, 'rate_limit', false],
    [403, 'permission', false],
    [404, 'not_found', false],
    [408, 'timeout', true],
    [413, 'invalid_request', false],
    [429, 'rate_limit', true],
    [500, 'unknown', true],
    [502, 'unknown', true],
    [503, 'overloaded', true],
    [504, 'timeout', true],
  ] as const)('reads %i as %s', (status, code, retryable) => {
    expect(refusal(status, {}, context)).toMatchObject({ code, retryable, status, provider: 'ollama' });
  });

  it('keeps the time to wait, and the id of the request if it is one', () => {
    const headers = { 'retry-after': '1.5', 'x-request-id': 'req_1' };
    expect(refusal(503, headers, context)).toMatchObject({ retryAfterMs: 1500, requestId: 'req_1' });
    expect(refusal(503, { 'x-request-id': 'a b' }, context).requestId).toBeUndefined();
  });
});

describe('errorInStream', () => {
  it.each([
    [{ error: 'the model runner has gone' }, 'unknown', true, undefined],
    [{ error: 'slow down', status: 429 }, 'rate_limit', true, 429],
    [{ error: 'x', status: 'success' }, 'unknown', true, undefined],
    [{ error: 'x', status: 200 }, 'unknown', true, undefined],
  ] as const)('reads %j as %s', (line, code, retryable, status) => {
    const error = errorInStream(JsonObject.from(line, 'line'), { ...context, outputBegan: true });
    expect(error).toMatchObject({ code, retryable, status, truncated: false });
  });
});

describe('toProviderError', () => {
  it.each([
    [new UnexpectedShapeError('line', 'an object'), 'invalid_response', false],
    [new SyntaxError('JSON'), 'invalid_response', false],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'network', true],
    [Object.assign(new Error('x'), { code: 'FORBIDDEN_DESTINATION' }), 'network', false],
    [Object.assign(new Error('x'), { code: 'UND_ERR_BODY_TIMEOUT' }), 'timeout', true],
    [new TypeError('a defect of ours'), 'unknown', false],
  ] as const)('reads %s as %s', (error, code, retryable) => {
    expect(toProviderError(error, context)).toMatchObject({ code, retryable, cause: error });
  });

  it('passes a ProviderError on', () => {
    const error = new ProviderError({ provider: 'ollama', code: 'overloaded' });
    expect(toProviderError(error, context)).toBe(error);
  });
});
