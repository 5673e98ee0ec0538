import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../common/clock.js';
import { LocalWindows } from './local-windows.js';

class TestClock extends Clock {
  ms = 0;

  override now(): Date {
    return new Date(this.ms);
  }

  override monotonicMs(): number {
    return this.ms;
  }
}

let clock: TestClock;
let windows: LocalWindows;

beforeEach(() => {
  clock = new TestClock();
  windows = new LocalWindows(clock);
});

/** Requests that got through, of so many at once. */
function burst(count: number, limit: number, key = 'ada'): number {
  return Array.from({ length: count }, () => windows.take(key, limit)).filter(({ isBlocked }) => !isBlocked)
    .length;
}

describe('a window', () => {
  it('refuses a second burst across what would be the border of a fixed window', () => {
    clock.ms = 59_900;
    expect(burst(10, 5)).toBe(5);
    clock.ms = 60_100;
    expect(burst(10, 5)).toBe(0);
    clock.ms = 118_900;
    expect(burst(10, 5)).toBe(0);
    clock.ms = 119_000;
    expect(burst(10, 5)).toBe(5);
  });

  it('lets through no more than the limit in any minute of whole seconds, however requests come', () => {
    const admitted: number[] = [];
    for (let second = 0; second < 600; second++) {
      clock.ms = second * 1000 + ((second * 37) % 1000);
      admitted.push(burst((second * 7) % 4, 12));
    }
    for (let start = 0; start + 60 <= admitted.length; start++) {
      const sum = admitted.slice(start, start + 60).reduce((a, b) => a + b, 0);
      expect(sum).toBeLessThanOrEqual(12);
    }
    // And does not starve those who keep asking.
    expect(admitted.reduce((a, b) => a + b, 0)).toBe(120);
  });

  it('does not count what it refuses', () => {
    burst(5, 5);
    clock.ms = 30_000;
    expect(burst(100, 5)).toBe(0);
    clock.ms = 60_000;
    expect(burst(100, 5)).toBe(5);
  });

  it('gives back one by one what was spent one by one', () => {
    windows.take('ada', 2);
    clock.ms = 20_000;
    windows.take('ada', 2);
    clock.ms = 40_500;
    expect(windows.take('ada', 2)).toEqual({
      totalHits: 2,
      isBlocked: true,
      timeToBlockExpire: 19.5,
      timeToExpire: 39.5,
    });
    clock.ms = 60_000;
    expect(windows.take('ada', 2)).toMatchObject({ totalHits: 2, isBlocked: false, timeToExpire: 60 });
    expect(windows.take('ada', 2)).toMatchObject({ isBlocked: true, timeToBlockExpire: 20 });
  });

  it('is of one key alone', () => {
    burst(5, 5);
    expect(burst(5, 5, 'bob')).toBe(5);
  });

  it('can be looked at without counting', () => {
    expect(windows.refusal('ada', 1)).toBeUndefined();
    expect(windows.refusal('ada', 1)).toBeUndefined();
    burst(1, 1);
    expect(windows.refusal('ada', 1)).toMatchObject({ isBlocked: true });
  });
});

describe('the memory of windows', () => {
  it('drops keys whose minute is over, and none that counts', () => {
    for (let key = 0; key < 1000; key++) windows.take(`early ${key}`, 5);
    clock.ms = 59_000;
    windows.take('early 7', 5);
    windows.take('late', 1);
    clock.ms = 60_000;
    windows.take('new', 5);
    clock.ms = 118_000;
    expect(windows.take('late', 1).isBlocked).toBe(true);
    expect(windows.take('early 7', 5).totalHits).toBe(2);
    clock.ms = 120_000;
    windows.take('newer', 5);
    clock.ms = 180_000;
    windows.take('newest', 5);
    expect(windows.size).toBe(2);
  });

  it('is bounded: those who were silent the longest are forgotten first', () => {
    windows = new LocalWindows(clock, 100);
    for (let key = 0; key < 1000; key++) {
      windows.take('ada', 5000);
      windows.take(`flood ${key}`, 5);
      expect(windows.size).toBeLessThanOrEqual(100);
    }
    expect(windows.take('ada', 5000).totalHits).toBe(1001);
    expect(windows.take('flood 1', 5).totalHits).toBe(1);
  });
});
