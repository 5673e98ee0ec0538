import { Injectable } from '@nestjs/common';
import { AuditRepository } from './audit.repository.js';
import { ChainWalk, type ChainBreak } from './chain-walk.js';
import { beginning, type ChainHead } from './chain.js';

/** What became of a chain. */
export interface ChainVerdict {
  /** How many rows from the beginning are as they were recorded. */
  readonly checked: number;
  /** Where the chain says that it ends. */
  readonly head: ChainHead;
  /** Missing when the chain is intact. */
  readonly broken?: ChainBreak;
}

export interface TenantVerdict extends ChainVerdict {
  readonly tenant: string;
}

/** Before every row, also those that nobody recorded: the smallest bigint. */
const first = '-9223372036854775808';

/** Rows that are held at once. */
const pieceLength = 500;

/** Finds the first row of the audit log that is not as it was recorded (administration.md, Audit). */
@Injectable()
export class AuditVerification {
  constructor(private readonly events: AuditRepository) {}

  /**
   * Walks the chain of a tenant in short reads that block nobody. Rows that are recorded meanwhile belong to it.
   * @param known a head that was exported earlier: the chain must still contain it
   */
  async verify(tenantId: string, known?: ChainHead): Promise<ChainVerdict> {
    const walk = new ChainWalk(known);
    for (;;) {
      const from = walk.checked === 0 ? first : String(walk.checked + 1);
      const { events, head } = await this.events.piece(tenantId, from, pieceLength);
      let broken: ChainBreak | undefined;
      for (const event of events) {
        broken = walk.step(event);
        if (broken !== undefined) break;
      }
      const isOver = events.length < pieceLength;
      if (isOver) broken ??= walk.end(head);
      if (isOver || broken !== undefined) {
        return {
          checked: walk.checked,
          head: head === null ? { seq: 0, hash: beginning } : { seq: Number(head.seq), hash: head.hash },
          ...(broken === undefined ? {} : { broken }),
        };
      }
    }
  }

  /** Walks the chains of every tenant, or that of the one with this slug, one after the other. */
  async verifyAll(slug?: string): Promise<readonly TenantVerdict[]> {
    const verdicts: TenantVerdict[] = [];
    for (const tenant of await this.events.tenants(slug)) {
      verdicts.push({ tenant: tenant.slug, ...(await this.verify(tenant.id)) });
    }
    return verdicts;
  }
}
