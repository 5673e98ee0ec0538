import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type EntityManager, type Repository } from 'typeorm';
import type { Role } from '../../common/owner.js';
import { RefreshToken } from './refresh-token.entity.js';
import { Session } from './session.entity.js';

/** A live session and its person, as both are now. */
export interface SessionHolder {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly status: 'active' | 'suspended';
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
}

/** Most rows that one clean-up deletes: it runs inside a login and must not be felt there. */
const cleanUpLimit = 100;

@Injectable()
export class SessionsRepository {
  constructor(@InjectRepository(Session) private readonly sessions: Repository<Session>) {}

  async insert(session: Session, token: RefreshToken, db: EntityManager): Promise<void> {
    await db.insert(Session, session);
    await db.insert(RefreshToken, token);
  }

  /**
   * The session with its person, or null when it is revoked or expired. The one query that every authenticated request makes:
   * by two primary keys, hence the join across rooms.
   */
  async findLive(sessionId: string, now: Date, db = this.sessions.manager): Promise<SessionHolder | null> {
    const rows = await db.query<SessionHolder[]>(
      `SELECT session.id AS "sessionId", session.tenant_id AS "tenantId", session.user_id AS "userId",
              person.username, person.role, person.status,
              session.idle_expires_at AS "idleExpiresAt", session.expires_at AS "expiresAt"
         FROM sessions session
         JOIN users person ON person.id = session.user_id AND person.tenant_id = session.tenant_id
        WHERE session.id = $1 AND session.revoked_at IS NULL
          AND session.idle_expires_at > $2 AND session.expires_at > $2`,
      [sessionId, now],
    );
    return rows[0] ?? null;
  }

  /** Waits for other rotations of the same token to end, and makes later ones wait for this one. */
  findTokenForUpdate(tokenHash: Buffer, db: EntityManager): Promise<RefreshToken | null> {
    return db.findOne(RefreshToken, { where: { tokenHash }, lock: { mode: 'pessimistic_write' } });
  }

  /** Replaces a token by its successor and lets the session idle until later. */
  async rotate(
    used: Pick<RefreshToken, 'tokenHash'>,
    successor: RefreshToken,
    idleExpiresAt: Date,
    db: EntityManager,
  ): Promise<void> {
    await db.update(RefreshToken, { tokenHash: used.tokenHash }, { usedAt: successor.createdAt });
    await db.insert(RefreshToken, successor);
    await db.update(Session, { id: successor.sessionId }, { idleExpiresAt });
  }

  /** The session that a refresh token belongs to, used or not. */
  async sessionOfToken(tokenHash: Buffer): Promise<string | undefined> {
    const token = await this.sessions.manager.findOneBy(RefreshToken, { tokenHash });
    return token?.sessionId;
  }

  /** Ends a session, once: the first reason stays. */
  async revoke(
    sessionId: string,
    { at, reason }: { readonly at: Date; readonly reason: string },
    db = this.sessions.manager,
  ): Promise<void> {
    await db.update(
      Session,
      { id: sessionId, revokedAt: IsNull() },
      { revokedAt: at, revokedReason: reason },
    );
  }

  /** Deletes some of the sessions whose absolute end is past, and with them their tokens, by foreign key. */
  async deleteExpired(now: Date): Promise<void> {
    await this.sessions.query(
      `DELETE FROM sessions WHERE id IN
         (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT ${cleanUpLimit} FOR UPDATE SKIP LOCKED)`,
      [now],
    );
  }
}
