import { describe, expect, it } from '@jest/globals';
import { LoadView } from './load-view.js';
import type { LoadRecord } from './model-load.entity.js';

const now = new Date('2026-11-21T12:00:00Z');
const load: LoadRecord = {
  ...{ id: 'l', tenantIds: ['t'], connectionId: 'c', model: 'm', state: 'loading', requested: true },
  ...{ progress: null, errorCode: null, attempts: 1, startedAt: now, updatedAt: now, finishedAt: null },
};

describe('following a load', () => {
  it('ends with the signal, also while nothing happens', async () => {
    const gone = new AbortController();
    const followed = new LoadView(load).follow(gone.signal);
    expect((await followed.next()).value).toBe(load);
    let end: unknown;
    void followed.next().then((next) => (end = next));
    gone.abort();
    await new Promise(setImmediate);
    expect(end).toEqual({ done: true, value: undefined });
  });

  it('tells of each change that matters once, until the end', async () => {
    const view = new LoadView(load);
    const told: unknown[] = [];
    for await (const { state, progress } of view.follow(new AbortController().signal)) {
      told.push([state, progress]);
      if (told.length === 1) view.show({ ...load, attempts: 2 });
      if (told.length === 1) view.show({ ...load, attempts: 2, progress: 0.5 });
      else view.show({ ...load, state: 'loaded', progress: 1 });
    }
    expect(told).toEqual([
      ['loading', null],
      ['loading', 0.5],
      ['loaded', 1],
    ]);
  });
});
