import { describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import type { NumberedEvent } from './generation-event.js';
import { LiveStream } from './live-stream.js';

async function collect(events: AsyncIterable<NumberedEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { number, event } of events) seen.push(`${number}:${event.type}`);
  return seen;
}

const still = new AbortController().signal;

describe('a live stream', () => {
  it('shows every reader everything once and in order, whenever they come', async () => {
    const stream = new LiveStream();
    const early = collect(stream.follow(0, still));
    stream.append({ type: 'token', token: 'a' });
    await new Promise(setImmediate);
    stream.append({ type: 'token', token: 'b' });
    stream.append({ type: 'token', token: 'c' });
    const joining = collect(stream.follow(0, still));
    stream.append({ type: 'close' });
    const late = collect(stream.follow(0, still));
    const all = ['1000:token', '1001:token', '1002:token', '1000000001:close'];
    expect(await Promise.all([early, joining, late])).toEqual([all, all, all]);
  });

  it('lets a slow reader hold nobody up', async () => {
    const stream = new LiveStream();
    const slow = stream.follow(0, still);
    stream.append({ type: 'token', token: 'a' });
    await slow.next();
    stream.append({ type: 'token', token: 'b' });
    stream.append({ type: 'close' });
    expect(await collect(stream.follow(0, still))).toHaveLength(3);
    expect(await collect(slow)).toEqual(['1001:token', '1000000001:close']);
  });

  it('lets go of a reader who goes away while nothing happens', async () => {
    const stream = new LiveStream();
    stream.append({ type: 'token', token: 'a' });
    const gone = new AbortController();
    const reading = collect(stream.follow(0, gone.signal));
    const staying = collect(stream.follow(0, still));
    await new Promise(setImmediate);
    gone.abort();
    expect(await reading).toEqual(['1000:token']);
    expect(getEventListeners(gone.signal, 'abort')).toEqual([]);
    stream.append({ type: 'close' });
    expect(await staying).toEqual(['1000:token', '1000000001:close']);
    expect(getEventListeners(still, 'abort')).toEqual([]);
  });

  it('breaks off without an end', async () => {
    const stream = new LiveStream();
    stream.append({ type: 'token', token: 'a' });
    const reading = collect(stream.follow(0, still));
    await new Promise(setImmediate);
    stream.breakOff();
    expect(await reading).toEqual(['1000:token']);
  });
});
