import { SecretUnreadableError } from '../secrets.errors.js';
import type { KeyWrapper, WrappedKey } from './key-wrapper.js';

/**
 * The wrapper that the operator chose, and those beside it that are configured: they unwrap what they wrapped while they were
 * the chosen one, so that a change of wrapper is a rotation like any other.
 */
export class KeyWrappers {
  constructor(
    private readonly chosen: KeyWrapper,
    private readonly others: readonly KeyWrapper[],
  ) {}

  currentKeyId(): Promise<string> {
    return this.chosen.currentKeyId();
  }

  wrap(dataKey: Buffer, recordId: string): Promise<WrappedKey> {
    return this.chosen.wrap(dataKey, recordId);
  }

  /** @throws as `KeyWrapper.unwrap`; SecretUnreadableError also when the wrapper that it needs is not configured */
  async unwrap(wrapped: WrappedKey, recordId: string): Promise<Buffer> {
    const wrapper = [this.chosen, ...this.others].find(({ kind }) => wrapped.keyId.startsWith(`${kind}:`));
    if (wrapper === undefined) {
      throw new SecretUnreadableError(recordId, `the wrapper of ${wrapped.keyId} is not configured`);
    }
    return wrapper.unwrap(wrapped, recordId);
  }

  /** @returns ends it */
  watch(changed: () => void): () => void {
    return this.chosen.watch?.(changed) ?? (() => undefined);
  }
}
