import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const tokenPrefix = 'ply_';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretBytes = 32;
/** 62^43 > 2^256 and 62^6 > 2^32: every value fits, and all have the same length. */
const secretLength = 43;
const checksumLength = 6;
const hintLength = 8;

const form = new RegExp(`^${tokenPrefix}[0-9A-Za-z]{${secretLength + checksumLength}}$`);

/** The number in base62, the most significant digit first, with leading zeros up to the length. */
export function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= 62n) text = (digits[Number(rest % 62n)] ?? '') + text;
  return text.padStart(length, '0');
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), checksumLength);
}

/** The token of 32 bytes: `ply_`, the bytes in base62, and a CRC32 of all that in base62 (identity.md, API tokens). */
export function tokenOf(secret: Uint8Array): string {
  const body = tokenPrefix + base62(BigInt(`0x${Buffer.from(secret).toString('hex')}`), secretLength);
  return body + checksum(body);
}

export function newToken(): string {
  return tokenOf(randomBytes(secretBytes));
}

/** Whether it can be one of ours at all. What was mistyped or cut off need not be looked up. */
export function isWellFormedToken(text: string): boolean {
  if (!form.test(text)) return false;
  const body = text.slice(0, -checksumLength);
  return checksum(body) === text.slice(-checksumLength);
}

/** What people recognise a token by: 8 of its 43 random digits, which leaves more than 200 bits to guess. */
export function hintOf(token: string): string {
  return token.slice(tokenPrefix.length, tokenPrefix.length + hintLength);
}
