import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { storable } from '../common/storable.js';
import { StorableText } from './storable-text.js';

function inPieces(pieces: readonly string[]): string {
  const text = new StorableText();
  return pieces.map((piece) => text.push(piece)).join('') + text.end();
}

describe('storable text', () => {
  it.each([
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['half a character', 'a\ud83d', 'a\ufffd'],
    ['the other half', '\ude00b', '\ufffdb'],
  ])('has no %s', (_name, text, expected) => {
    expect(storable(text)).toBe(expected);
    expect(inPieces([text])).toBe(expected);
  });

  it('puts a character together that two pieces share', () => {
    expect(inPieces(['a\ud83d', '\ude00b'])).toBe('a\u{1f600}b');
    expect(inPieces(['\ud83d', '', '\ude00'])).toBe('\u{1f600}');
  });

  it('is the same however it is cut, and always well formed', () => {
    const units = fc.array(fc.constantFrom('a', '\0', '\ud83d', '\ude00', '\u{1f600}', '漢'));
    fc.assert(
      fc.property(units, (pieces) => {
        const whole = inPieces([pieces.join('')]);
        expect(inPieces(pieces.join('').split(''))).toBe(whole);
        expect(inPieces(pieces)).toBe(whole);
        expect(whole.isWellFormed() && !whole.includes('\0')).toBe(true);
      }),
    );
  });
});
