/** The tenant that everyone belongs to until issuers or claims say otherwise; made by the first migration. */
export const defaultTenantId = '019a0000-0000-7000-8000-000000000000';
