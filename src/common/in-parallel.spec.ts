import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { inParallel } from './in-parallel.js';

describe('inParallel', () => {
  it('does as many at a time as it may, and keeps the order', async () => {
    let [running, most] = [0, 0];
    const results = await inParallel([5, 4, 3, 2, 1, 0], 3, async (item) => {
      most = Math.max(most, (running += 1));
      for (let turn = 0; turn < item; turn += 1) await setImmediate();
      running -= 1;
      return item * 2;
    });
    expect(results).toEqual([10, 8, 6, 4, 2, 0]);
    expect(most).toBe(3);
  });

  it('does nothing for nothing', async () => {
    expect(await inParallel([], 3, () => Promise.reject(new Error('never')))).toEqual([]);
  });

  it('throws the first failure', async () => {
    const failure = new Error('2');
    const work = (item: number): Promise<number> =>
      item === 2 ? Promise.reject(failure) : Promise.resolve(item);
    await expect(inParallel([1, 2, 3], 2, work)).rejects.toBe(failure);
  });
});
