import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import type { Caller } from '../caller.js';
import { ProviderSessions } from '../provider-session/provider-sessions.service.js';
import { deriveSecret, hashSecret } from '../opaque-secret.js';
import { sessionScopes } from '../scopes.js';
import { refreshTokenRow } from './refresh-token.entity.js';
import { SessionCredentials, type IssuedCredentials } from './session-credentials.js';
import { SessionEndings } from './session-endings.service.js';
import { SessionsRepository } from './sessions.repository.js';
import { callerOf } from './sessions.service.js';

export interface RefreshedSession {
  readonly caller: Caller;
  readonly credentials: IssuedCredentials;
}

interface Rotation {
  readonly sessionId: string;
  readonly successor: string;
}

/** The rotation of refresh tokens (identity.md, Sessions). */
@Injectable()
export class SessionRefresh {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly credentials: SessionCredentials,
    private readonly endings: SessionEndings,
    private readonly providerSessions: ProviderSessions,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Exchanges a refresh token for its successor and a new access token. Requests that present the same token within
   * `session.refreshGraceSeconds` get the same successor; later reuse means that two hold it, and ends the session. What the
   * identity provider has to say meanwhile counts at once.
   * @throws DomainError SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async refresh(refreshToken: string): Promise<RefreshedSession> {
    const rotation = await this.transactions.run((db) => this.rotate(refreshToken, db));
    if (rotation === undefined) throw new DomainError('SESSION_ENDED');
    const { sessionId, successor } = rotation;
    await this.providerSessions.check(sessionId);
    // Another request may have asked the provider since.
    const holder = await this.sessions.findLive(sessionId, this.clock.now());
    if (holder === null) throw new DomainError('SESSION_ENDED');
    return {
      caller: callerOf(holder, sessionScopes(holder.role)),
      credentials: await this.credentials.issue(holder, successor),
    };
  }

  private async rotate(refreshToken: string, db: EntityManager): Promise<Rotation | undefined> {
    const token = await this.sessions.findTokenForUpdate(hashSecret(refreshToken), db);
    const now = this.clock.now();
    const holder = token === null ? null : await this.sessions.findLive(token.sessionId, now, db);
    if (token === null || holder === null) return undefined;
    callerOf(holder, []);
    const successor = deriveSecret(refreshToken, token.successorSalt);
    if (token.usedAt === null) {
      const idleExpiresAt = this.credentials.idleEnd(now, holder.expiresAt);
      await this.sessions.rotate(token, refreshTokenRow(successor, holder, now), idleExpiresAt, db);
      return { sessionId: holder.sessionId, successor };
    }
    if (this.credentials.isInGrace(token.usedAt, now)) {
      return { sessionId: holder.sessionId, successor: await this.newestAfter(successor, db) };
    }
    await this.endings.endReused(holder, db);
    return undefined;
  }

  /** The end of the chain: a slow tab must not put a token back into the browser that others have used since. */
  private async newestAfter(token: string, db: EntityManager): Promise<string> {
    const row = await this.sessions.findToken(hashSecret(token), db);
    return row?.usedAt ? this.newestAfter(deriveSecret(token, row.successorSalt), db) : token;
  }
}
