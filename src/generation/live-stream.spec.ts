import { describe, expect, it } from '@jest/globals';
import type { NumberedEvent } from './generation-event.js';
import { LiveStream } from './live-stream.js';

async function collect(events: AsyncIterable<NumberedEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { number, event } of events) seen.push(`${number}:${event.type}`);
  return seen;
}

describe('a live stream', () => {
  it('shows every reader everything once and in order, whenever they come', async () => {
    const stream = new LiveStream();
    const early = collect(stream.follow());
    stream.append({ type: 'token', token: 'a' });
    await new Promise(setImmediate);
    stream.append({ type: 'token', token: 'b' });
    stream.append({ type: 'token', token: 'c' });
    const joining = collect(stream.follow());
    stream.append({ type: 'close' });
    const late = collect(stream.follow());
    const all = ['1:token', '2:token', '3:token', '4:close'];
    expect(await Promise.all([early, joining, late])).toEqual([all, all, all]);
  });

  it('lets a slow reader hold nobody up', async () => {
    const stream = new LiveStream();
    const slow = stream.follow();
    stream.append({ type: 'token', token: 'a' });
    await slow.next();
    stream.append({ type: 'token', token: 'b' });
    stream.append({ type: 'close' });
    expect(await collect(stream.follow())).toHaveLength(3);
    expect(await collect(slow)).toEqual(['2:token', '3:close']);
  });
});
