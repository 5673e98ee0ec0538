import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { toWireId } from '../../common/ids.js';
import { RateLimits } from '../../rate-limits/rate-limits.js';
import { defaultTenantId } from '../../tenants/default-tenant.js';
import { LocalPeople } from '../../users/local-people.service.js';
import type { Person } from '../sessions/sessions.repository.js';
import type { LoginProof } from '../sessions/sessions.service.js';
import { LocalAccountsRepository, type AccountHolder } from './local-accounts.repository.js';
import { Passwords } from './passwords.js';
import { usernameKey } from './usernames.js';

/** Somebody who knew the password. */
interface ProvenPerson {
  readonly person: Person;
  readonly proof: LoginProof;
}

/**
 * Login by password. Whether there is an account, and what is wrong with it, shows neither in the answer nor in the work that is
 * done, until the password was right (security.md, enumeration).
 */
@Injectable()
export class LocalLogin {
  constructor(
    private readonly accounts: LocalAccountsRepository,
    private readonly passwords: Passwords,
    private readonly people: LocalPeople,
    private readonly limits: RateLimits,
    private readonly audit: AuditService,
  ) {}

  /** @throws DomainError RATE_LIMITED, LOGIN_BUSY, LOGIN_FAILED, USER_SUSPENDED, TENANT_SUSPENDED */
  async prove(username: string, password: string): Promise<ProvenPerson> {
    const key = usernameKey(username);
    await this.countAttempt(key);
    const holder = await this.accounts.findHolder(key);
    const isRight = await this.passwords.matches(holder?.passwordHash, password);
    if (holder === undefined || !isRight || holder.kind !== 'person') {
      throw await this.refused(holder, 'LOGIN_FAILED');
    }
    if (holder.status === 'suspended') throw await this.refused(holder, 'USER_SUSPENDED');
    if (holder.tenantStatus === 'suspended') throw await this.refused(holder, 'TENANT_SUSPENDED');
    const passwordHash = await this.renewed(holder, password);
    const { tenantId, userId, role } = holder;
    return {
      person: { tenantId, userId, username: holder.username, role },
      proof: {
        method: 'local',
        confirm: async (db) => {
          if (!(await this.accounts.isCurrent(holder, passwordHash, db)))
            throw new DomainError('LOGIN_FAILED');
          await this.people.noteLogin(holder, db);
        },
      },
    };
  }

  /**
   * For everybody who guesses at one account, wherever they come from. Counted under a hash: people type passwords where the
   * username belongs.
   * @throws DomainError RATE_LIMITED
   */
  countAttempt(key: string): Promise<void> {
    return this.limits.consume('loginPerAccount', createHash('sha256').update(key).digest('base64url'));
  }

  /** Records the failure, and never what was typed. */
  private async refused(holder: AccountHolder | undefined, code: ErrorCode): Promise<DomainError> {
    await this.audit.record({
      tenantId: holder?.tenantId ?? defaultTenantId,
      actor: { kind: 'anonymous' },
      action: 'login.failed',
      outcome: 'failure',
      ...(holder === undefined ? {} : { target: { kind: 'user', id: toWireId('user', holder.userId) } }),
      details: { method: 'local', code },
    });
    return new DomainError(code);
  }

  /** The hash, made anew when it was made at another cost. */
  private async renewed(holder: AccountHolder, password: string): Promise<string> {
    const { passwordHash } = holder;
    if (!this.passwords.isOutdated(passwordHash)) return passwordHash;
    const renewed = await this.passwords.hash(password);
    if (await this.accounts.update(holder, { passwordHash: renewed, replacing: passwordHash }))
      return renewed;
    // Somebody changed the password meanwhile, or made the hash anew as we did.
    const current = await this.accounts.find(holder);
    const isStillRight = await this.passwords.matches(current?.passwordHash, password);
    return current !== null && isStillRight ? current.passwordHash : passwordHash;
  }
}
