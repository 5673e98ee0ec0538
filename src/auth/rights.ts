import { Inject, Injectable } from '@nestjs/common';
import type { Role } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { Caller } from './caller.js';
import { covers, roleScopes, type RequiredScope, type Scope } from './scopes.js';

/**
 * Whether a person asks, in a session. What gives access, such as new credentials, roles and the end of a suspension, is for people
 * only: made by a program's credential it would outlive the revocation of that (identity.md, API tokens).
 */
export function isInPerson({ credential }: Pick<Caller, 'credential'>): boolean {
  return credential.kind === 'session';
}

/** What roles and credentials may do: the one decision that every door asks for. */
@Injectable()
export class Rights {
  constructor(@Inject(CONFIGURATION) private readonly config: BootConfiguration) {}

  /** The most that a role may do, whatever the credential. */
  scopesOf(role: Role): readonly Scope[] {
    return roleScopes(role, {
      guestsChat: this.config['roles.guestsChat'],
      selfServiceTokens: this.config['tokens.selfService'],
    });
  }

  /** Whether both the credential and the role that its owner has now include the right. */
  allows(
    { scopes, role }: { readonly scopes: readonly Scope[]; readonly role: Role },
    required: RequiredScope,
  ): boolean {
    const includeIt = (granted: readonly Scope[]) => granted.some((scope) => covers(scope, required));
    return includeIt(scopes) && includeIt(this.scopesOf(role));
  }

  /** Whether the caller has the right now, by this credential. */
  admits(caller: Caller, required: RequiredScope): boolean {
    const mayMint = required !== 'tokens:write' || isInPerson(caller);
    return mayMint && this.allows(caller, required);
  }
}
