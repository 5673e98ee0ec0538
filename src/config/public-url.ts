import type { Configuration } from './registry.js';

/** Where browsers reach Parley. */
export function publicUrl(configuration: Configuration): URL {
  return new URL(configuration['server.publicUrl'] ?? `http://localhost:${configuration['server.port']}`);
}
