import type { IdentityProviderSettings } from './identity-provider-type.js';
import type { Configuration } from './registry.js';

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
