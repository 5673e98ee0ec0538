import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/**
 * Keeps short-lived secrets unreadable in the database: AES-256-GCM under a key derived from `session.secrets` (HKDF-SHA256,
 * RFC 5869). The first secret seals, all of them open, so that secrets can be rotated. A seal is bound to what it was made for.
 */
@Injectable()
export class Seals {
  private readonly keys: readonly Buffer[];

  constructor(@Inject(CONFIGURATION) config: BootConfiguration) {
    this.keys = config['session.secrets'].map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'parley seal', 32)),
    );
  }

  /** @param purpose whose secret it is and what for; needed again to open it */
  seal(text: string, purpose: string): Buffer {
    const [key] = this.keys;
    if (key === undefined) throw new Error('session.secrets is empty');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  }

  /** The text, or undefined when it was sealed for something else or with a secret that is gone. */
  open(sealed: Buffer, purpose: string): string | undefined {
    for (const key of this.keys) {
      try {
        const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, ivBytes))
          .setAAD(Buffer.from(purpose))
          .setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
        const text = decipher.update(sealed.subarray(ivBytes + tagBytes));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        // Not this key.
      }
    }
    return undefined;
  }
}
