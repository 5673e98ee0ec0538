import type { Connection } from './contract/connection.js';

/** People's own keys make connections too. Whoever has not called for the longest gets a new client when they call again. */
const maxEntries = 500;

/**
 * One value for each connection, made again when the connection's version changes. Keyed by id and version, never by
 * a part of a secret (models.md).
 */
export class ConnectionCache<Value> {
  /** The least recently used first. */
  private readonly entries = new Map<string, { readonly version: number; readonly value: Value }>();

  constructor(
    private readonly make: (connection: Connection) => Value,
    private readonly dispose: (value: Value) => Promise<void>,
  ) {}

  get(connection: Connection): Value {
    const entry = this.entries.get(connection.id);
    this.entries.delete(connection.id);
    if (entry?.version === connection.version) {
      this.entries.set(connection.id, entry);
      return entry.value;
    }
    if (entry !== undefined) void this.dispose(entry.value);
    const [oldest] = this.entries.keys();
    if (oldest !== undefined && this.entries.size >= maxEntries) this.forget(oldest);
    const value = this.make(connection);
    this.entries.set(connection.id, { version: connection.version, value });
    return value;
  }

  /** Disposes of the values of all other connections. */
  retain(connectionIds: ReadonlySet<string>): void {
    for (const id of [...this.entries.keys()]) if (!connectionIds.has(id)) this.forget(id);
  }

  async clear(): Promise<void> {
    const values = [...this.entries.values()].map((entry) => entry.value);
    this.entries.clear();
    await Promise.all(values.map(this.dispose));
  }

  private forget(id: string): void {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    if (entry !== undefined) void this.dispose(entry.value);
  }
}
