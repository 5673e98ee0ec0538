import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditEvent } from './audit-event.entity.js';
import { AuditHead } from './audit-head.entity.js';
import { beginning } from './chain.js';

/** Where a chain ends. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: Buffer;
}

@Injectable()
export class AuditRepository {
  /** The end of the tenant's chain, held until the transaction ends: rows are added one after the other. */
  async lockHead(tenantId: string, db: EntityManager): Promise<ChainHead> {
    const rows = await db.query<{ seq: string; hash: Buffer }[]>(
      `INSERT INTO audit_heads AS head (tenant_id, seq, hash) VALUES ($1, 0, $2)
       ON CONFLICT (tenant_id) DO UPDATE SET seq = head.seq RETURNING seq, hash`,
      [tenantId, beginning],
    );
    const [head] = rows;
    if (head === undefined) throw new Error('the audit chain has no head');
    return { seq: Number(head.seq), hash: head.hash };
  }

  async append(event: AuditEvent, db: EntityManager): Promise<void> {
    const { tenantId, seq, hash } = event;
    await db.insert(AuditEvent, event);
    await db.update(AuditHead, { tenantId }, { seq, hash });
  }
}
