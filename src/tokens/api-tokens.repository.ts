import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, FindOptionsWhere, Repository } from 'typeorm';
import type { Role } from '../common/owner.js';
import type { NumberedPageQuery } from '../common/numbered-page.js';
import type { Scope } from '../auth/scopes.js';
import { ApiToken } from './api-token.entity.js';

/** Whose tokens somebody may see: their own, or all of the tenant when no owner is named. */
export interface TokenReach {
  readonly tenantId: string;
  readonly ownerId?: string;
}

/** A token with its owner and tenant, as all three are now. */
export interface TokenHolder {
  readonly tokenId: string;
  readonly isOwnersOwn: boolean;
  readonly tenantId: string;
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly status: 'active' | 'suspended';
  readonly tenantStatus: 'active' | 'suspended';
  readonly scopes: readonly Scope[];
  readonly models: readonly string[] | null;
  readonly allowedNetworks: readonly string[];
  readonly requestsPerMinute: number | null;
  readonly budgetId: string;
  /** A bigint. */
  readonly tokenBudget: string | null;
  /** A bigint. */
  readonly costBudgetMicros: string | null;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

/** That a token was used. */
export interface TokenUse {
  readonly tokenId: string;
  /** To the minute. */
  readonly at: Date;
  /** To /24 or /48; null when it is unknown. */
  readonly network: string | null;
}

/** A use as it was written. */
export interface WrittenUse {
  readonly tokenId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly network: string | null;
  /** The first of its day in UTC, on any replica. */
  readonly isFirstOfDay: boolean;
}

@Injectable()
export class ApiTokensRepository {
  constructor(@InjectRepository(ApiToken) private readonly tokens: Repository<ApiToken>) {}

  async insert(token: ApiToken, db: EntityManager): Promise<void> {
    await db.insert(ApiToken, token);
  }

  find(reach: TokenReach, id: string): Promise<ApiToken | null> {
    return this.tokens.findOneBy({ ...conditionOf(reach), id });
  }

  /** Waits for other changes of the token to end, and makes later ones wait for this one. */
  findForUpdate(reach: TokenReach, id: string, db: EntityManager): Promise<ApiToken | null> {
    return db.findOne(ApiToken, {
      where: { ...conditionOf(reach), id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** The newest first, and how many there are. */
  list(
    reach: TokenReach,
    ownerId: string | undefined,
    { page, pageSize }: NumberedPageQuery,
  ): Promise<[ApiToken[], number]> {
    // Both hold: the reach of a person and the owner that they ask for.
    const where = ownerId === undefined ? {} : { ownerId };
    if (ownerId !== undefined && reach.ownerId !== undefined && ownerId !== reach.ownerId) {
      return Promise.resolve([[], 0]);
    }
    return this.tokens.findAndCount({
      where: { ...conditionOf(reach), ...where },
      order: { id: 'DESC' },
      skip: (page - 1) * pageSize,
      take: pageSize,
    });
  }

  async update(tenantId: string, id: string, change: Partial<ApiToken>, db: EntityManager): Promise<void> {
    await db.update(ApiToken, { tenantId, id }, change);
  }

  /** By a unique index and two primary keys, hence the join across rooms: every request of a program asks this. */
  async findHolder(tokenHash: Buffer): Promise<TokenHolder | null> {
    const rows = await this.tokens.query<TokenHolder[]>(
      `SELECT token.id AS "tokenId", token.tenant_id AS "tenantId", token.owner_id AS "userId",
              token.created_by = token.owner_id AS "isOwnersOwn",
              person.username, person.role, person.status, tenant.status AS "tenantStatus",
              token.scopes, token.models, token.allowed_networks AS "allowedNetworks",
              token.requests_per_minute AS "requestsPerMinute", token.budget_id AS "budgetId",
              token.monthly_token_budget AS "tokenBudget", token.monthly_cost_budget_micros AS "costBudgetMicros",
              token.expires_at AS "expiresAt", token.revoked_at AS "revokedAt"
         FROM api_tokens token
         JOIN users person ON person.id = token.owner_id AND person.tenant_id = token.tenant_id
         JOIN tenants tenant ON tenant.id = token.tenant_id
        WHERE token.token_hash = $1`,
      [tokenHash],
    );
    return rows[0] ?? null;
  }

  /** Those of the tokens that are neither revoked nor expired, whose owner and tenant are active. */
  async goodAmong(ids: readonly string[], now: Date): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.tokens.query<{ id: string }[]>(
      `SELECT token.id FROM api_tokens token
         JOIN users person ON person.id = token.owner_id AND person.tenant_id = token.tenant_id
         JOIN tenants tenant ON tenant.id = token.tenant_id
        WHERE token.id = ANY($1) AND token.revoked_at IS NULL AND token.expires_at > $2
          AND person.status = 'active' AND tenant.status = 'active'`,
      [ids, now],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Writes down when and from where tokens were last used, each token once. What is older than what is known changes nothing. */
  async writeUses(uses: readonly TokenUse[], db: EntityManager): Promise<WrittenUse[]> {
    // Locked in order of id, so that replicas wait for each other and see what the other wrote.
    const [rows] = await db.query<[WrittenUse[], number]>(
      `WITH known AS (
         SELECT token.id, token.last_used_at, used.at, used.network
           FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS used (id, at, network)
           JOIN api_tokens token ON token.id = used.id
          ORDER BY token.id FOR UPDATE OF token
       )
       UPDATE api_tokens token SET last_used_at = known.at, last_used_ip = known.network
         FROM known
        WHERE token.id = known.id AND (known.last_used_at IS NULL OR known.last_used_at <= known.at)
       RETURNING token.id AS "tokenId", token.tenant_id AS "tenantId", token.owner_id AS "ownerId", known.network,
         known.last_used_at IS NULL
           OR date_trunc('day', known.last_used_at, 'UTC') < date_trunc('day', known.at, 'UTC') AS "isFirstOfDay"`,
      [uses.map(({ tokenId }) => tokenId), uses.map(({ at }) => at), uses.map(({ network }) => network)],
    );
    return rows;
  }
}

function conditionOf({ tenantId, ownerId }: TokenReach): FindOptionsWhere<ApiToken> {
  return ownerId === undefined ? { tenantId } : { tenantId, ownerId };
}
