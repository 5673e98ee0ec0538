import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Role } from '../../common/owner.js';
import { isLocalLoginOn } from '../../config/local-login.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { violatesUnique } from '../../infrastructure/database/database-errors.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import type { User } from '../../users/user.entity.js';
import { LocalPeople } from '../../users/local-people.service.js';
import { LocalAccountsRepository } from './local-accounts.repository.js';
import { refuseBadPassword } from './password-rules.js';
import { Passwords } from './passwords.js';
import { isUsername, longestUsername, usernameKey } from './usernames.js';

/** An account that somebody is to have. */
export interface NewAccount {
  readonly tenantId: string;
  readonly username: string;
  readonly password: string;
  readonly role: Role;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
}

/** The same without the password, ready to be stored. */
interface PreparedAccount extends Omit<NewAccount, 'password'> {
  readonly passwordHash: string;
}

/** Accounts of people who log in here and not at an identity provider (identity.md, Local login). */
@Injectable()
export class LocalAccountsService {
  constructor(
    private readonly accounts: LocalAccountsRepository,
    private readonly people: LocalPeople,
    private readonly passwords: Passwords,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError as `prepare` and `insert` do, and nothing is stored */
  async create(account: NewAccount): Promise<User> {
    const prepared = await this.prepare(account);
    return this.transactions.run(async (db) => {
      const user = await this.insert(prepared, db);
      await this.audit.record(
        {
          tenantId: user.tenantId,
          action: 'user.created',
          target: { kind: 'user', id: toWireId('user', user.id) },
          details: { method: 'local', role: user.role },
        },
        db,
      );
      return user;
    });
  }

  /**
   * Everything that takes time, before a transaction.
   * @throws DomainError LOCAL_LOGIN_OFF, VALIDATION_FAILED, PASSWORD_TOO_WEAK, LOGIN_BUSY
   */
  async prepare({ password, ...account }: NewAccount): Promise<PreparedAccount> {
    if (!isLocalLoginOn(this.config)) throw new DomainError('LOCAL_LOGIN_OFF');
    if (!isUsername(account.username)) {
      throw new DomainError('VALIDATION_FAILED', {
        param: 'username',
        message: `A username has 1 to ${longestUsername} visible characters.`,
      });
    }
    refuseBadPassword(password, account.username, 'password');
    return { ...account, passwordHash: await this.passwords.hash(password) };
  }

  /**
   * Leaves it to the caller to record what for.
   * @throws DomainError USERNAME_TAKEN, and the transaction is over
   */
  async insert(
    { tenantId, username, passwordHash, role, displayName, email }: PreparedAccount,
    db: EntityManager,
  ): Promise<User> {
    const user = await this.people.create(
      {
        tenantId,
        username: username.normalize('NFKC'),
        displayName: displayName ?? null,
        email: email ?? null,
        role,
      },
      db,
    );
    const account = {
      userId: user.id,
      tenantId,
      usernameKey: usernameKey(username),
      passwordHash,
      passwordChangedAt: this.clock.now(),
    };
    try {
      await this.accounts.insert(account, db);
    } catch (error) {
      if (!violatesUnique(error, 'uq_local_accounts_username')) throw error;
      throw new DomainError('USERNAME_TAKEN', { param: 'username' });
    }
    return user;
  }
}
