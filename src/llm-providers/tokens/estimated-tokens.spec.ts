import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { estimateTokens } from './estimated-tokens.js';
import { loadEncoding } from './load-encoding.js';
import { texts } from './__fixtures__/texts.js';

const encodings = await Promise.all([loadEncoding('o200k'), loadEncoding('cl100k')]);

function counted(text: string): number {
  return Math.max(...encodings.map((encoding) => encoding.count(text)));
}

/** Bytes without any order, always the same. */
const noise = Buffer.concat(
  Array.from({ length: 40 }, (_, index) => createHash('sha256').update(String(index)).digest()),
);

describe('the estimate', () => {
  it.each([
    ...Object.entries(texts),
    ['long base64', noise.toString('base64')],
    ['long base64url', noise.toString('base64url')],
    ['long hexadecimal', noise.toString('hex')],
  ])('is not below what either tokenizer counts: %s', (_name, text) => {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(counted(text));
  });

  it('is not below it for any mixture of them', () => {
    const words = Object.values(texts).flatMap((text) => text.split(/(?<= )/));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { minLength: 20, maxLength: 60 }), (mixture) => {
        const text = mixture.join('');
        expect(estimateTokens(text)).toBeGreaterThanOrEqual(counted(text));
      }),
      { numRuns: 300 },
    );
  });

  it('is never above the bytes of a text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(estimateTokens(text)).toBeLessThanOrEqual(Buffer.byteLength(text));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['english', 2.2],
    ['german', 2],
    ['code', 2],
    ['chinese', 2.3],
  ])('leaves room for a conversation: of %s less than %d times what is counted', (name, times) => {
    const text = texts[name] ?? '';
    expect(estimateTokens(text)).toBeLessThan(times * counted(text) + 1);
  });
});
