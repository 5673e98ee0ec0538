/** Roles, strongest first (identity.md, Roles). */
export const roles = ['admin', 'power_user', 'user', 'guest'] as const;

export type Role = (typeof roles)[number];

/** Whose a row is. The first argument of every query of an owned thing. */
export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
}
