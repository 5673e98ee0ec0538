import { DomainError } from '../../common/domain-error.js';
import type { IdentityProviderSettings } from '../../config/identity-provider-type.js';
import type { LoginProfile } from '../../users/login-profile.js';

export type Claims = Readonly<Record<string, unknown>>;

const maxUsername = 200;
const maxDisplayName = 200;
const maxEmail = 320;
/** "It MUST NOT exceed 255 ASCII characters in length" (OpenID Connect Core, 2: sub). */
const subjectForm = /^[\x20-\x7e]{1,255}$/;
const maxGroups = 1000;
const maxTenant = 500;

/**
 * The person that verified claims describe. What is for display is cut to size; what identifies is taken exactly or refused.
 * @param provider says where in the claims each thing stands
 * @throws DomainError ID_TOKEN_CLAIM_MISSING
 */
export function readProfile(
  claims: Claims,
  { claims: at, groupRoles }: Pick<IdentityProviderSettings, 'claims' | 'groupRoles'>,
): LoginProfile {
  const { iss, sub } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !subjectForm.test(sub)) {
    throw new DomainError('ID_TOKEN_CLAIM_MISSING', {
      cause: new Error('issuer or subject of the ID token is malformed'),
    });
  }
  return {
    issuer: iss,
    subject: sub,
    username: displayText(claimAt(claims, at.username), maxUsername),
    displayName: displayText(claimAt(claims, at.name), maxDisplayName),
    email: displayText(claimAt(claims, at.email), maxEmail),
    groups: readGroups(claims, at.groups),
    groupRoles,
    tenantClaim: at.tenant === undefined ? undefined : readTenant(claimAt(claims, at.tenant)),
  };
}

/**
 * When the provider says that the person proved who they are (`auth_time`, OpenID Connect Core, 2), never later than now;
 * undefined when it does not say.
 */
export function readAuthenticationTime({ auth_time: seconds }: Claims, now: Date): Date | undefined {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined;
  return new Date(Math.max(0, Math.min(seconds * 1000, now.getTime())));
}

/** What the provider calls its session, for back-channel logout; null when it does not say. */
export function readProviderSession({ sid }: Claims): string | null {
  return typeof sid === 'string' && /^[\x20-\x7e]{1,255}$/.test(sid) ? sid : null;
}

/** Exactly as it is, since it decides where somebody belongs; null when there is nothing that could. */
function readTenant(value: unknown): string | null {
  const isText = typeof value === 'string' && value.length > 0 && value.length <= maxTenant;
  return isText && !/\p{Cc}/u.test(value) && value.isWellFormed() ? value : null;
}

/** One line of at most `maxLength` characters, or null when nothing is left. */
function displayText(value: unknown, maxLength: number): string | null {
  if (typeof value !== 'string') return null;
  const text = value
    .slice(0, 2 * maxLength)
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, maxLength)
    .toWellFormed();
  return text === '' ? null : text;
}

/** Undefined when the claim is absent; none when it is there and empty, or holds something else than names. */
function readGroups(claims: Claims, path: string): readonly string[] | undefined {
  const value = claimAt(claims, path);
  if (value === undefined) return undefined;
  const groups: readonly unknown[] = Array.isArray(value) ? value.slice(0, maxGroups) : [value];
  return groups.filter((group) => typeof group === 'string');
}

/** A claim by its name, which may hold dots itself (`https://example.org/groups`), else by the path. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => (isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined),
      claims,
    );
}

function isRecord(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null;
}
