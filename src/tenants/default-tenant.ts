/** The tenant that everyone belongs to until issuers or claims say otherwise; made by the first migration. */
export const defaultTenantId = '019a0000-0000-7000-8000-000000000000';

/** Admins of the default tenant run the installation (identity.md, Roles, groups, tenants). */
export function isInDefaultTenant({ tenantId }: { readonly tenantId: string }): boolean {
  return tenantId === defaultTenantId;
}
