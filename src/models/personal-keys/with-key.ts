import type { Connection } from '../../llm-providers/contract/connection.js';

/**
 * A connection that somebody's own key pays for. With an id of its own: neither clients nor failures are shared with those of the
 * organisation or of anybody else.
 */
export function withKey(
  connection: Connection,
  { id, key }: { readonly id: string; readonly key: string },
): Connection {
  return { ...connection, id: `${connection.id} key ${id}`, credential: key };
}
