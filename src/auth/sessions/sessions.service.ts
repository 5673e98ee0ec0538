import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Ids } from '../../common/ids.js';
import type { Owner, Role } from '../../common/owner.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { Caller } from '../caller.js';
import { deriveSecret, hashSecret, newSecret } from '../opaque-secret.js';
import { sessionScopes, type Scope } from '../scopes.js';
import { AccessTokens } from './access-tokens.js';
import type { RefreshToken } from './refresh-token.entity.js';
import { SessionsRepository, type SessionHolder } from './sessions.repository.js';

/** What a browser holds of a session. */
export interface PresentedCredentials {
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** What a browser is given to hold. */
export interface IssuedCredentials {
  readonly accessToken: string;
  readonly accessExpiresAt: Date;
  readonly refreshToken: string;
  /** When the session ends unless it is refreshed. */
  readonly idleExpiresAt: Date;
  /** When the session ends in any case. */
  readonly expiresAt: Date;
}

export interface RefreshedSession {
  readonly caller: Caller;
  readonly credentials: IssuedCredentials;
}

/** Whose session it is. */
export interface Person extends Owner {
  readonly username: string;
  readonly role: Role;
}

/** Where a session was opened, for its owner to recognise. */
export interface Device {
  readonly userAgent: string | undefined;
  readonly ip: string | undefined;
}

/** Sessions from login to their end (identity.md, Sessions). What they may do is decided by the database, at each use. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: AccessTokens,
    private readonly transactions: Transactions,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** A new session under a new id, whatever the browser presented before: nobody can have fixed it. */
  async open(person: Person, device: Device): Promise<IssuedCredentials> {
    const now = this.clock.now();
    const expiresAt = secondsAfter(now, this.config['session.absoluteLifetimeSeconds']);
    const idleExpiresAt = this.idleEnd(now, expiresAt);
    const sessionId = this.ids.next();
    const refreshToken = newSecret();
    await this.sessions.deleteExpired(now);
    await this.transactions.run((db) =>
      this.sessions.insert(
        {
          id: sessionId,
          tenantId: person.tenantId,
          userId: person.userId,
          createdAt: now,
          idleExpiresAt,
          expiresAt,
          revokedAt: null,
          revokedReason: null,
          userAgent: device.userAgent?.slice(0, 300) ?? null,
          ip: device.ip?.slice(0, 45) ?? null,
        },
        refreshTokenRow(refreshToken, { tenantId: person.tenantId, sessionId }, now),
        db,
      ),
    );
    return this.issue({ ...person, sessionId, idleExpiresAt, expiresAt }, refreshToken);
  }

  /**
   * Who presents an access token, or undefined when it does not verify: expired, or not ours.
   * @throws DomainError SESSION_ENDED, USER_SUSPENDED
   */
  async resume(accessToken: string): Promise<Caller | undefined> {
    const grant = await this.accessTokens.verify(accessToken);
    if (grant === undefined) return undefined;
    return callerOf(await this.sessions.findLive(grant.sessionId, this.clock.now()), grant.scopes);
  }

  /**
   * Exchanges a refresh token for its successor and a new access token. Requests that present the same token within
   * `session.refreshGraceSeconds` get the same successor; later reuse means that two hold it, and ends the session.
   * @throws DomainError SESSION_ENDED, USER_SUSPENDED
   */
  async refresh(refreshToken: string): Promise<RefreshedSession> {
    const rotation = await this.transactions.run((db) => this.rotate(refreshToken, db));
    if (rotation === 'reused') this.log.warn({}, 'refresh token used again: its session was revoked');
    if (typeof rotation === 'string') throw new DomainError('SESSION_ENDED');
    const { holder, successor } = rotation;
    const scopes = sessionScopes(holder.role);
    return { caller: callerOf(holder, scopes), credentials: await this.issue(holder, successor) };
  }

  /** Ends the session that the credentials belong to, expired or not; does nothing when there is none. */
  async end(
    { accessToken, refreshToken }: PresentedCredentials,
    reason: 'logout' | 'new_login',
  ): Promise<void> {
    const sessionIds = await Promise.all([
      refreshToken === undefined ? undefined : this.sessions.sessionOfToken(hashSecret(refreshToken)),
      accessToken === undefined ? undefined : this.sessionOfAccessToken(accessToken),
    ]);
    for (const sessionId of new Set(sessionIds)) {
      if (sessionId !== undefined) await this.sessions.revoke(sessionId, { at: this.clock.now(), reason });
    }
  }

  private async sessionOfAccessToken(accessToken: string): Promise<string | undefined> {
    const grant = await this.accessTokens.verify(accessToken);
    return grant?.sessionId;
  }

  private async rotate(refreshToken: string, db: EntityManager): Promise<Rotation | 'ended' | 'reused'> {
    const token = await this.sessions.findTokenForUpdate(hashSecret(refreshToken), db);
    const now = this.clock.now();
    const holder = token === null ? null : await this.sessions.findLive(token.sessionId, now, db);
    if (token === null || holder === null) return 'ended';
    if (holder.status === 'suspended') throw new DomainError('USER_SUSPENDED');
    const successor = deriveSecret(refreshToken, token.successorSalt);
    if (token.usedAt === null) {
      const idleExpiresAt = this.idleEnd(now, holder.expiresAt);
      const row = refreshTokenRow(successor, holder, now);
      await this.sessions.rotate(token, row, idleExpiresAt, db);
      return { holder: { ...holder, idleExpiresAt }, successor };
    }
    if (now <= secondsAfter(token.usedAt, this.config['session.refreshGraceSeconds'])) {
      return { holder, successor };
    }
    await this.sessions.revoke(holder.sessionId, { at: now, reason: 'refresh_reuse' }, db);
    return 'reused';
  }

  private async issue(
    session: Person & Pick<SessionHolder, 'sessionId' | 'idleExpiresAt' | 'expiresAt'>,
    refreshToken: string,
  ): Promise<IssuedCredentials> {
    const { idleExpiresAt, expiresAt } = session;
    // Refreshing is what keeps a session from idling, so it must be due well before that.
    const lifetime = Math.min(
      this.config['session.accessLifetimeSeconds'],
      this.config['session.idleLifetimeSeconds'] / 2,
    );
    const accessExpiresAt = secondsAfter(this.clock.now(), lifetime);
    const accessToken = await this.accessTokens.sign(
      { ...session, scopes: sessionScopes(session.role) },
      accessExpiresAt,
    );
    return { accessToken, accessExpiresAt, refreshToken, idleExpiresAt, expiresAt };
  }

  private idleEnd(now: Date, expiresAt: Date): Date {
    const idleEnd = secondsAfter(now, this.config['session.idleLifetimeSeconds']);
    return idleEnd < expiresAt ? idleEnd : expiresAt;
  }
}

interface Rotation {
  readonly holder: SessionHolder;
  readonly successor: string;
}

function refreshTokenRow(
  token: string,
  { tenantId, sessionId }: Pick<SessionHolder, 'tenantId' | 'sessionId'>,
  createdAt: Date,
): RefreshToken {
  return {
    tokenHash: hashSecret(token),
    tenantId,
    sessionId,
    successorSalt: randomBytes(32),
    createdAt,
    usedAt: null,
  };
}

function callerOf(holder: SessionHolder | null, scopes: readonly Scope[]): Caller {
  if (holder === null) throw new DomainError('SESSION_ENDED');
  const { tenantId, userId, username, role, sessionId } = holder;
  if (holder.status === 'suspended') throw new DomainError('USER_SUSPENDED');
  return { tenantId, userId, username, role, scopes, sessionId };
}

function secondsAfter(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
