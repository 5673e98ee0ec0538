import type { Role } from '../common/owner.js';

const resources = [
  'threads',
  'messages',
  'models',
  'completions',
  'tokens',
  'settings',
  'users',
  'usage',
  'audit',
  'files',
  'documents',
  'knowledge',
] as const;

const bundles = ['read', 'write', 'admin'] as const;

type ResourceScope = `${(typeof resources)[number]}:${'read' | 'write'}`;

/** What a credential may do: a bundle, or one right on one resource (identity.md, Scopes). */
export type Scope = (typeof bundles)[number] | ResourceScope;

/** What a route may ask for. Never `read` or `write`: those bundle rights of credentials and name no right of their own. */
export type RequiredScope = 'admin' | ResourceScope;

const resourceScopes: readonly ResourceScope[] = resources.flatMap(
  (resource) => [`${resource}:read`, `${resource}:write`] as const,
);

/** Every right that a route may ask for. */
export const requiredScopes: readonly RequiredScope[] = ['admin', ...resourceScopes];

const allScopes: ReadonlySet<unknown> = new Set([...bundles, ...resourceScopes]);

export function isScope(value: unknown): value is Scope {
  return allScopes.has(value);
}

const look = ['threads:read', 'messages:read', 'models:read'] as const;
const chat = ['threads:write', 'messages:write', 'models:read', 'completions:write'] as const;

/** The most that a role may do, whatever the credential (identity.md, Roles). */
export function roleScopes(
  role: Role,
  settings: { readonly guestsChat: boolean; readonly selfServiceTokens: boolean },
): readonly Scope[] {
  const ownTokens: readonly Scope[] = settings.selfServiceTokens ? ['tokens:write'] : ['tokens:read'];
  switch (role) {
    case 'admin':
      return ['admin'];
    case 'power_user':
      return [...chat, ...ownTokens, 'models:write', 'usage:read'];
    case 'user':
      return [...chat, ...ownTokens, 'usage:read'];
    case 'guest':
      return settings.guestsChat ? chat : look;
  }
}

/** The scopes that a new session of a person carries. */
export function sessionScopes(role: Role): readonly Scope[] {
  return role === 'admin' ? ['read', 'write', 'admin'] : ['read', 'write'];
}

/** Whether one scope includes another: `admin` all, `write` its `read`, a bundle what it names of every resource. */
export function covers(granted: Scope, required: Scope): boolean {
  if (granted === required || granted === 'admin') return true;
  if (required === 'admin') return false;
  const [grantedResource, grantedVerb] = parse(granted);
  const [requiredResource, requiredVerb] = parse(required);
  return (
    (grantedResource === undefined || grantedResource === requiredResource) &&
    (grantedVerb === 'write' || grantedVerb === requiredVerb)
  );
}

/** The resource, undefined for a bundle, and what may be done to it. */
function parse(scope: Exclude<Scope, 'admin'>): readonly [string | undefined, string | undefined] {
  const [first, second] = scope.split(':');
  return second === undefined ? [undefined, first] : [first, second];
}
