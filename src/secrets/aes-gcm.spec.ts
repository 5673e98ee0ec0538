import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decrypt, encrypt } from './aes-gcm.js';

const key = randomBytes(32);
const additionalData = Buffer.from('whose it is');
const plain = Buffer.from('sk-something');
const box = encrypt(key, plain, additionalData);

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

describe('AES-256-GCM', () => {
  it('refuses a box in which any bit differs', () => {
    for (let bit = 0; bit < box.length * 8; bit++) {
      expect(() => decrypt(key, flipped(box, bit), additionalData)).toThrow();
    }
  });

  it('refuses a box of any other length', () => {
    for (let length = 0; length < box.length; length++) {
      expect(() => decrypt(key, box.subarray(0, length), additionalData)).toThrow();
    }
    expect(() => decrypt(key, Buffer.concat([box, Buffer.alloc(1)]), additionalData)).toThrow();
  });

  it('refuses the beginning of the right tag', () => {
    const empty = encrypt(key, Buffer.alloc(0), additionalData);
    for (const tagBytes of [4, 8, 12, 15]) {
      expect(() => decrypt(key, empty.subarray(0, 12 + tagBytes), additionalData)).toThrow();
    }
  });

  it('refuses another key and other additional data', () => {
    expect(() => decrypt(flipped(key, 0), box, additionalData)).toThrow();
    expect(() => decrypt(key, box, flipped(additionalData, 0))).toThrow();
    expect(() => decrypt(key, box, Buffer.alloc(0))).toThrow();
  });

  it('opens what it sealed, and seals nothing twice alike', () => {
    expect(decrypt(key, box, additionalData)).toEqual(plain);
    expect(decrypt(key, encrypt(key, Buffer.alloc(0), additionalData), additionalData)).toEqual(
      Buffer.alloc(0),
    );
    expect(encrypt(key, plain, additionalData).subarray(0, 12)).not.toEqual(box.subarray(0, 12));
  });
});
