import type { Clock } from '../../common/clock.js';
import type { Notifications, Topic } from './notifications.js';

/** For how long something is taken as true unasked: word of a change may be lost, and must not be missed for longer. */
const lifetimeMs = 1000;
const maxEntries = 20_000;

interface Kept<Value> {
  readonly value: Promise<Value | undefined>;
  readonly staleAtMs: number;
}

/**
 * What the database said a moment ago, such as who somebody is and what they may do. Whoever asks within a second is answered
 * without it; word of the topic makes every replica forget everything at once, which costs one query for each that comes next.
 */
export class ShortCache<Value> {
  private readonly kept = new Map<string, Kept<Value>>();

  constructor(
    private readonly clock: Clock,
    notifications: Notifications,
    topic: Topic = 'access',
  ) {
    notifications.listen(topic, () => this.kept.clear());
  }

  /**
   * Those who ask for the same at once wait for one answer.
   * @param look asks the database; a rejection and undefined are told to those who wait, and not kept
   */
  get(key: string, look: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const now = this.clock.monotonicMs();
    const known = this.kept.get(key);
    if (known !== undefined && now < known.staleAtMs) return known.value;
    if (this.kept.size >= maxEntries) this.kept.clear();
    const entry: Kept<Value> = { value: look(), staleAtMs: now + lifetimeMs };
    this.kept.set(key, entry);
    const forget = (): void => {
      if (this.kept.get(key) === entry) this.kept.delete(key);
    };
    entry.value.then((value) => {
      if (value === undefined) forget();
    }, forget);
    return entry.value;
  }

  /** For this replica, at once; the others hear of it from whoever announces the change. */
  forget(key: string): void {
    this.kept.delete(key);
  }
}
