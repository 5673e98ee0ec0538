import { Inject, Injectable } from '@nestjs/common';
import type { Role } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { Caller } from './caller.js';
import { covers, roleScopes, type RequiredScope, type Scope } from './scopes.js';

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

  /** Whether the caller has the right now, by this credential: one that could make credentials would outlive its own revocation. */
  admits(caller: Caller, required: RequiredScope): boolean {
    const mints = required === 'tokens:write' && caller.credential.kind !== 'session';
    return !mints && this.allows(caller, required);
  }
}
