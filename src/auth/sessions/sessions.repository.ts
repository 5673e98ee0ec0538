import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, IsNull, MoreThan, type EntityManager, type Repository } from 'typeorm';
import { ownerOf, type Owner, type Role } from '../../common/owner.js';
import { RefreshToken } from './refresh-token.entity.js';
import { Session } from './session.entity.js';

/** Whose session it is. */
export interface Person extends Owner {
  readonly username: string;
  readonly role: Role;
}

/** A live session and its person, as both are now. */
export interface SessionHolder extends Person {
  readonly sessionId: string;
  readonly status: 'active' | 'suspended';
  readonly tenantStatus: 'active' | 'suspended';
  readonly authenticatedAt: Date;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
}

/** Which sessions: those for which everything holds that is given. */
export interface SessionSelection {
  readonly ids?: readonly string[];
  readonly owner?: Owner;
  readonly provider?: { readonly providerIssuer: string; readonly providerSessionId?: string };
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
   * by three primary keys, hence the join across rooms.
   */
  async findLive(sessionId: string, now: Date, db = this.sessions.manager): Promise<SessionHolder | null> {
    const rows = await db.query<SessionHolder[]>(
      `SELECT session.id AS "sessionId", session.tenant_id AS "tenantId", session.user_id AS "userId",
              person.username, person.role, person.status, tenant.status AS "tenantStatus",
              session.authenticated_at AS "authenticatedAt",
              session.idle_expires_at AS "idleExpiresAt", session.expires_at AS "expiresAt"
         FROM sessions session
         JOIN users person ON person.id = session.user_id AND person.tenant_id = session.tenant_id
         JOIN tenants tenant ON tenant.id = session.tenant_id
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
    await db.update(Session, { id: successor.sessionId }, { idleExpiresAt, lastSeenAt: successor.createdAt });
  }

  /** The session that a refresh token belongs to, used or not. */
  async sessionOfToken(tokenHash: Buffer): Promise<string | undefined> {
    const token = await this.sessions.manager.findOneBy(RefreshToken, { tokenHash });
    return token?.sessionId;
  }

  /** The sessions of a person that are good now, the one used last first. */
  listLive(owner: Owner, now: Date): Promise<Session[]> {
    return this.sessions.find({
      where: {
        ...ownerOf(owner),
        revokedAt: IsNull(),
        idleExpiresAt: MoreThan(now),
        expiresAt: MoreThan(now),
      },
      order: { lastSeenAt: 'DESC', id: 'DESC' },
    });
  }

  /** Ends sessions, each once: the first reason stays. Answers those that it ended. */
  async revoke(
    which: SessionSelection,
    { at, reason }: { readonly at: Date; readonly reason: string },
    db: EntityManager,
  ): Promise<Session[]> {
    const { ids, owner, provider } = which;
    const live = await db.find(Session, {
      where: {
        ...(ids === undefined ? {} : { id: In(ids) }),
        ...(owner === undefined ? {} : ownerOf(owner)),
        ...provider,
        revokedAt: IsNull(),
      },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
    if (live.length > 0) {
      await db.update(
        Session,
        { id: In(live.map(({ id }) => id)) },
        { revokedAt: at, revokedReason: reason },
      );
    }
    return live;
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
