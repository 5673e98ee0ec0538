import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  type FindOptionsWhere,
  In,
  IsNull,
  MoreThan,
  Not,
  type EntityManager,
  type Repository,
} from 'typeorm';
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
  readonly authenticatedAt: Date | null;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
}

/** Which sessions: those for which everything holds that is given. */
export type SessionSelection = SessionConditions &
  (
    | { readonly ids: readonly string[] }
    | { readonly owner: Owner }
    | { readonly provider: { readonly providerSessionId: string } }
  );

interface SessionConditions {
  readonly ids?: readonly string[];
  /** All but this one. */
  readonly except?: string;
  readonly owner?: Owner;
  /** Those that have not expired at that time. */
  readonly liveAt?: Date;
  /** Null: those of which the provider told no id of its own. */
  readonly provider?: { readonly providerIssuer: string; readonly providerSessionId?: string | null };
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

  findToken(tokenHash: Buffer, db: EntityManager): Promise<RefreshToken | null> {
    return db.findOneBy(RefreshToken, { tokenHash });
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

  /** Those of the sessions that are neither revoked nor expired. */
  async liveAmong(ids: readonly string[], now: Date): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const live = await this.sessions.find({
      select: { id: true },
      where: { id: In(ids), revokedAt: IsNull(), idleExpiresAt: MoreThan(now), expiresAt: MoreThan(now) },
    });
    return new Set(live.map(({ id }) => id));
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

  /**
   * Notes that the provider of a session is asked now, unless it was asked since `before` or there is nothing to ask by. Of any
   * number of callers at once, one is answered.
   */
  async claimProviderCheck(
    sessionId: string,
    { now, before }: { readonly now: Date; readonly before: Date },
  ): Promise<Pick<Session, 'id' | 'providerIssuer' | 'providerTokens'> | undefined> {
    // Of an UPDATE, TypeORM answers rows and their number.
    const [rows] = await this.sessions.query<
      [Pick<Session, 'id' | 'providerIssuer' | 'providerTokens'>[], number]
    >(
      `UPDATE sessions SET provider_checked_at = $2
        WHERE id = $1 AND revoked_at IS NULL AND provider_tokens IS NOT NULL AND provider_checked_at <= $3
        RETURNING id, provider_issuer AS "providerIssuer", provider_tokens AS "providerTokens"`,
      [sessionId, now, before],
    );
    return rows[0];
  }

  async keepProviderTokens(sessionId: string, providerTokens: Buffer): Promise<void> {
    await this.sessions.update({ id: sessionId, revokedAt: IsNull() }, { providerTokens });
  }

  /**
   * Ends sessions, each once: the first reason stays. Answers those that it ended, as they were: what they kept of their
   * provider goes.
   */
  async revoke(
    which: SessionSelection,
    { at, reason }: { readonly at: Date; readonly reason: string },
    db: EntityManager,
  ): Promise<Session[]> {
    const { ids, except, owner, liveAt, provider } = which;
    const live = await db.find(Session, {
      where: {
        ...(ids === undefined ? {} : { id: In(ids) }),
        ...(except === undefined ? {} : { id: Not(except) }),
        ...(owner === undefined ? {} : ownerOf(owner)),
        ...(liveAt === undefined ? {} : { idleExpiresAt: MoreThan(liveAt), expiresAt: MoreThan(liveAt) }),
        ...(provider === undefined ? {} : conditionsOf(provider)),
        revokedAt: IsNull(),
      },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
    if (live.length > 0) {
      await db.update(
        Session,
        { id: In(live.map(({ id }) => id)) },
        { revokedAt: at, revokedReason: reason, providerTokens: null },
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

function conditionsOf({
  providerIssuer,
  providerSessionId,
}: NonNullable<SessionConditions['provider']>): FindOptionsWhere<Session> {
  if (providerSessionId === undefined) return { providerIssuer };
  return { providerIssuer, providerSessionId: providerSessionId ?? IsNull() };
}
