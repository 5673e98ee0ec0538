import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { ownerOf, type Owner, type Role } from '../../common/owner.js';
import { LocalAccount } from './local-account.entity.js';

/** An account that somebody wants to log in to, with its person. */
export interface AccountHolder extends Owner {
  readonly passwordHash: string;
  readonly username: string;
  readonly role: Role;
  readonly kind: 'person' | 'service';
  readonly status: 'active' | 'suspended';
  readonly tenantStatus: 'active' | 'suspended';
}

@Injectable()
export class LocalAccountsRepository {
  constructor(@InjectRepository(LocalAccount) private readonly accounts: Repository<LocalAccount>) {}

  /** One query, so that the database takes as long for a name that nobody has; hence the join across rooms. */
  async findHolder(usernameKey: string): Promise<AccountHolder | undefined> {
    const rows = await this.accounts.query<AccountHolder[]>(
      `SELECT account.tenant_id AS "tenantId", account.user_id AS "userId", account.password_hash AS "passwordHash",
              person.username, person.role, person.kind, person.status, tenant.status AS "tenantStatus"
         FROM local_accounts account
         JOIN users person ON person.id = account.user_id AND person.tenant_id = account.tenant_id
         JOIN tenants tenant ON tenant.id = account.tenant_id
        WHERE account.username_key = $1`,
      [usernameKey],
    );
    return rows[0];
  }

  find(owner: Owner): Promise<LocalAccount | null> {
    return this.accounts.findOneBy(ownerOf(owner));
  }

  async insert(account: LocalAccount, db: EntityManager): Promise<void> {
    await db.insert(LocalAccount, account);
  }

  /**
   * Whether the password is still the one with this hash. Waits for a change that is being made, and makes later ones wait
   * until the transaction ends.
   */
  async isCurrent(owner: Owner, passwordHash: string, db: EntityManager): Promise<boolean> {
    const lock = { mode: 'pessimistic_read' } as const;
    const account = await db.findOne(LocalAccount, { where: ownerOf(owner), lock });
    return account?.passwordHash === passwordHash;
  }

  /**
   * @param change `replacing`: only while this is the hash
   * @returns whether there was an account to change
   */
  async update(
    owner: Owner,
    { replacing, ...change }: Partial<LocalAccount> & { readonly replacing?: string },
    db: EntityManager = this.accounts.manager,
  ): Promise<boolean> {
    const which = { ...ownerOf(owner), ...(replacing === undefined ? {} : { passwordHash: replacing }) };
    const { affected } = await db.update(LocalAccount, which, change);
    return affected === 1;
  }
}
