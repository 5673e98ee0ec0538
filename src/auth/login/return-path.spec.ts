import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readReturnPath } from './return-path.js';

const site = new URL('https://parley.example');
const refusal = expect.objectContaining({ code: 'INVALID_RETURN_PATH' });

describe('readReturnPath', () => {
  it.each([
    '',
    'threads',
    ' /threads',
    'https://evil.example/',
    'https://parley.example/threads',
    'javascript:alert(1)',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/threads\\..\\..',
    '/\t/evil.example',
    '/\n/evil.example',
    '/threads\r\nSet-Cookie: a=b',
    '/\0',
    '/\u007f',
    '/\u0085',
    '/%2f/evil.example',
    '/%2Fevil.example',
    '/%252Fevil.example',
    '/%25252Fevil.example',
    '/%5cevil.example',
    '/%255Cevil.example',
    '/%09/evil.example',
    '/threads%0d%0aSet-Cookie:a=b',
    '/%00',
    '/.//evil.example',
    '/%2e//evil.example',
    '/threads/..//evil.example',
    '/threads/%2E%2E//evil.example',
    `/${'a'.repeat(2000)}`,
    ['/threads', '//evil.example'],
    { path: '/threads' },
    null,
    1,
  ])('refuses %j', (asked) => {
    expect(() => readReturnPath(asked, site)).toThrow(refusal);
  });

  it.each([
    [undefined, '/'],
    ['/', '/'],
    ['/threads/thread_1?model=gpt&q=a%20b#end', '/threads/thread_1?model=gpt&q=a%20b#end'],
    ['/search?q=100%', '/search?q=100%'],
    ['/search?q=100%25', '/search?q=100%25'],
    ['/a/../b', '/b'],
    ['/größe', '/gr%C3%B6%C3%9Fe'],
    ['/@evil.example', '/@evil.example'],
    ['/login?next=https://parley.example/a//b', '/login?next=https://parley.example/a//b'],
  ])('takes %j as %j', (asked, path) => {
    expect(readReturnPath(asked, site)).toBe(path);
  });

  it('never answers what a browser takes to another site', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '%09',
      '%25',
      '\t',
      '@',
      ':',
      '?',
      '#',
      'evil.example',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let path: string;
        try {
          path = readReturnPath(`/${pieces.join('')}`, site);
        } catch {
          return;
        }
        expect(new URL(path, site.href).origin).toBe(site.origin);
      }),
      { numRuns: 2000 },
    );
  });
});
