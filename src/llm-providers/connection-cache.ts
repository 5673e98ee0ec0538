import type { Connection } from './contract/connection.js';

/** People's own keys make connections too. Whoever has not called for the longest gets a new client when they call again. */
const maxEntries = 500;

interface Entry<Value> {
  readonly id: string;
  readonly version: number;
  readonly value: Value;
}

/**
 * One value for each version of each connection; a new version takes the place of those before it. Whoever still holds an older one gets
 * a value of that, and the newer one stays. Keyed by id and version, never by a part of a secret (models.md).
 */
export class ConnectionCache<Value> {
  /** The least recently used first. */
  private readonly entries = new Map<string, Entry<Value>>();

  constructor(
    private readonly make: (connection: Connection) => Value,
    private readonly dispose: (value: Value) => Promise<void>,
  ) {}

  get(connection: Connection): Value {
    const { id, version } = connection;
    const key = JSON.stringify([id, version]);
    const known = this.entries.get(key);
    if (known === undefined) this.makeRoom(connection);
    const entry = known ?? { id, version, value: this.make(connection) };
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** Disposes of the values of all other connections. */
  retain(isKept: (connectionId: string) => boolean): void {
    this.forget(({ id }) => !isKept(id));
  }

  async clear(): Promise<void> {
    const values = [...this.entries.values()].map((entry) => entry.value);
    this.entries.clear();
    await Promise.all(values.map(this.dispose));
  }

  private makeRoom({ id, version }: Connection): void {
    this.forget((entry) => entry.id === id && entry.version < version);
    const [oldest] = this.entries.values();
    if (this.entries.size >= maxEntries) this.forget((entry) => entry === oldest);
  }

  private forget(isMeant: (entry: Entry<Value>) => boolean): void {
    for (const [key, entry] of this.entries) {
      if (!isMeant(entry)) continue;
      this.entries.delete(key);
      void this.dispose(entry.value);
    }
  }
}
