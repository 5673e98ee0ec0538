import { createHash } from 'node:crypto';
import type { AuditEvent } from './audit-event.entity.js';

/** Stands before the first row of a chain. */
export const beginning = Buffer.alloc(32);

/** Where a chain ends, or ended once. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: Buffer;
}

/**
 * SHA-256 over everything in the row and the hash of the row before it.
 * @param seq where it stands, or may have stood
 */
export function hashOf(event: Omit<AuditEvent, 'hash'>, seq = Number(event.seq)): Buffer {
  const content = [
    event.tenantId,
    seq,
    event.at.toISOString(),
    event.actorKind,
    event.actorUserId,
    event.actorTokenId,
    event.action,
    event.targetKind,
    event.targetId,
    event.outcome,
    event.requestId,
    event.ip,
    ordered(event.details),
    event.previousHash.toString('hex'),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest();
}

/** The value with the keys of its objects in order: Postgres keeps none in jsonb. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}
