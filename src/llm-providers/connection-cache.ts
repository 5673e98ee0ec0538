import type { Connection } from './contract/connection.js';

/**
 * One value for each connection, made again when the connection's version changes. Keyed by id and version, never by
 * a part of a secret (models.md).
 */
export class ConnectionCache<Value> {
  private readonly entries = new Map<string, { readonly version: number; readonly value: Value }>();

  constructor(
    private readonly make: (connection: Connection) => Value,
    private readonly dispose: (value: Value) => Promise<void>,
  ) {}

  get(connection: Connection): Value {
    const entry = this.entries.get(connection.id);
    if (entry?.version === connection.version) return entry.value;
    const value = this.make(connection);
    this.entries.set(connection.id, { version: connection.version, value });
    if (entry !== undefined) void this.dispose(entry.value);
    return value;
  }

  async clear(): Promise<void> {
    const values = [...this.entries.values()].map((entry) => entry.value);
    this.entries.clear();
    await Promise.all(values.map(this.dispose));
  }
}
