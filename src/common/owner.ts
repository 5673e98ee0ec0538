/** Roles, strongest first (identity.md, Roles). */
export const roles = ['admin', 'power_user', 'user', 'guest'] as const;

export type Role = (typeof roles)[number];

/** Whose a row is. The first argument of every query of an owned thing. */
export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
}

/** Of anything that is owned, whose it is and nothing else: as a condition of a query. */
export function ownerOf({ tenantId, userId }: Owner): Owner {
  return { tenantId, userId };
}
