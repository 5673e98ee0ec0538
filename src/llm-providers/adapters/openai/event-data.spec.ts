import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitAt } from '../../../../bench/upstream/scripts.js';
import { eventData } from './event-data.js';

const done = '[DONE]';

async function read(pieces: readonly Uint8Array[]): Promise<readonly string[]> {
  const data: string[] = [];
  for await (const event of eventData(ReadableStream.from(pieces), done)) data.push(event);
  return data;
}

describe('eventData', () => {
  const bytes = Buffer.from(
    ': hi\r\n\r\ndata: Grüße\r\ndata: 東京 👋🏽\r\n\r\nevent: x\ndata: no\n\ndata: [DONE]\n\n',
  );
  const expected = ['Grüße\n東京 👋🏽', done];

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
    expect(await read([bytes.subarray(0, bytes.length - 1)])).toEqual(expected.slice(0, 1));
  });

  it('gives what came before a line that does not end, and then fails', async () => {
    const endless = Buffer.from(`data: first\n\ndata: ${'x'.repeat(2 * 1024 * 1024)}`);
    const iterator = eventData(ReadableStream.from([endless]), done);
    expect(await iterator.next()).toEqual({ done: false, value: 'first' });
    await expect(iterator.next()).rejects.toMatchObject({ name: 'UnexpectedShapeError' });
  });
});
