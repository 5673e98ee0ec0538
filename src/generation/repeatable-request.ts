import { createHash } from 'node:crypto';

/** A request that may come again, and must have no further effect then. */
export interface RepeatableRequest {
  /** Made up by its sender. */
  readonly key: string;
  /** What is asked for: the same key may be used once for each. What is said in a chat may come to either. */
  readonly route: 'post' | 'regenerate' | 'chat';
  /** SHA-256 of all that it says, but for how the answer is to be delivered. */
  readonly fingerprint: Buffer;
}

/** The order of fields says nothing; one that is undefined is not there. */
export function fingerprintOf(content: object): Buffer {
  const fields = Object.entries(content)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}
