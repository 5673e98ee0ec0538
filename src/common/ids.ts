import { fromString, toUUID, TypeID } from 'typeid-js';
import { v7 } from 'uuid';

/** What a prefix on the wire stands for; UUIDv7 in the database (http-api.md, Ids). */
const prefixes = {
  connection: 'conn',
  load: 'load',
  message: 'msg',
  response: 'resp',
  session: 'sess',
  tenant: 'tenant',
  thread: 'thread',
  token: 'tok',
  user: 'user',
} as const;

export type IdKind = keyof typeof prefixes;

/** Makes primary keys; injected so that tests can fix them. */
export abstract class Ids {
  /** A new UUIDv7 (RFC 9562): sorts by creation time, strictly increasing within a process. */
  abstract next(): string;

  /** A new UUIDv7 that sorts after `id`, which may come from a machine whose clock is ahead of ours. */
  abstract nextAfter(id: string | undefined): string;
}

export class UuidV7Ids extends Ids {
  override next(): string {
    return v7();
  }

  override nextAfter(id: string | undefined): string {
    const next = this.next();
    if (id === undefined || next > id) return next;
    // The first 48 bits are the time in milliseconds (RFC 9562, section 5.7).
    return v7({ msecs: Number.parseInt(id.replace('-', '').slice(0, 12), 16) + 1 });
  }
}

/** Encoding takes microseconds, and the ids of those who ask come again with each request and each line of a list. */
const encoded = new Map<string, string>();
const maxEncoded = 10_000;

/** The TypeID of a UUID: `thread_01jd…`. */
export function toWireId(kind: IdKind, uuid: string): string {
  const key = kind + uuid;
  const known = encoded.get(key);
  if (known !== undefined) return known;
  const wireId = TypeID.fromUUID(prefixes[kind], uuid).toString();
  if (encoded.size >= maxEncoded) encoded.clear();
  encoded.set(key, wireId);
  return wireId;
}

/** The UUID of a TypeID, or undefined when the prefix or the form is wrong. */
export function fromWireId(kind: IdKind, wireId: string): string | undefined {
  try {
    return toUUID(fromString(wireId, prefixes[kind]));
  } catch {
    return undefined;
  }
}
