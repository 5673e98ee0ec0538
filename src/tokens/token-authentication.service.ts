import { Injectable } from '@nestjs/common';
import type { Budget, Caller } from '../auth/caller.js';
import { hashSecret } from '../auth/opaque-secret.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { ApiTokensRepository, type TokenHolder } from './api-tokens.repository.js';
import { isWithin } from './networks.js';
import { fromBigint } from './token-fields.js';
import { isWellFormedToken } from './token-format.js';
import { TokenUses } from './token-uses.service.js';

/** API tokens as credentials (identity.md, API tokens). */
@Injectable()
export class TokenAuthentication {
  constructor(
    private readonly tokens: ApiTokensRepository,
    private readonly uses: TokenUses,
    private readonly clock: Clock,
  ) {}

  /**
   * Whose token it is, with their role as it is now; undefined when it is nobody's. What cannot be a token is refused without a
   * query. Why a token is not good is told, since only its holder can ask; `admit` is still to be asked.
   * @throws DomainError TOKEN_REVOKED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async authenticate(token: string): Promise<Caller | undefined> {
    if (!isWellFormedToken(token)) return undefined;
    const holder = await this.tokens.findHolder(hashSecret(token));
    if (holder === null) return undefined;
    refuseUnfit(holder);
    const { tenantId, userId, username, role, scopes, ...rest } = holder;
    const { tokenId, isOwnersOwn, models, allowedNetworks, requestsPerMinute, expiresAt } = rest;
    const budget = budgetOf(holder);
    const limits = { models, allowedNetworks, requestsPerMinute, budget, expiresAt };
    return {
      tenantId,
      userId,
      username,
      role,
      scopes,
      credential: { kind: 'token', tokenId, isOwnersOwn, ...limits },
    };
  }

  /**
   * Lets one request of an authenticated caller in, and notes that the token was used. Asks nothing of the database: this is what
   * may differ between two requests within the second that a caller is remembered.
   * @throws DomainError TOKEN_EXPIRED, TOKEN_NETWORK_FORBIDDEN
   */
  admit({ credential }: Caller, ip: string | undefined): void {
    if (credential.kind !== 'token') return;
    const { tokenId, allowedNetworks, expiresAt } = credential;
    if (expiresAt <= this.clock.now()) throw new DomainError('TOKEN_EXPIRED');
    if (allowedNetworks.length > 0 && (ip === undefined || !isWithin(ip, allowedNetworks))) {
      throw new DomainError('TOKEN_NETWORK_FORBIDDEN');
    }
    this.uses.note(tokenId, ip);
  }

  /** Those of the tokens that are good now: for what lasts longer than a request. */
  standing(tokenIds: readonly string[]): Promise<Set<string>> {
    return this.tokens.goodAmong(tokenIds, this.clock.now());
  }
}

/** Whether it has expired is asked of each request. */
function refuseUnfit({ revokedAt, status, tenantStatus }: TokenHolder): void {
  if (revokedAt !== null) throw new DomainError('TOKEN_REVOKED');
  if (status !== 'active') throw new DomainError('USER_SUSPENDED');
  if (tenantStatus !== 'active') throw new DomainError('TENANT_SUSPENDED');
}

function budgetOf({ budgetId, tokenBudget, costBudgetMicros }: TokenHolder): Budget | undefined {
  if (tokenBudget === null && costBudgetMicros === null) return undefined;
  return { id: budgetId, tokens: fromBigint(tokenBudget), costMicros: fromBigint(costBudgetMicros) };
}
