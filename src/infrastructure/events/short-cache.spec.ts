import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../common/clock.js';
import type { Notifications } from './notifications.js';
import { ShortCache } from './short-cache.js';

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
let announce: () => void;
let looks: number;
let cache: ShortCache<string>;

beforeEach(() => {
  clock = new TestClock();
  looks = 0;
  const notifications: Pick<Notifications, 'listen'> = {
    listen: (_topic, listener) => {
      announce = listener;
    },
  };
  cache = new ShortCache(clock, notifications as Notifications);
});

function ask(key = 'ada', answer: Promise<string | undefined> = Promise.resolve('known')) {
  return cache.get(key, () => {
    looks++;
    return answer;
  });
}

describe('a short cache', () => {
  it('keeps no failure and no absence', async () => {
    await expect(ask('ada', Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await ask('ada', Promise.resolve(undefined))).toBeUndefined();
    expect(await ask()).toBe('known');
    expect(looks).toBe(3);
  });

  it('takes nothing as true for longer than a second', async () => {
    await ask();
    clock.ms = 999;
    await ask();
    expect(looks).toBe(1);
    clock.ms = 1000;
    await ask();
    expect(looks).toBe(2);
  });

  it('forgets everything at word of a change, also what was being looked up', async () => {
    let answer: (value: string) => void = () => undefined;
    const stale = ask('ada', new Promise((resolve) => (answer = resolve)));
    announce();
    expect(await ask('ada', Promise.resolve('new'))).toBe('new');
    answer('old');
    expect(await stale).toBe('old');
    expect(await ask()).toBe('new');
  });

  it('forgets one thing when told to', async () => {
    await ask('ada');
    await ask('bob');
    cache.forget('ada');
    await ask('ada');
    await ask('bob');
    expect(looks).toBe(3);
  });

  it('looks once for many who ask at once', async () => {
    await Promise.all([ask(), ask(), ask()]);
    expect(looks).toBe(1);
  });

  it('does not grow without bound', async () => {
    for (let index = 0; index < 20_001; index++) await ask(`key ${index}`);
    await ask('key 0');
    expect(looks).toBe(20_002);
  });
});
