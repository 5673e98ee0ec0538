import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/** AES-256-GCM under a random nonce: nonce, tag, ciphertext. One key is good for 2³² of them (NIST SP 800-38D, 8.3). */
export function encrypt(key: Buffer, plain: Buffer, additionalData: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(additionalData);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** @throws Error when anything differs from what was encrypted: key, bytes, or additional data */
export function decrypt(key: Buffer, box: Buffer, additionalData: Buffer): Buffer {
  // A shorter tag would be easier to guess; the length that is asked for here refuses it.
  const decipher = createDecipheriv(algorithm, key, box.subarray(0, ivBytes), { authTagLength: tagBytes })
    .setAAD(additionalData)
    .setAuthTag(box.subarray(ivBytes, ivBytes + tagBytes));
  return Buffer.concat([decipher.update(box.subarray(ivBytes + tagBytes)), decipher.final()]);
}
