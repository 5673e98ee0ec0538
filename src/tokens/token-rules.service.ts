import { Inject, Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { Rights } from '../auth/rights.js';
import type { Scope } from '../auth/scopes.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { Role } from '../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import type { ApiToken } from './api-token.entity.js';
import { liesWithin } from './token-scopes.js';

const dayMs = 24 * 60 * 60 * 1000;

/** What a token may be given (identity.md, API tokens). */
@Injectable()
export class TokenRules {
  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly rights: Rights,
    private readonly clock: Clock,
  ) {}

  /**
   * Refuses scopes beyond what the owner's role can do now, or beyond what the credential of whoever grants them can. Their own role
   * need not be asked: they are the owner, or an admin.
   * @throws DomainError SCOPE_EXCEEDS_RIGHTS
   */
  refuseExcess(scopes: readonly Scope[], ownerRole: Role, granter: Caller): void {
    const limits = [this.rights.scopesOf(ownerRole), granter.scopes];
    const excess = scopes.filter((scope) => !limits.every((limit) => liesWithin(scope, limit)));
    if (excess.length === 0) return;
    throw new DomainError('SCOPE_EXCEEDS_RIGHTS', { param: 'scopes', details: { scopes: excess } });
  }

  /**
   * Refuses an end that is past, or farther from the beginning than a token may live.
   * @throws DomainError TOKEN_LIFETIME_INVALID
   */
  refuseLifetime(createdAt: Date, expiresAt: Date): void {
    const maxLifetimeDays = this.config['tokens.maxLifetimeDays'];
    const lifetimeMs = expiresAt.getTime() - createdAt.getTime();
    if (expiresAt > this.clock.now() && lifetimeMs <= maxLifetimeDays * dayMs) return;
    throw new DomainError('TOKEN_LIFETIME_INVALID', { param: 'expiresAt', details: { maxLifetimeDays } });
  }

  /**
   * Refuses those who own a token that somebody else made for them: what an admin set is not for them to loosen.
   * @throws DomainError FORBIDDEN
   */
  refuseMereOwner(caller: Caller, { createdBy }: ApiToken): void {
    if (caller.role !== 'admin' && createdBy !== caller.userId) throw new DomainError('FORBIDDEN');
  }

  /**
   * Refuses a token that is revoked, expired or replaced: its end is final.
   * @throws DomainError TOKEN_NOT_ACTIVE
   */
  refuseEnded({ revokedAt, expiresAt, successorId }: ApiToken): void {
    if (revokedAt !== null || successorId !== null || expiresAt <= this.clock.now()) {
      throw new DomainError('TOKEN_NOT_ACTIVE');
    }
  }
}
