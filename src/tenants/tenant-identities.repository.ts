import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from './tenant.entity.js';

/** Where somebody belongs. */
export type Membership = Pick<Tenant, 'id' | 'status'>;

@Injectable()
export class TenantIdentitiesRepository {
  /** The tenant of those with this value of the claim, else that of everybody of the issuer. */
  async find(
    issuer: string,
    claimValue: string | undefined,
    db: EntityManager,
  ): Promise<Membership | undefined> {
    const rows = await db.query<Membership[]>(
      `SELECT tenant.id, tenant.status
         FROM tenant_identities identity JOIN tenants tenant ON tenant.id = identity.tenant_id
        WHERE identity.issuer = $1 AND identity.claim_value = ANY($2)
        ORDER BY identity.claim_value = '' LIMIT 1`,
      [issuer, ['', ...(claimValue === undefined ? [] : [claimValue])]],
    );
    return rows[0];
  }

  async get(tenantId: string, db: EntityManager): Promise<Membership> {
    const rows = await db.query<Membership[]>('SELECT id, status FROM tenants WHERE id = $1', [tenantId]);
    const [tenant] = rows;
    if (tenant === undefined) throw new Error('there is no such tenant');
    return tenant;
  }
}
