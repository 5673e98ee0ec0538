import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { base62, hintOf, isWellFormedToken, newToken, tokenOf } from './token-format.js';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });

function decoded(text: string): bigint {
  return Array.from(text).reduce((sum, digit) => sum * 62n + BigInt(alphabet.indexOf(digit)), 0n);
}

describe('base62', () => {
  it('can be read again, and sorts as the numbers do', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 256n - 1n), fc.bigInt(0n, 2n ** 256n - 1n), (a, b) => {
        const [textA, textB] = [base62(a, 43), base62(b, 43)];
        expect(textA).toMatch(/^[0-9A-Za-z]{43}$/);
        expect(decoded(textA)).toBe(a);
        expect(textA < textB).toBe(a < b);
      }),
    );
  });

  it.each([
    [0n, '000000'],
    [61n, '00000z'],
    [62n, '000010'],
    [2n ** 32n - 1n, '4gfFC3'],
  ])('writes %s as %s', (value, text) => {
    expect(base62(value, 6)).toBe(text);
  });
});

describe('a token', () => {
  it('holds its 32 bytes and a checksum, always in 53 characters', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const token = tokenOf(secret);
        expect(token).toMatch(/^ply_[0-9A-Za-z]{49}$/);
        expect(decoded(token.slice(4, 47))).toBe(BigInt(`0x${Buffer.from(secret).toString('hex')}`));
        expect(isWellFormedToken(token)).toBe(true);
        expect(hintOf(token)).toBe(token.slice(4, 12));
      }),
    );
  });

  it('is what scanners were told of', () => {
    const secret = createHash('sha256').update('a secret for tests').digest();
    expect(tokenOf(secret)).toBe('ply_WguLZ1jQxFbeZPe04F3I0OnwgPqa7uA3NOSdaYAVK1y2ujgQF');
    expect(tokenOf(new Uint8Array(32))).toMatch(/^ply_0{43}/);
  });

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 1000 }, newToken)).size).toBe(1000);
  });

  it('is none when one character is another', () => {
    fc.assert(
      fc.property(
        secrets,
        fc.integer({ min: 0, max: 52 }),
        fc.constantFrom(...Array.from(alphabet), '_', '-', ' '),
        (secret, index, character) => {
          const token = tokenOf(secret);
          fc.pre(token[index] !== character);
          expect(isWellFormedToken(token.slice(0, index) + character + token.slice(index + 1))).toBe(false);
        },
      ),
    );
  });

  it('is none when characters are missing, swapped or too many', () => {
    fc.assert(
      fc.property(secrets, fc.integer({ min: 0, max: 51 }), (secret, index) => {
        const token = tokenOf(secret);
        expect(isWellFormedToken(token.slice(0, index) + token.slice(index + 1))).toBe(false);
        expect(isWellFormedToken(token.slice(0, index))).toBe(false);
        expect(isWellFormedToken(`${token}0`)).toBe(false);
        expect(isWellFormedToken(`${token}\n`)).toBe(false);
        const [a = '', b = ''] = [token[index], token[index + 1]];
        fc.pre(a !== b);
        expect(isWellFormedToken(token.slice(0, index) + b + a + token.slice(index + 2))).toBe(false);
      }),
    );
  });

  it.each(['', 'ply_', 'ply', `ply_${'0'.repeat(49)}`, `PLY_${'0'.repeat(49)}`, 'x'.repeat(10_000)])(
    'is none: %s',
    (text) => {
      expect(isWellFormedToken(text)).toBe(false);
    },
  );
});
