import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../common/domain-error.js';

/**
 * The credential that a program sends, in `Authorization: Bearer` (RFC 6750, 2.1) or, as Anthropic's clients do, in `x-api-key`;
 * undefined when it sends none.
 * @throws DomainError NOT_AUTHENTICATED for another scheme, or for two credentials that differ
 */
export function bearerCredential({
  authorization,
  'x-api-key': apiKey,
}: IncomingHttpHeaders): string | undefined {
  const bearer = authorization === undefined ? undefined : /^Bearer +([^\s,]+) *$/i.exec(authorization)?.[1];
  const key = typeof apiKey === 'string' && apiKey !== '' ? apiKey.trim() : undefined;
  const isUnreadable = authorization !== undefined && bearer === undefined;
  if (isUnreadable || (bearer !== undefined && key !== undefined && bearer !== key)) {
    throw new DomainError('NOT_AUTHENTICATED');
  }
  return bearer ?? key;
}
