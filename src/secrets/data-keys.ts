import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { WrappedKey } from './key-wrappers/key-wrapper.js';
import { KeyWrappers } from './key-wrappers/key-wrappers.js';

const lifetimeMs = 5 * 60_000;
const maxEntries = 1000;

interface Kept {
  readonly key: Promise<Buffer>;
  readonly staleAtMs: number;
}

/**
 * Data keys as they were unwrapped in the last five minutes, in memory: whoever calls a model does not wait for the wrapper each
 * time, and what is in use outlives a short outage of it.
 */
@Injectable()
export class DataKeys {
  /** The oldest first. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly wrappers: KeyWrappers,
    private readonly clock: Clock,
  ) {}

  /**
   * Those who ask for the same at once wait for one answer. A failure is not kept.
   * @throws as `KeyWrapper.unwrap`
   */
  unwrap(wrapped: WrappedKey, recordId: string): Promise<Buffer> {
    // With the bytes: a row that was tampered with is not answered with what was in its place before.
    const name = `${recordId} ${wrapped.keyId} ${wrapped.bytes.toString('base64')}`;
    const now = this.clock.monotonicMs();
    const known = this.kept.get(name);
    if (known !== undefined && now < known.staleAtMs) return known.key;
    this.makeRoom(now);
    const entry: Kept = { key: this.wrappers.unwrap(wrapped, recordId), staleAtMs: now + lifetimeMs };
    this.kept.delete(name);
    this.kept.set(name, entry);
    entry.key.catch(() => {
      if (this.kept.get(name) === entry) this.kept.delete(name);
    });
    return entry.key;
  }

  private makeRoom(now: number): void {
    for (const [name, { staleAtMs }] of this.kept) {
      if (now < staleAtMs && this.kept.size < maxEntries) return;
      this.kept.delete(name);
    }
  }
}
