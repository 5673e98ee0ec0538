import { describe, expect, it } from '@jest/globals';
import { DomainError } from '../common/domain-error.js';
import { ProviderError } from '../llm-providers/contract/provider-error.js';
import { toFailure } from './provider-failure.js';

const personalKey = { id: 'key', tenantId: 'tenant', userId: 'user', provider: 'openai' };

describe('the failure of a provider', () => {
  it.each([
    ['authentication', 'PERSONAL_KEY_REFUSED', 422],
    ['permission', 'PERSONAL_KEY_REFUSED', 422],
    ['rate_limit', 'PROVIDER_RATE_LIMITED', 429],
    ['network', 'PROVIDER_UNREACHABLE', 502],
  ] as const)('with a personal key: %s is %s', (code, expected, status) => {
    const error = new ProviderError({ provider: 'openai', code });
    expect(toFailure(error, { personalKey })).toMatchObject({ code: expected, status });
  });

  it.each([
    ['authentication', 'PROVIDER_AUTHENTICATION_FAILED'],
    ['permission', 'PROVIDER_PERMISSION_DENIED'],
  ] as const)("with the organisation's key: %s is %s, and ours to mend", (code, expected) => {
    const error = new ProviderError({ provider: 'openai', code });
    expect(toFailure(error, {})).toMatchObject({ code: expected, status: 502 });
    expect(toFailure(error)).toMatchObject({ code: expected, status: 502 });
  });

  it('names whose key was refused', () => {
    const error = new ProviderError({ provider: 'openai', code: 'authentication' });
    expect(toFailure(error, { personalKey }).details).toEqual({ provider: 'openai' });
  });

  it('keeps our own words', () => {
    const own = new DomainError('MODEL_NOT_FOUND');
    expect(toFailure(own)).toBe(own);
  });

  it('is nothing else: a database that is away, or a defect, goes on as it is', () => {
    const away = new Error('Connection terminated unexpectedly');
    expect(() => toFailure(away)).toThrow(away);
  });
});
