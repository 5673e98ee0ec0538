import { DomainError } from '../../common/domain-error.js';
import type { LoginProfile } from '../../users/users.service.js';

export type Claims = Readonly<Record<string, unknown>>;

const maxUsername = 200;
const maxDisplayName = 200;
const maxEmail = 320;
/** "It MUST NOT exceed 255 ASCII characters in length" (OpenID Connect Core, 2: sub). */
const subjectForm = /^[\x20-\x7e]{1,255}$/;
const maxGroups = 1000;

/**
 * The person that verified claims describe. What is for display is cut to size; what identifies is taken exactly or refused.
 * @param groupsClaim name of the claim with the groups, or a dotted path to it
 * @throws DomainError LOGIN_REJECTED
 */
export function readProfile(claims: Claims, groupsClaim: string): LoginProfile {
  const { iss, sub } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !subjectForm.test(sub)) {
    throw new DomainError('LOGIN_REJECTED', {
      cause: new Error('issuer or subject of the ID token is malformed'),
    });
  }
  return {
    issuer: iss,
    subject: sub,
    username: displayText(claims['preferred_username'], maxUsername) ?? sub.slice(0, maxUsername),
    displayName: displayText(claims['name'], maxDisplayName),
    email: displayText(claims['email'], maxEmail),
    groups: readGroups(claims, groupsClaim),
  };
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
