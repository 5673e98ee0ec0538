/** A data key that only its wrapper can read. */
export interface WrappedKey {
  /** Of the key-encryption key: the kind of the wrapper, a colon, and what the wrapper calls it. */
  readonly keyId: string;
  readonly bytes: Buffer;
}

/** Keeps key-encryption keys, or asks whoever keeps them (models.md, Encryption). Asking may take seconds. */
export interface KeyWrapper {
  /** What the ids of its keys begin with. */
  readonly kind: 'file' | 'aws-kms' | 'vault';

  /**
   * The id of the key that wraps now.
   * @throws DomainError ENCRYPTION_UNAVAILABLE
   */
  currentKeyId(): Promise<string>;

  /**
   * @param recordId what the wrapped key is bound to
   * @throws DomainError ENCRYPTION_UNAVAILABLE
   */
  wrap(dataKey: Buffer, recordId: string): Promise<WrappedKey>;

  /**
   * @throws SecretUnreadableError when the key is gone, or did not wrap this for this record
   * @throws DomainError ENCRYPTION_UNAVAILABLE
   */
  unwrap(wrapped: WrappedKey, recordId: string): Promise<Buffer>;

  /** Calls when another key may have become the current one; a wrapper that is not told has no such method. @returns ends it */
  watch?(changed: () => void): () => void;
}
