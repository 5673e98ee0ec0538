import { describe, expect, it } from '@jest/globals';
import { retryAfterMs } from './retry-after.js';

const now = Date.parse('2026-11-20T10:00:00Z');

describe('retryAfterMs', () => {
  it.each([
    ['nothing', {}, undefined],
    ['seconds', { 'retry-after': '20' }, 20_000],
    ['part of a second', { 'retry-after': '0.25' }, 250],
    ['a date to come', { 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT' }, 30_000],
    ['a date that has passed', { 'retry-after': 'Fri, 20 Nov 2026 09:00:00 GMT' }, 0],
    ['milliseconds, which go first', { 'retry-after-ms': '1500', 'retry-after': '20' }, 1500],
    ['milliseconds that are none', { 'retry-after-ms': 'soon', 'retry-after': '20' }, 20_000],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined],
    ['less than nothing, with a unit', { 'retry-after': '-5 s' }, undefined],
    ['milliseconds less than nothing', { 'retry-after-ms': '-5' }, undefined],
    ['a date of RFC 850', { 'retry-after': 'Friday, 20-Nov-26 10:00:30 GMT' }, 30_000],
    ['a date of asctime()', { 'retry-after': 'Fri Nov 20 10:00:30 2026' }, 30_000],
    ['a date that HTTP does not know', { 'retry-after': '2026-11-20T10:00:30Z' }, undefined],
    ['a year', { 'retry-after': '2027-' }, undefined],
    ['a date that is none', { 'retry-after': 'Xyz, 99 Foo 2026 10:00:30 GMT' }, undefined],
    ['an hour at most', { 'retry-after': '3601' }, 3_600_000],
    ['an hour at most, in milliseconds', { 'retry-after-ms': '9'.repeat(20) }, 3_600_000],
    ['an hour at most, by date', { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, 3_600_000],
    ['no number beyond all', { 'retry-after': '9'.repeat(400) }, undefined],
    ['no milliseconds beyond all', { 'retry-after-ms': '9'.repeat(400), 'retry-after': '1' }, 1000],
  ])('reads %s', (_name, headers, expected) => {
    expect(retryAfterMs(new Headers(Object.entries(headers)), now)).toBe(expected);
  });
});
