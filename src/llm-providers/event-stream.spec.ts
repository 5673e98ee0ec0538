import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitAt } from '../../bench/upstream/scripts.js';
import { eventStreamOf, serverSentEvents } from './event-stream.js';

async function read(
  pieces: readonly Uint8Array[],
): Promise<readonly (readonly [string | undefined, string])[]> {
  const events: (readonly [string | undefined, string])[] = [];
  const body = ReadableStream.from(pieces);
  for await (const { event, data } of serverSentEvents(body, () => false)) events.push([event, data]);
  return events;
}

describe('serverSentEvents', () => {
  const bytes = Buffer.from(
    ': hi\r\n\r\ndata: Grüße\r\ndata: 東京 👋🏽\r\n\r\nevent: x\ndata: no\n\ndata: {}\n\n',
  );
  const expected = [
    [undefined, 'Grüße\n東京 👋🏽'],
    ['x', 'no'],
    [undefined, '{}'],
  ];

  it('reads the same from bytes cut anywhere', async () => {
    const offsets = fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(offsets, async (cuts) => {
        expect(await read(splitAt(bytes, cuts))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('drops an event that is cut off', async () => {
    expect(await read([bytes.subarray(0, bytes.length - 1)])).toEqual(expected.slice(0, 2));
  });

  it('gives what came before a line that does not end, and then fails', async () => {
    const endless = Buffer.from(`data: first\n\ndata: ${'x'.repeat(2 * 1024 * 1024)}`);
    const iterator = serverSentEvents(ReadableStream.from([endless]), () => false);
    expect(await iterator.next()).toMatchObject({ done: false, value: { data: 'first' } });
    await expect(iterator.next()).rejects.toMatchObject({ name: 'UnexpectedShapeError' });
  });

  it.each([
    [true, false],
    [false, true],
  ])('reads on after the last event (%s), else lets the source go (%s)', async (terminated, isLetGo) => {
    let letGo = false;
    let pieces = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pieces += 1;
        if (pieces < 5) controller.enqueue(Buffer.from(`data: ${pieces}\n\n`));
        else controller.close();
      },
      cancel: () => {
        letGo = true;
      },
    });
    for await (const { data } of serverSentEvents(source, () => terminated)) {
      if (data === '1') break;
    }
    await new Promise(setImmediate);
    expect(letGo).toBe(isLetGo);
    expect(pieces === 5).toBe(terminated);
  });
});

describe('eventStreamOf', () => {
  it.each(['text/event-stream', 'Text/Event-Stream; charset=utf-8'])('takes %s', (type) => {
    expect(eventStreamOf(new Response('x', { headers: { 'content-type': type } }))).toBeDefined();
  });

  it.each(['text/html', 'application/json', 'text/event-streams'])('refuses %s', (type) => {
    const response = new Response('x', { headers: { 'content-type': type } });
    expect(() => eventStreamOf(response)).toThrow('an event stream');
  });
});
