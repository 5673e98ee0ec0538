import { describe, expect, it } from '@jest/globals';
import { isSafeMethod, isSameOrigin } from './same-origin.js';

const origin = 'https://parley.example';

describe('isSameOrigin', () => {
  it.each([
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: 'http://parley.example' },
    { origin: 'https://parley.example:8443' },
    { origin: 'https://parley.example.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-site', origin },
    { 'sec-fetch-site': 'same-origin, cross-site' },
  ])('refuses %j', (headers) => {
    expect(isSameOrigin(headers, origin)).toBe(false);
  });

  it.each([{ origin }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'same-origin', origin }])(
    'accepts %j',
    (headers) => {
      expect(isSameOrigin(headers, origin)).toBe(true);
    },
  );
});

describe('isSafeMethod', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'get'])('does not trust %s', (method) => {
    expect(isSafeMethod(method)).toBe(false);
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])('trusts %s', (method) => {
    expect(isSafeMethod(method)).toBe(true);
  });
});
