import { createHash, createHmac, randomBytes } from 'node:crypto';

const form = /^[A-Za-z0-9_-]{43}$/;

/** 32 random bytes in base64url: a secret that means nothing by itself. At rest only its hash. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function isSecret(text: string | undefined): text is string {
  return text !== undefined && form.test(text);
}

/** SHA-256. Enough for a secret of 256 bits: there is nothing to guess. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Another secret that whoever holds this one derives again, and nobody from hash and salt. */
export function deriveSecret(secret: string, salt: Buffer): string {
  return createHmac('sha256', salt).update(secret).digest('base64url');
}
