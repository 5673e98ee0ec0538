import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { UsersService } from '../../users/users.service.js';
import { clockToleranceSeconds, ProviderJwts, type VerifiedJwt } from '../provider-session/provider-jwts.js';
import { SessionEndings } from '../sessions/session-endings.service.js';
import type { SessionSelection } from '../sessions/sessions.repository.js';
import { UsedLogoutTokensRepository } from './used-logout-tokens.repository.js';

/** "It is RECOMMENDED that this be at most two minutes" (2.4, of `exp`); somewhat more, for a second attempt. */
const maxAgeSeconds = 300;
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

/** What a logout token says that passed. */
interface LogoutOrder {
  readonly issuer: string;
  readonly subject: string | undefined;
  /** What the provider calls its session. */
  readonly sessionId: string | undefined;
  readonly id: string;
  /** When it is refused without being remembered. */
  readonly refusedFrom: Date;
}

/** Logouts that happened at an identity provider (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class BackChannelLogout {
  constructor(
    private readonly jwts: ProviderJwts,
    private readonly usedTokens: UsedLogoutTokensRepository,
    private readonly endings: SessionEndings,
    private readonly users: UsersService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends the session that the token names, or all that its subject opened at its issuer. One that ends nothing is good all the
   * same: the person may have logged out here before.
   * @throws DomainError LOGOUT_TOKEN_INVALID, also for a token that was used before; IDENTITY_PROVIDER_UNAVAILABLE
   */
  async honour(token: string): Promise<void> {
    const order = await this.read(token);
    if (order === undefined) throw new DomainError('LOGOUT_TOKEN_INVALID');
    const selections = await this.sessionsOf(order);
    await this.transactions.run(async (db) => {
      const { issuer, id, refusedFrom: expiresAt } = order;
      const tokenHash = createHash('sha256')
        .update(JSON.stringify([issuer, id]))
        .digest();
      await this.usedTokens.deleteExpired(this.clock.now(), db);
      const isNew = await this.usedTokens.insertIfNew({ tokenHash, expiresAt }, db);
      if (!isNew) throw new DomainError('LOGOUT_TOKEN_INVALID');
      for (const which of selections) await this.endings.endByProvider(which, 'provider_logout', db);
    });
  }

  private async read(token: string): Promise<LogoutOrder | undefined> {
    const provider = this.jwts.claimedIssuer(token);
    if (provider === undefined) return undefined;
    const jwt = await this.jwts.verify(token, provider, {
      audience: provider.settings.clientId,
      requiredClaims: ['iat', 'exp', 'jti', 'events'],
      maxAge: maxAgeSeconds,
    });
    return jwt === undefined ? undefined : readOrder(jwt);
  }

  private async sessionsOf({
    issuer,
    subject,
    sessionId,
  }: LogoutOrder): Promise<readonly SessionSelection[]> {
    const owner = subject === undefined ? null : await this.users.findByIdentity({ issuer, subject });
    const named =
      sessionId === undefined ? [] : [{ provider: { providerIssuer: issuer, providerSessionId: sessionId } }];
    if (owner === null) return named;
    // One that was opened without an id of the provider's may be the one that is meant.
    const provider = {
      providerIssuer: issuer,
      ...(sessionId === undefined ? {} : { providerSessionId: null }),
    };
    return [...named, { owner, provider }];
  }
}

/** Undefined when it is no logout token (2.6, steps 3 and following). */
function readOrder({ header, claims }: VerifiedJwt): LogoutOrder | undefined {
  const { iss, sub, sid, jti, iat, exp, events, nonce } = claims;
  const type = (header.typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
  const isLogout = isRecord(events) && isRecord(events[logoutEvent]);
  // What an ID token has and a logout token must not.
  if (!isLogout || nonce !== undefined || !['logout+jwt', 'jwt'].includes(type)) return undefined;
  if (!isOptionalText(sub) || !isOptionalText(sid) || (sub ?? sid) === undefined) return undefined;
  if (!isOptionalText(jti) || jti === undefined || !isOptionalText(iss) || iss === undefined)
    return undefined;
  const until = Math.min(Number(exp), Number(iat) + maxAgeSeconds) + clockToleranceSeconds;
  return { issuer: iss, subject: sub, sessionId: sid, id: jti, refusedFrom: new Date(until * 1000) };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
