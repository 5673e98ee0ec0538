import type { EntityManager } from 'typeorm';

/**
 * Whether the user is an admin and nobody else of the tenant is: no other person who is active. Until the transaction ends,
 * everybody who asks the same of this tenant waits, so that of two admins who are demoted at once one stays (identity.md, First
 * run). Ask before anything of the tenant's users is locked, and read the user again afterwards.
 */
export async function isLastAdmin(tenantId: string, userId: string, db: EntityManager): Promise<boolean> {
  // Not FOR UPDATE, which would also keep waiting whoever inserts a row that refers to the tenant.
  await db.query('SELECT id FROM tenants WHERE id = $1 FOR NO KEY UPDATE', [tenantId]);
  const admins = await db.query<{ id: string }[]>(
    `SELECT id FROM users
      WHERE tenant_id = $1 AND role = 'admin' AND status = 'active' AND kind = 'person' LIMIT 2`,
    [tenantId],
  );
  return admins.length === 1 && admins[0]?.id === userId;
}
