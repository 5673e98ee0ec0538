import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService, type Actor, type AuditEntry } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { hashSecret } from '../opaque-secret.js';
import { AccessTokens } from './access-tokens.js';
import type { Session } from './session.entity.js';
import { SessionsRepository, type SessionHolder, type SessionSelection } from './sessions.repository.js';

/** What a browser holds of a session. */
export interface PresentedCredentials {
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** Why a session ended; stored with it. */
export type EndReason =
  | 'logout'
  | 'new_login'
  | 'new_password'
  | 'refresh_reuse'
  | 'revoked'
  | 'provider_logout'
  | 'provider_refused';

/** How sessions end before their time. Each end is audited, and known to every replica at once. */
@Injectable()
export class SessionEndings {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: AccessTokens,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends the session that the credentials belong to, expired or not.
   * @returns what ended; none when there is no such session or it had ended
   */
  async endPresented(
    { accessToken, refreshToken }: PresentedCredentials,
    reason: 'logout' | 'new_login',
  ): Promise<readonly Session[]> {
    const found = await Promise.all([
      refreshToken === undefined ? undefined : this.sessions.sessionOfToken(hashSecret(refreshToken)),
      accessToken === undefined ? undefined : this.sessionOfAccessToken(accessToken),
    ]);
    const ids = [...new Set(found)].filter((id) => id !== undefined);
    if (ids.length === 0) return [];
    return this.transactions.run((db) => this.end({ ids }, reason, undefined, db));
  }

  /** Ends the session in the transaction that found its refresh token used again. */
  async endReused({ sessionId }: SessionHolder, db: EntityManager): Promise<void> {
    await this.end({ ids: [sessionId] }, 'refresh_reuse', { kind: 'anonymous' }, db);
  }

  /** Ends one live session of a person, or all of them. Answers those that it ended. */
  endOwned(owner: Owner, sessionId: string | undefined, actor: Actor): Promise<readonly Session[]> {
    const which = {
      owner,
      liveAt: this.clock.now(),
      ...(sessionId === undefined ? {} : { ids: [sessionId] }),
    };
    return this.transactions.run((db) => this.end(which, 'revoked', actor, db));
  }

  /** Ends the sessions of a person that an older password opened, but for the one that the person changes it in. */
  async endForNewPassword(
    owner: Owner,
    kept: string | undefined,
    actor: Actor,
    db: EntityManager,
  ): Promise<void> {
    await this.end({ owner, ...(kept === undefined ? {} : { except: kept }) }, 'new_password', actor, db);
  }

  /** Ends what the identity provider no longer vouches for, in the transaction if there is one. */
  endByProvider(
    which: SessionSelection,
    reason: 'provider_logout' | 'provider_refused',
    db?: EntityManager,
  ): Promise<readonly Session[]> {
    const actor: Actor = { kind: 'system' };
    return db === undefined
      ? this.transactions.run((own) => this.end(which, reason, actor, own))
      : this.end(which, reason, actor, db);
  }

  /** @param actor the person of the session when undefined */
  private async end(
    which: SessionSelection,
    reason: EndReason,
    actor: Actor | undefined,
    db: EntityManager,
  ): Promise<readonly Session[]> {
    const ended = await this.sessions.revoke(which, { at: this.clock.now(), reason }, db);
    if (ended.length === 0) return ended;
    await this.notifications.announce('access', db);
    for (const { id, tenantId, userId } of ended) {
      await this.audit.record(
        {
          tenantId,
          actor: actor ?? { kind: 'user', userId },
          action: actionOf(reason),
          target: { kind: 'session', id: toWireId('session', id) },
          details: { reason, userId: toWireId('user', userId) },
        },
        db,
      );
    }
    return ended;
  }

  private async sessionOfAccessToken(accessToken: string): Promise<string | undefined> {
    const grant = await this.accessTokens.verify(accessToken);
    return grant?.sessionId;
  }
}

function actionOf(reason: EndReason): AuditEntry['action'] {
  if (reason === 'refresh_reuse') return 'session.refresh_reused';
  return reason === 'logout' || reason === 'provider_logout' ? 'logout' : 'session.revoked';
}
