import type { Connection } from '../../llm-providers/contract/connection.js';

/** The id of a connection with somebody's own key. */
export function idWithKey(connectionId: string, keyId: string): string {
  return `${connectionId} key ${keyId}`;
}

/**
 * A connection that somebody's own key pays for. With an id of its own: neither clients nor failures are shared with those of the
 * organisation or of anybody else. Without headers: their values are the organisation's, and a vendor might let those pay.
 */
export function withKey(
  { unreadable: _unreadable, ...connection }: Connection,
  { id, key }: { readonly id: string; readonly key: string },
): Connection {
  return { ...connection, id: idWithKey(connection.id, id), credential: key, headers: undefined };
}

/** A connection as it is without anybody's credential, for those who lack a key of their own. As much on its own. */
export function withoutKey({ unreadable: _unreadable, ...connection }: Connection): Connection {
  return { ...connection, id: `${connection.id} without key`, credential: undefined, headers: undefined };
}

/** The id of the connection itself, of one with or without anybody's key. */
export function baseIdOf(connectionId: string): string {
  return connectionId.split(' ')[0] ?? connectionId;
}
