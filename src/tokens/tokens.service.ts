import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { differences } from '../audit/differences.js';
import type { Caller } from '../auth/caller.js';
import { hashSecret } from '../auth/opaque-secret.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids, toWireId } from '../common/ids.js';
import { NumberedPage, type NumberedPageQuery } from '../common/numbered-page.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import type { ApiToken } from './api-token.entity.js';
import { ApiTokensRepository, type TokenReach } from './api-tokens.repository.js';
import { changed, columnsOf, fieldsOf, type TokenChange, type TokenFields } from './token-fields.js';
import { hintOf, newToken } from './token-format.js';
import { TokenOwners, type OwnerChoice } from './token-owners.service.js';
import { TokenRecords } from './token-records.service.js';
import { TokenRules } from './token-rules.service.js';

/** A token and its secret, which is told this once and kept nowhere. */
export interface IssuedToken {
  readonly token: ApiToken;
  readonly secret: string;
}

export interface Rotation {
  /** How long the old token lives on beside the new one. */
  readonly overlapSeconds: number;
  /** Of the new one; undefined for that of the old. */
  readonly expiresAt?: Date | undefined;
}

/** Which tokens to list, of those that the caller may see. */
export interface TokenQuery extends NumberedPageQuery {
  readonly ownerId?: string | undefined;
}

/** API tokens as people manage them (identity.md, API tokens). Admins see all of their tenant, others their own. */
@Injectable()
export class TokensService {
  constructor(
    private readonly tokens: ApiTokensRepository,
    private readonly owners: TokenOwners,
    private readonly rules: TokenRules,
    private readonly transactions: Transactions,
    private readonly records: TokenRecords,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Looking at those of others is on record, as it is for `get`. */
  async list(caller: Caller, query: TokenQuery): Promise<NumberedPage<ApiToken>> {
    const [tokens, count] = await this.tokens.list(reachOf(caller), query.ownerId, query);
    await this.records.addListed(caller, query.ownerId);
    return new NumberedPage(tokens, query, count);
  }

  /** @throws DomainError TOKEN_NOT_FOUND */
  async get(caller: Caller, id: string): Promise<ApiToken> {
    const token = found(await this.tokens.find(reachOf(caller), id));
    await this.records.addRead(caller, token);
    return token;
  }

  /**
   * @throws DomainError TOKEN_LIFETIME_INVALID, SCOPE_EXCEEDS_RIGHTS, VALIDATION_FAILED, FORBIDDEN, USER_NOT_FOUND,
   *   SERVICE_ACCOUNT_EXISTS
   */
  issue(caller: Caller, fields: TokenFields, choice: OwnerChoice): Promise<IssuedToken> {
    const now = this.clock.now();
    this.rules.refuseLifetime(now, fields.expiresAt);
    return this.transactions.run(async (db) => {
      const owner = await this.owners.choose(caller, choice, db);
      this.rules.refuseExcess(fields.scopes, owner.role, caller);
      const parties = { tenantId: caller.tenantId, ownerId: owner.id, createdBy: caller.userId };
      const issued = this.make(parties, fields, now);
      await this.tokens.insert(issued.token, db);
      const ownerId = toWireId('user', owner.id);
      await this.records.add(
        caller,
        issued.token,
        'token.issued',
        { ownerId, ...fieldsOf(issued.token) },
        db,
      );
      return issued;
    });
  }

  /**
   * For admins and whoever made the token. Takes effect on every replica within a second.
   * @throws DomainError TOKEN_NOT_FOUND, TOKEN_NOT_ACTIVE, FORBIDDEN, TOKEN_LIFETIME_INVALID, SCOPE_EXCEEDS_RIGHTS
   */
  change(caller: Caller, id: string, change: TokenChange): Promise<ApiToken> {
    return this.transactions.run(async (db) => {
      const token = await this.lockActive(caller, id, db);
      this.rules.refuseMereOwner(caller, token);
      const { expiresAt, scopes } = change;
      if (expiresAt !== undefined) this.rules.refuseLifetime(token.createdAt, expiresAt);
      if (scopes !== undefined) this.rules.refuseExcess(scopes, await this.owners.roleOf(token), caller);
      const before = fieldsOf(token);
      const columns = columnsOf(changed(before, change));
      const after = Object.assign(token, columns);
      const news = differences({ ...before }, { ...fieldsOf(after) });
      if (news === undefined) return after;
      await this.tokens.update(caller.tenantId, id, columns, db);
      await this.records.add(caller, after, 'token.changed', { ...news }, db);
      return after;
    });
  }

  /**
   * Makes a successor with the same fields and lets the old token live on for the overlap, at most until it would have ended.
   * Another end is for those who may change the token.
   * @throws DomainError TOKEN_NOT_FOUND, TOKEN_NOT_ACTIVE also when it was rotated before, FORBIDDEN, TOKEN_LIFETIME_INVALID
   */
  rotate(caller: Caller, id: string, { overlapSeconds, expiresAt }: Rotation): Promise<IssuedToken> {
    return this.transactions.run(async (db) => {
      const old = await this.lockActive(caller, id, db);
      const now = this.clock.now();
      if (expiresAt !== undefined) {
        this.rules.refuseMereOwner(caller, old);
        this.rules.refuseLifetime(now, expiresAt);
      }
      // Still theirs who made the first: to rotate it must not be a way to change it.
      const successor = this.make(old, changed(fieldsOf(old), { expiresAt }), now);
      await this.tokens.insert(successor.token, db);
      const end = Math.min(old.expiresAt.getTime(), now.getTime() + overlapSeconds * 1000);
      const change = { successorId: successor.token.id, expiresAt: new Date(end) };
      await this.tokens.update(caller.tenantId, id, change, db);
      const successorId = toWireId('token', successor.token.id);
      const details = {
        successorId,
        expiresAt: change.expiresAt,
        successorExpiresAt: successor.token.expiresAt,
      };
      await this.records.add(caller, old, 'token.rotated', details, db);
      return successor;
    });
  }

  /**
   * Ends a token for good, on every replica within a second. Its row stays. To revoke once more changes nothing, so that whoever
   * got no answer may ask again.
   * @throws DomainError TOKEN_NOT_FOUND
   */
  revoke(caller: Caller, id: string): Promise<ApiToken> {
    return this.transactions.run(async (db) => {
      const token = found(await this.tokens.findForUpdate(reachOf(caller), id, db));
      if (token.revokedAt !== null) return token;
      const change = { revokedAt: this.clock.now() };
      await this.tokens.update(caller.tenantId, id, change, db);
      await this.records.add(caller, token, 'token.revoked', {}, db);
      return Object.assign(token, change);
    });
  }

  /** Nobody else changes the token until the transaction ends. */
  private async lockActive(caller: Caller, id: string, db: EntityManager): Promise<ApiToken> {
    const token = found(await this.tokens.findForUpdate(reachOf(caller), id, db));
    this.rules.refuseEnded(token);
    return token;
  }

  private make(
    of: Pick<ApiToken, 'tenantId' | 'ownerId' | 'createdBy'> & Partial<Pick<ApiToken, 'budgetId'>>,
    fields: TokenFields,
    createdAt: Date,
  ): IssuedToken {
    const secret = newToken();
    const id = this.ids.next();
    const { tenantId, ownerId, createdBy, budgetId = id } = of;
    const token: ApiToken = {
      id,
      tenantId,
      ownerId,
      budgetId,
      ...columnsOf(fields),
      tokenHash: hashSecret(secret),
      hint: hintOf(secret),
      createdBy,
      createdAt,
      revokedAt: null,
      successorId: null,
      lastUsedAt: null,
      lastUsedIp: null,
    };
    return { token, secret };
  }
}

function reachOf({ tenantId, userId, role }: Caller): TokenReach {
  return role === 'admin' ? { tenantId } : { tenantId, ownerId: userId };
}

function found(token: ApiToken | null): ApiToken {
  if (token === null) throw new DomainError('TOKEN_NOT_FOUND');
  return token;
}
