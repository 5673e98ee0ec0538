import { describe, expect, it } from '@jest/globals';
import { Turns } from './turns.js';

describe('Turns', () => {
  it('turn away whoever comes when enough wait, let few in at once, and all others in order', async () => {
    const turns = new Turns({ mostAtOnce: 2, mostWaiting: 3, retryAfterMs: 2000 });
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const work = async (index: number): Promise<void> => {
      order.push(index);
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      if (index === 3) throw new Error('it failed');
    };
    const all = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map((index) => turns.take(() => work(index))));
    expect(all.map(({ status }) => status[0])).toEqual(['f', 'f', 'f', 'r', 'f', 'r', 'r']);
    for (const outcome of all.slice(5)) {
      expect(outcome).toMatchObject({ reason: { code: 'LOGIN_BUSY', retryAfterMs: 2000 } });
    }
    expect([order, most]).toEqual([[0, 1, 2, 3, 4], 2]);

    const later = await Promise.allSettled([5, 6, 7, 8, 9].map((index) => turns.take(() => work(index))));
    expect(later.map(({ status }) => status[0])).toEqual(['f', 'f', 'f', 'f', 'f']);
    expect(most).toBe(2);
  });
});
