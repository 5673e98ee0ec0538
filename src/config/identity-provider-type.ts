import type { Role } from '../common/owner.js';
import { roles } from '../common/owner.js';
import { isPlainObject, list, mapOf, oneOf, text, url, type ValueType } from './value-types.js';

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
    const issuers = new Set(declared.map(({ issuer }) => new URL(issuer).href));
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
