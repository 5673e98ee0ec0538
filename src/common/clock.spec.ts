import { describe, expect, it } from '@jest/globals';
import { SystemClock } from './clock.js';

describe('SystemClock', () => {
  it('never lets monotonic time go backwards', () => {
    const clock = new SystemClock();
    const first = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });
});
