import type { Role } from '../common/owner.js';
import { roles } from '../common/owner.js';
import type { IdentityProviderDeclaration } from './identity-providers.js';
import { isPlainObject, list, mapOf, oneOf, text, url, type ValueType } from './value-types.js';

const name: ValueType<string> = {
  ...text,
  parse: (raw) =>
    typeof raw === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(raw) ? raw : undefined,
};
const groupRoles: ValueType<Readonly<Record<string, Role>>> = mapOf(oneOf(...roles));
const claimNames = ['username', 'name', 'email', 'groups', 'tenant'] as const;

const fields = {
  name,
  issuer: url(),
  clientId: text,
  clientSecret: text,
  label: text,
  scopes: list({ minimumItems: 1 }),
  groupRoles,
  audience: text,
} as const;

/**
 * Further OpenID providers, each a map with name, issuer and clientId, and whatever else differs from `oidc.*` and `identity.*`.
 * Written as text, the list is JSON.
 */
export const furtherProviders: ValueType<readonly IdentityProviderDeclaration[]> = {
  name: 'list',
  bounds: {},
  expected:
    'a list (as text: JSON) of maps with name (lower case, digits, hyphens), issuer and clientId, and any of clientSecret, label, scopes, claims, groupRoles and audience; names and issuers are each given once',
  parse: (raw) => {
    const items = typeof raw === 'string' ? parseJson(raw) : raw;
    if (!Array.isArray(items)) return undefined;
    const declared = items.map(parseProvider).filter((provider) => provider !== undefined);
    const names = new Set(['default', ...declared.map((provider) => provider.name)]);
    const issuers = new Set(declared.map(({ issuer }) => issuer));
    const isUnambiguous = names.size === items.length + 1 && issuers.size === items.length;
    return declared.length === items.length && isUnambiguous ? declared : undefined;
  },
};

function parseProvider(raw: unknown): IdentityProviderDeclaration | undefined {
  if (!isPlainObject(raw)) return undefined;
  const { claims: rawClaims = {}, ...rest } = raw;
  const claims = parseClaims(rawClaims);
  const isKnown = Object.keys(rest).every((key) => Object.hasOwn(fields, key));
  const given = Object.fromEntries(
    Object.entries(fields)
      .filter(([key]) => rest[key] !== undefined)
      .map(([key, type]) => [key, type.parse(rest[key])]),
  );
  const isValid = Object.values(given).every((value) => value !== undefined);
  const isComplete = ['name', 'issuer', 'clientId'].every((key) => Object.hasOwn(given, key));
  if (!isKnown || !isValid || !isComplete || claims === undefined) return undefined;
  // Each field was made by the parser of its type.
  return { ...(given as unknown as IdentityProviderDeclaration), claims };
}

function parseClaims(raw: unknown): IdentityProviderDeclaration['claims'] | undefined {
  if (!isPlainObject(raw)) return undefined;
  const isValid = Object.entries(raw).every(
    ([key, value]) => claimNames.some((claim) => claim === key) && text.parse(value) !== undefined,
  );
  return isValid ? raw : undefined;
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
