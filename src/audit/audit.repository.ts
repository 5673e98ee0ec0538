import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThanOrEqual, type EntityManager, type Repository } from 'typeorm';
import { readCursor, toPage, type Page, type PageQuery } from '../common/cursor.js';
import { AuditEvent, type AuditOutcome } from './audit-event.entity.js';
import { AuditHead } from './audit-head.entity.js';
import { beginning, type ChainHead } from './chain.js';

/** Which rows of a tenant: those for which everything holds that is given. */
export interface AuditQuery {
  readonly actorUserId?: string | undefined;
  readonly actorTokenId?: string | undefined;
  readonly action?: string | undefined;
  readonly targetKind?: string | undefined;
  readonly targetId?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Included. */
  readonly from?: Date | undefined;
  /** Not included. */
  readonly to?: Date | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const filtered = ['actorUserId', 'actorTokenId', 'action', 'targetKind', 'targetId', 'outcome'] as const;

/** Consecutive rows of a chain, and its head as it was at that very moment. */
export interface ChainPiece {
  readonly events: readonly AuditEvent[];
  readonly head: Pick<AuditHead, 'seq' | 'hash'> | null;
}

@Injectable()
export class AuditRepository {
  constructor(@InjectRepository(AuditEvent) private readonly events: Repository<AuditEvent>) {}

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

  /** Newest first. */
  async page(tenantId: string, query: AuditQuery): Promise<Page<AuditEvent>> {
    const { limit, cursor, ...fingerprint } = query;
    const pageQuery: PageQuery = { limit, cursor, fingerprint: { tenantId, ...fingerprint } };
    const before = readCursor(pageQuery, 'time', 'integer');
    const rows = this.events
      .createQueryBuilder('event')
      .where({ tenantId })
      .orderBy('event.at', 'DESC')
      .addOrderBy('event.seq', 'DESC')
      .limit(limit + 1);
    for (const column of filtered)
      if (query[column] !== undefined) rows.andWhere({ [column]: query[column] });
    if (query.from !== undefined) rows.andWhere('event.at >= :from', { from: query.from });
    if (query.to !== undefined) rows.andWhere('event.at < :to', { to: query.to });
    if (before !== undefined) {
      rows.andWhere('(event.at, event.seq) < (:at, :seq)', { at: before[0], seq: before[1] });
    }
    return toPage(pageQuery, await rows.getMany(), ({ at, seq }) => [at.toISOString(), seq]);
  }

  /** Some rows from `seq` on, in order, with the head in the same snapshot: they belong together, whoever writes meanwhile. */
  piece(tenantId: string, seq: string, limit: number): Promise<ChainPiece> {
    return this.events.manager.transaction('REPEATABLE READ', async (db) => ({
      head: await db.findOneBy(AuditHead, { tenantId }),
      events: await db.find(AuditEvent, {
        where: { tenantId, seq: MoreThanOrEqual(seq) },
        order: { seq: 'ASC' },
        take: limit,
      }),
    }));
  }

  /** Whose chains there are: of every tenant, or of the one with this slug. */
  tenants(slug: string | undefined): Promise<{ id: string; slug: string }[]> {
    return this.events.query(
      'SELECT id, slug FROM tenants WHERE $1::text IS NULL OR slug = $1 ORDER BY slug',
      [slug],
    );
  }
}
