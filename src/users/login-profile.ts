import type { Role } from '../common/owner.js';

/** What an identity provider says of a person. */
export interface LoginProfile {
  readonly issuer: string;
  readonly subject: string;
  /** Null, as the next two, when the provider does not say. */
  readonly username: string | null;
  readonly displayName: string | null;
  readonly email: string | null;
  /** Undefined when the provider says nothing of groups, which is not the same as none. */
  readonly groups: readonly string[] | undefined;
  /** What groups of this provider mean here; nothing when roles are given here and not there. */
  readonly groupRoles: Readonly<Record<string, Role>>;
  /** Null when the claim that tells the tenant is absent; undefined when the provider has no such claim. */
  readonly tenantClaim: string | null | undefined;
}
