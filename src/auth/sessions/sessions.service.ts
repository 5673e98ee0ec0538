import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { Ids, toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import type { Caller } from '../caller.js';
import { newSecret } from '../opaque-secret.js';
import type { Scope } from '../scopes.js';
import { AccessTokens } from './access-tokens.js';
import { refreshTokenRow } from './refresh-token.entity.js';
import { SessionCredentials, type IssuedCredentials } from './session-credentials.js';
import type { Session } from './session.entity.js';
import { SessionsRepository, type Person, type SessionHolder } from './sessions.repository.js';

/** Where a session was opened, for its owner to recognise. */
export interface Device {
  readonly userAgent: string | undefined;
  readonly ip: string | undefined;
}

/** How somebody proved who they are. */
export interface LoginProof {
  readonly method: 'oidc' | 'local';
  /** Now when left out; null when the provider does not tell. */
  readonly authenticatedAt?: Date | null;
  /** Throws when what was proven no longer holds; asked in the transaction that opens the session. */
  readonly confirm?: (db: EntityManager) => Promise<void>;
  /** What the session keeps of the provider's. */
  readonly provider?: Pick<Session, 'providerIssuer' | 'providerSessionId'> & {
    /** Seals the provider's tokens for the session with this id. */
    readonly sealTokens: (sessionId: string) => Buffer;
  };
}

/** Sessions from login to use (identity.md, Sessions). What they may do is decided by the database. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: AccessTokens,
    private readonly credentials: SessionCredentials,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** A new session under a new id, whatever the browser presented before: nobody can have fixed it. */
  async open(person: Person, proof: LoginProof, device: Device): Promise<IssuedCredentials> {
    const now = this.clock.now();
    const expiresAt = this.credentials.absoluteEnd(now);
    const idleExpiresAt = this.credentials.idleEnd(now, expiresAt);
    const { tenantId, userId } = person;
    const sessionId = this.ids.next();
    const refreshToken = newSecret();
    await this.sessions.deleteExpired(now);
    await this.transactions.run(async (db) => {
      await proof.confirm?.(db);
      const session: Session = {
        id: sessionId,
        tenantId,
        userId,
        createdAt: now,
        idleExpiresAt,
        expiresAt,
        revokedAt: null,
        revokedReason: null,
        userAgent: device.userAgent?.slice(0, 300) ?? null,
        ip: device.ip?.slice(0, 45) ?? null,
        authenticatedAt: proof.authenticatedAt === undefined ? now : proof.authenticatedAt,
        lastSeenAt: now,
        providerIssuer: proof.provider?.providerIssuer ?? null,
        providerSessionId: proof.provider?.providerSessionId ?? null,
        providerTokens: proof.provider?.sealTokens(sessionId) ?? null,
        providerCheckedAt: proof.provider === undefined ? null : now,
      };
      await this.sessions.insert(session, refreshTokenRow(refreshToken, { tenantId, sessionId }, now), db);
      await this.audit.record(
        {
          tenantId,
          actor: { kind: 'user', userId },
          action: 'login.succeeded',
          target: { kind: 'session', id: toWireId('session', sessionId) },
          details: { method: proof.method },
        },
        db,
      );
    });
    return this.credentials.issue({ ...person, sessionId, idleExpiresAt, expiresAt }, refreshToken);
  }

  /**
   * Who presents an access token, or undefined when it does not verify: expired, or not ours.
   * @throws DomainError SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async resume(accessToken: string): Promise<Caller | undefined> {
    const grant = await this.accessTokens.verify(accessToken);
    if (grant === undefined) return undefined;
    return callerOf(await this.sessions.findLive(grant.sessionId, this.clock.now()), grant.scopes);
  }

  /** Those of the sessions that are good now. */
  standing(sessionIds: readonly string[]): Promise<Set<string>> {
    return this.sessions.liveAmong(sessionIds, this.clock.now());
  }

  /** The live sessions of a person, the one used last first. */
  listOwned(owner: Owner): Promise<Session[]> {
    return this.sessions.listLive(owner, this.clock.now());
  }
}

/** @throws DomainError SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED */
export function callerOf(holder: SessionHolder | null, scopes: readonly Scope[]): Caller {
  if (holder === null) throw new DomainError('SESSION_ENDED');
  const { tenantId, userId, username, role, sessionId, authenticatedAt } = holder;
  if (holder.status === 'suspended') throw new DomainError('USER_SUSPENDED');
  if (holder.tenantStatus === 'suspended') throw new DomainError('TENANT_SUSPENDED');
  const credential = { kind: 'session', sessionId, authenticatedAt } as const;
  return { tenantId, userId, username, role, scopes, credential };
}
