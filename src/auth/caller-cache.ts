import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import type { Caller } from './caller.js';

/** For how long a credential is good unasked: word of a revocation may be lost, and must not be missed for longer. */
const lifetimeMs = 1000;
const maxEntries = 20_000;

interface Kept {
  readonly caller: Promise<Caller | undefined>;
  readonly staleAtMs: number;
}

/**
 * Who presented a credential a moment ago. Requests that come within a second are answered without the database; whatever
 * changes rights makes every replica forget everybody at once, which costs one query for each who comes next.
 */
@Injectable()
export class CallerCache {
  /** By the SHA-256 of the whole credential. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly clock: Clock,
    notifications: Notifications,
  ) {
    notifications.listen('access', () => this.kept.clear());
  }

  /** @param look asks the database; a rejection and undefined are told to those who wait, and not kept */
  get(credential: string, look: () => Promise<Caller | undefined>): Promise<Caller | undefined> {
    const now = this.clock.monotonicMs();
    const key = createHash('sha256').update(credential).digest('base64');
    const known = this.kept.get(key);
    if (known !== undefined && now < known.staleAtMs) return known.caller;
    if (this.kept.size >= maxEntries) this.kept.clear();
    const entry: Kept = { caller: look(), staleAtMs: now + lifetimeMs };
    this.kept.set(key, entry);
    const forget = (): void => {
      if (this.kept.get(key) === entry) this.kept.delete(key);
    };
    entry.caller.then((caller) => {
      if (caller === undefined) forget();
    }, forget);
    return entry.caller;
  }
}
