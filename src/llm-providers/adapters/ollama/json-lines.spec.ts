import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { splitAt } from '../../../../bench/upstream/scripts.js';
import { JsonLines } from './json-lines.js';

function bodyOf(pieces: readonly Uint8Array[]): Readable {
  return Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  );
}

async function read(pieces: readonly Uint8Array[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const batch of new JsonLines(bodyOf(pieces)).batches()) lines.push(...batch);
  return lines;
}

/** Says these bytes, and then nothing until it is destroyed, which is a failure to it, as to those of undici. */
function openBody(bytes: Uint8Array): Readable {
  const body = new Readable({
    read: () => undefined,
    destroy: (error, callback) => callback(error ?? new Error('aborted')),
  });
  body.push(bytes);
  return body;
}

describe('JsonLines', () => {
  const bytes = Buffer.from('{"a":"Grüße"}\n\n \r\n{"b":"東京 👋🏽"}\r\n{}\n');
  const expected = ['{"a":"Grüße"}', '{"b":"東京 👋🏽"}\r', '{}'];

  it('reads the same from bytes cut anywhere', async () => {
    const offsets = fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(offsets, async (cuts) => {
        expect(await read(splitAt(bytes, cuts))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('drops a line that is cut off', async () => {
    expect(await read([bytes.subarray(0, bytes.length - 2)])).toEqual(expected.slice(0, -1));
  });

  it('takes the last line when nothing but its end is missing', async () => {
    expect(await read([bytes.subarray(0, bytes.length - 1)])).toEqual(expected);
  });

  it('takes nothing from a body that breaks', async () => {
    const body = openBody(bytes.subarray(0, bytes.length - 1));
    const batches = new JsonLines(body).batches();
    expect((await batches.next()).value).toEqual(expected.slice(0, -1));
    body.destroy();
    await expect(batches.next()).rejects.toThrow('aborted');
  });

  it('gives lines that arrive together at once', async () => {
    const batches = new JsonLines(bodyOf([bytes])).batches();
    expect((await batches.next()).value).toEqual(expected);
  });

  it.each([
    ['in one piece', [Buffer.from(`{}\n${'x'.repeat(2 * 1024 * 1024 + 1)}`)]],
    ['in many', [Buffer.from('{}\n'), ...Array.from({ length: 5 }, () => Buffer.alloc(512 * 1024, 'x'))]],
  ])('gives what came before a line that does not end, %s, and then fails', async (_name, pieces) => {
    const batches = new JsonLines(bodyOf(pieces)).batches();
    expect(await batches.next()).toEqual({ done: false, value: ['{}'] });
    await expect(batches.next()).rejects.toMatchObject({ name: 'UnexpectedShapeError' });
  });

  it('takes a long line that ends', async () => {
    const long = 'x'.repeat(2 * 1024 * 1024);
    expect(await read([Buffer.from(`${long}\n`), Buffer.from('{}\n')])).toEqual([long, '{}']);
  });

  it('closes the body when the reader leaves', async () => {
    const body = openBody(bytes);
    for await (const _batch of new JsonLines(body).batches()) break;
    expect(body.destroyed).toBe(true);
  });

  it('lets the rest go by after the last line, but not for long', async () => {
    const body = openBody(bytes);
    const lines = new JsonLines(body);
    for await (const _batch of lines.batches()) {
      lines.terminate();
      break;
    }
    expect(body.destroyed).toBe(false);
    const closed = new Promise((resolve) => body.once('close', resolve));
    await Promise.race([closed, setTimeout(3000, undefined, { ref: false })]);
    expect(body.destroyed).toBe(true);
  });
});
