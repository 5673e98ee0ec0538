import { describe, expect, it } from '@jest/globals';
import { percentile } from './latency-counts.js';

/** As `countsOf` does in SQL. */
function counted(times: readonly number[]): number[] {
  const counts = Array.from({ length: 88 }, () => 0);
  for (const ms of times) {
    const index = Math.min(87, Math.floor(4 * Math.log2(ms + 1)));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe('a percentile of counts', () => {
  it('is none of nothing', () => {
    expect(percentile(counted([]), 0.5)).toBeNull();
  });

  it.each([
    [0.5, 500],
    [0.95, 950],
  ])('is within a tenth of the real one: %p', (share, real) => {
    const told = percentile(counted(Array.from({ length: 1000 }, (_, index) => index + 1)), share);
    expect(Math.abs(Number(told) - real)).toBeLessThan(real / 10);
  });

  it('of one time is that time', () => {
    expect(percentile(counted([0]), 0.95)).toBe(0);
    expect(Math.abs(Number(percentile(counted([60_000]), 0.5)) - 60_000)).toBeLessThan(6000);
  });
});
