import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { actorOf, type Caller } from '../caller.js';
import { SessionEndings } from '../sessions/session-endings.service.js';
import type { LocalAccount } from './local-account.entity.js';
import { LocalAccountsRepository } from './local-accounts.repository.js';
import { LocalLogin } from './local-login.service.js';
import { refuseBadPassword } from './password-rules.js';
import { Passwords } from './passwords.js';

/** How passwords change. Whoever was logged in by the old one has to log in again. */
@Injectable()
export class LocalPasswords {
  constructor(
    private readonly accounts: LocalAccountsRepository,
    private readonly passwords: Passwords,
    private readonly logins: LocalLogin,
    private readonly endings: SessionEndings,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /**
   * A person changes their own, and keeps the session that they do it in.
   * @throws DomainError USER_NOT_FOUND when they have none, RATE_LIMITED, LOGIN_BUSY, PASSWORD_INCORRECT, PASSWORD_TOO_WEAK
   */
  async change(caller: Caller, currentPassword: string, newPassword: string): Promise<void> {
    const account = await this.get(caller);
    await this.logins.countAttempt(account.usernameKey);
    const { passwordHash } = account;
    if (!(await this.passwords.matches(passwordHash, currentPassword))) {
      await this.record(caller, caller, 'failure');
      throw new DomainError('PASSWORD_INCORRECT', { param: 'currentPassword' });
    }
    refuseBadPassword(newPassword, account.usernameKey, 'newPassword');
    const renewed = await this.passwords.hash(newPassword);
    const kept = caller.credential.kind === 'session' ? caller.credential.sessionId : undefined;
    await this.transactions.run(async (db) => {
      const change = { passwordHash: renewed, passwordChangedAt: this.clock.now() };
      const isChanged = await this.accounts.update(caller, { ...change, replacing: passwordHash }, db);
      // Another change came first: what was checked is no longer the password.
      if (!isChanged) throw new DomainError('PASSWORD_INCORRECT', { param: 'currentPassword' });
      await this.endings.endForNewPassword(caller, kept, actorOf(caller), db);
      await this.record(caller, caller, 'success', db);
    });
  }

  /**
   * An admin gives somebody of their tenant a new one.
   * @throws DomainError USER_NOT_FOUND when there is no such account in the tenant, PASSWORD_TOO_WEAK, LOGIN_BUSY
   */
  async set(caller: Caller, userId: string, password: string): Promise<void> {
    const owner = { tenantId: caller.tenantId, userId };
    const account = await this.get(owner);
    refuseBadPassword(password, account.usernameKey, 'password');
    const change = {
      passwordHash: await this.passwords.hash(password),
      passwordChangedAt: this.clock.now(),
    };
    await this.transactions.run(async (db) => {
      if (!(await this.accounts.update(owner, change, db))) throw new DomainError('USER_NOT_FOUND');
      await this.endings.endForNewPassword(owner, undefined, actorOf(caller), db);
      await this.record(caller, owner, 'success', db);
    });
  }

  private async get(owner: Owner): Promise<LocalAccount> {
    const account = await this.accounts.find(owner);
    if (account === null) throw new DomainError('USER_NOT_FOUND');
    return account;
  }

  private async record(
    caller: Caller,
    { tenantId, userId }: Owner,
    outcome: 'success' | 'failure',
    db?: EntityManager,
  ): Promise<void> {
    const target = { kind: 'user', id: toWireId('user', userId) };
    const entry = {
      tenantId,
      actor: actorOf(caller),
      action: 'user.password_changed',
      target,
      outcome,
    } as const;
    await this.audit.record(entry, db);
  }
}
