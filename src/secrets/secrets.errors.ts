/** A secret that nobody can read any more; trying again does not help. It names the record, never a key or a text. */
export class SecretUnreadableError extends Error {
  override readonly name = 'SecretUnreadableError';

  constructor(recordId: string, reason: string, cause?: unknown) {
    super(`The secret ${recordId} cannot be read: ${reason}`, { cause });
  }
}
