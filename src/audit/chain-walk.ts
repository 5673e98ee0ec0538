import type { AuditEvent } from './audit-event.entity.js';
import type { AuditHead } from './audit-head.entity.js';
import { beginning, hashOf, type ChainHead } from './chain.js';

/**
 * `changed`: its content is not what was recorded. `removed`: it is missing. `reordered`: it stood elsewhere. `inserted`: it was
 * never recorded. `rewritten`: it is not the row that was exported. `head_missing`: no head says whether rows followed.
 */
export const breakReasons = [
  'changed',
  'removed',
  'reordered',
  'inserted',
  'rewritten',
  'head_missing',
] as const;

/** The first row that is not as it was recorded. */
export interface ChainBreak {
  readonly seq: number;
  readonly reason: (typeof breakReasons)[number];
}

/** How far from its place a row is recognised; beyond, it counts as changed. */
const recognisedWithin = 1000;

/** Follows one chain from its beginning, row by row, as long as it holds. */
export class ChainWalk {
  private beforeLast: Buffer = beginning;
  private last: ChainHead = { seq: 0, hash: beginning };

  /** @param known where the chain ended once, which it must still contain */
  constructor(private readonly known: ChainHead | undefined) {}

  /** How many rows are good. */
  get checked(): number {
    return this.last.seq;
  }

  /** Takes the row that comes next, and answers what is wrong: then the walk is over. */
  step(event: AuditEvent): ChainBreak | undefined {
    const seq = this.last.seq + 1;
    if (event.seq !== String(seq)) {
      const foundSeq = Number(event.seq);
      return foundSeq < seq ? { seq: foundSeq, reason: 'inserted' } : { seq, reason: 'removed' };
    }
    if (!isHashed(event)) return this.breakOfContent(event, seq);
    // It was recorded after another row than this one, which was hashed anew with its change.
    if (!event.previousHash.equals(this.last.hash)) return { seq: this.last.seq || seq, reason: 'changed' };
    if (this.known?.seq === seq && !this.known.hash.equals(event.hash)) return { seq, reason: 'rewritten' };
    this.beforeLast = this.last.hash;
    this.last = { seq, hash: event.hash };
    return undefined;
  }

  /** @param head as stored when there was no further row */
  end(head: Pick<AuditHead, 'seq' | 'hash'> | null): ChainBreak | undefined {
    const { seq, hash } = this.last;
    if (head === null && seq > 0) return { seq: seq + 1, reason: 'head_missing' };
    const headSeq = Number(head?.seq ?? 0);
    if (headSeq > seq || (this.known !== undefined && this.known.seq > seq)) {
      return { seq: seq + 1, reason: 'removed' };
    }
    if (headSeq < seq) return { seq: Math.max(headSeq, 0) + 1, reason: 'inserted' };
    return head === null || head.hash.equals(hash) ? undefined : { seq, reason: 'changed' };
  }

  private breakOfContent(event: AuditEvent, seq: number): ChainBreak {
    if (!isMoved(event, seq)) return { seq, reason: 'changed' };
    const followedBeforeLast = seq > 1 && event.previousHash.equals(this.beforeLast);
    return followedBeforeLast ? { seq: seq - 1, reason: 'inserted' } : { seq, reason: 'reordered' };
  }
}

/** Whether the hash of the row is that of its content, standing where it stands or elsewhere. */
function isHashed(event: AuditEvent, seq?: number): boolean {
  try {
    return hashOf(event, seq).equals(event.hash);
  } catch {
    // Nothing that was ever recorded, such as a time that JavaScript does not have.
    return false;
  }
}

function isMoved(event: AuditEvent, seq: number): boolean {
  for (let distance = 1; distance <= recognisedWithin; distance++) {
    if (isHashed(event, seq + distance)) return true;
    if (distance < seq && isHashed(event, seq - distance)) return true;
  }
  return false;
}
