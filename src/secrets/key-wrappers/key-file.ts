import { readFile, stat } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { Log } from '../../infrastructure/logging/log.js';
import { decrypt, encrypt } from '../aes-gcm.js';
import { SecretUnreadableError } from '../secrets.errors.js';
import type { KeyWrapper, WrappedKey } from './key-wrapper.js';
import { KeyFileError, parseKeyFile, type FileKeys } from './parse-key-file.js';

const watchIntervalMs = 5000;
const prefix = 'file:';

/**
 * Wraps with the first key of a file and unwraps with any of them. The file may change while Parley runs: it is read again when
 * its time or size did, and when a key is asked for that it did not hold. While it cannot be read, what was in it stays good.
 */
export class KeyFile implements KeyWrapper {
  readonly kind = 'file';
  private keys: FileKeys = new Map();
  private version: string | undefined;
  private complaint: string | undefined;

  private constructor(
    private readonly path: string,
    private readonly isProduction: boolean,
    private readonly log: Log,
  ) {}

  /** @throws ConfigurationError when it cannot be read, holds something else than keys, or, in production, everybody may read it */
  static async open(path: string, isProduction: boolean, log: Log): Promise<KeyFile> {
    const file = new KeyFile(path, isProduction, log);
    try {
      await file.read();
    } catch (error) {
      const expected =
        error instanceof KeyFileError ? error.message : `a file that can be read (${codeOf(error)})`;
      throw new ConfigurationError([{ key: 'encryption.keyFile', expected }]);
    }
    return file;
  }

  async currentKeyId(): Promise<string> {
    const [id] = await this.first();
    return prefix + id;
  }

  async wrap(dataKey: Buffer, recordId: string): Promise<WrappedKey> {
    const [id, key] = await this.first();
    const keyId = prefix + id;
    return { keyId, bytes: encrypt(key, dataKey, additionalData(recordId)) };
  }

  async unwrap({ keyId, bytes }: WrappedKey, recordId: string): Promise<Buffer> {
    const id = keyId.slice(prefix.length);
    const key = (await this.freshKeys()).get(id) ?? (await this.freshKeys({ unconditionally: true })).get(id);
    if (key === undefined)
      throw new SecretUnreadableError(recordId, `its key, ${keyId}, is not in the key file`);
    try {
      return decrypt(key, bytes, additionalData(recordId));
    } catch {
      throw new SecretUnreadableError(recordId, `${keyId} did not wrap its data key`);
    }
  }

  watch(changed: () => void): () => void {
    // By asking for its time, not by events of the file system: those miss a mounted Kubernetes secret.
    watchFile(this.path, { interval: watchIntervalMs, persistent: false }, changed);
    return () => unwatchFile(this.path, changed);
  }

  private async first(): Promise<[string, Buffer]> {
    const [first] = await this.freshKeys();
    if (first === undefined) throw new Error('a key file without a key was read');
    return first;
  }

  /** Never rejects: the keys that are known open what they opened before. */
  private async freshKeys({ unconditionally = false } = {}): Promise<FileKeys> {
    try {
      if (unconditionally || (await versionOf(this.path)) !== this.version) await this.read();
    } catch (error) {
      const reason = error instanceof KeyFileError ? `expected ${error.message}` : codeOf(error);
      if (reason !== this.complaint)
        this.log.error({ reason }, 'the key file cannot be read; its last keys stay in use');
      this.complaint = reason;
    }
    return this.keys;
  }

  private async read(): Promise<void> {
    // First the version: a change in between is seen the next time.
    const version = await versionOf(this.path);
    const { mode } = await stat(this.path);
    // Of the group it may be: so Kubernetes mounts secrets for who is not root (fsGroup).
    if (this.isProduction && (mode & 0o007) !== 0) {
      throw new KeyFileError('a file that nobody but its owner and group may read, in production');
    }
    const keys = parseKeyFile(await readFile(this.path, 'utf8'));
    for (const [id, key] of keys) {
      // What the new bytes would wrap, the right ones could not open.
      if (this.keys.get(id)?.equals(key) === false) {
        throw new KeyFileError(`a file in which ${id} is the key that it was`);
      }
    }
    if (version !== this.version && (mode & 0o077) !== 0) {
      this.log.warn(
        { mode: (mode & 0o777).toString(8) },
        'the key file may be read by others than its owner',
      );
    }
    this.keys = keys;
    this.version = version;
    this.complaint = undefined;
  }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeNs, ino, size } = await stat(path, { bigint: true });
  return `${mtimeNs} ${ino} ${size}`;
}

function additionalData(recordId: string): Buffer {
  return Buffer.from(JSON.stringify(['parley data key', recordId]));
}

/** The code of an error of the operating system. */
function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
