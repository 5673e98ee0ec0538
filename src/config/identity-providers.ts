import type { Role } from '../common/owner.js';
import type { Configuration } from './registry.js';

/** One OpenID provider that people log in at: `oidc.*` or an entry of `oidc.providers`. */
export interface IdentityProviderSettings {
  /** In `/app/login?provider=`; `default` for `oidc.*`. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined;
  readonly label: string;
  readonly scopes: readonly string[];
  /** Where each thing stands in its claims: a name, or a dotted path. */
  readonly claims: {
    readonly username: string;
    readonly name: string;
    readonly email: string;
    readonly groups: string;
    /** Undefined when its people are told apart by issuer alone. */
    readonly tenant: string | undefined;
  };
  readonly groupRoles: Readonly<Record<string, Role>>;
  /** Of access tokens that programs may present; undefined when none may. */
  readonly audience: string | undefined;
}

/** What an entry of `oidc.providers` says; the rest is as `oidc.*` and `identity.*` have it. */
export type IdentityProviderDeclaration = Pick<
  IdentityProviderSettings,
  'name' | 'issuer' | 'clientId' | 'clientSecret' | 'audience'
> &
  Partial<Pick<IdentityProviderSettings, 'label' | 'scopes' | 'groupRoles'>> & {
    readonly claims: Partial<IdentityProviderSettings['claims']>;
  };

/** The name of the provider that `oidc.*` describes. */
export const defaultProvider = 'default';

/** Every configured provider, the one of `oidc.*` first; none when people only log in with passwords. */
export function identityProviders(config: Configuration): readonly IdentityProviderSettings[] {
  const claims = {
    username: config['identity.usernameClaim'],
    name: config['identity.nameClaim'],
    email: config['identity.emailClaim'],
    groups: config['identity.groupsClaim'],
    tenant: config['identity.tenantClaim'],
  };
  const shared = { scopes: config['oidc.scopes'], groupRoles: config['identity.groupRoles'] };
  const { 'oidc.issuer': issuer, 'oidc.clientId': clientId } = config;
  const first: readonly IdentityProviderSettings[] =
    issuer === undefined || clientId === undefined
      ? []
      : [
          {
            ...shared,
            name: defaultProvider,
            issuer,
            clientId,
            clientSecret: config['oidc.clientSecret'],
            label: config['oidc.label'],
            claims,
            audience: config['oidc.resourceServer.audience'],
          },
        ];
  const further = config['oidc.providers'].map((declared) => ({
    ...shared,
    label: declared.name,
    ...declared,
    claims: { ...claims, ...declared.claims },
  }));
  return [...first, ...further];
}
