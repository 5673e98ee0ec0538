import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../../common/domain-error.js';

/** https://platform.claude.com/docs/en/api/versioning: what each may be; nothing else of a program's headers is passed on. */
const passedOn: Readonly<Record<string, RegExp>> = {
  'anthropic-version': /^\d{4}-\d{2}-\d{2}$/,
  'anthropic-beta': /^[\w.-]+(?: *, *[\w.-]+){0,63}$/,
};

/** They choose among the workspaces and profiles of a credential, and the credential is not the program's. */
const refused = ['anthropic-workspace-id', 'anthropic-user-profile-id'];

/**
 * The headers of the protocol, for Anthropic. A version is not insisted on: who says none means the oldest.
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER naming the header
 */
export function protocolHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  for (const name of refused) {
    if (headers[name] !== undefined) throw new DomainError('UNSUPPORTED_PARAMETER', { param: name });
  }
  const passed: Record<string, string> = {};
  for (const [name, form] of Object.entries(passedOn)) {
    const value = headers[name];
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string' || !form.test(value)) {
      throw new DomainError('VALIDATION_FAILED', { param: name });
    }
    passed[name] = value;
  }
  return passed;
}
