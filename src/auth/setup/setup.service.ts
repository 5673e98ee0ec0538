import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service.js';
import { DomainError } from '../../common/domain-error.js';
import { toWireId } from '../../common/ids.js';
import type { Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { defaultTenantId } from '../../tenants/default-tenant.js';
import { LocalPeople } from '../../users/local-people.service.js';
import type { Caller } from '../caller.js';
import { LocalAccountsService, type NewAccount } from '../local/local-accounts.service.js';
import type { Person } from '../sessions/sessions.repository.js';
import { SetupState } from './setup-state.service.js';

/** The account that the first admin is to have. */
type AdminAccount = Pick<NewAccount, 'username' | 'password' | 'displayName'>;

type MakeAdmin = (db: EntityManager) => Promise<Person>;

/** The first admin of an installation (identity.md, First run). Exactly one can win, however many try at once. */
@Injectable()
export class SetupService {
  constructor(
    private readonly state: SetupState,
    private readonly accounts: LocalAccountsService,
    private readonly people: LocalPeople,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly notifications: Notifications,
  ) {}

  /**
   * Makes the person of the session the admin.
   * @throws DomainError SETUP_TOKEN_INVALID, NOT_FOUND when another was faster, NOT_AUTHENTICATED, FORBIDDEN for whoever is no
   *   person of the default tenant in a session; then nothing is changed
   */
  async promote(token: string, caller: Caller | undefined): Promise<Person> {
    await this.refuseWrongToken(token);
    if (caller === undefined) throw new DomainError('NOT_AUTHENTICATED');
    const { tenantId, userId, username, credential } = caller;
    if (credential.kind !== 'session' || tenantId !== defaultTenantId) throw new DomainError('FORBIDDEN');
    return this.complete('session', async (db) => {
      if (!(await this.people.makeAdmin(caller, db))) throw new DomainError('FORBIDDEN');
      await this.notifications.announce('access', db);
      return { tenantId, userId, username, role: 'admin' };
    });
  }

  /**
   * Makes a local account for the admin.
   * @throws DomainError SETUP_TOKEN_INVALID, NOT_FOUND when another was faster, LOCAL_LOGIN_OFF, VALIDATION_FAILED,
   *   PASSWORD_TOO_WEAK, USERNAME_TAKEN, LOGIN_BUSY; then nothing is changed
   */
  async register(token: string, account: AdminAccount): Promise<Person> {
    await this.refuseWrongToken(token);
    return this.complete('account', await this.newAdmin(account));
  }

  /**
   * For whoever runs Parley: needs no token, and there may be an admin already. Ends the setup.
   * @throws DomainError LOCAL_LOGIN_OFF, VALIDATION_FAILED, PASSWORD_TOO_WEAK, USERNAME_TAKEN
   */
  async createAdmin(account: AdminAccount): Promise<Person> {
    const make = await this.newAdmin(account);
    return this.transactions.run(async (db) => {
      const isFirst = await this.state.claim(db);
      const admin = await make(db);
      await this.record('user.created', admin, { method: 'local', role: 'admin' }, db);
      if (isFirst) await this.record('setup.completed', admin, { by: 'command_line' }, db);
      return admin;
    });
  }

  private async newAdmin(account: AdminAccount): Promise<MakeAdmin> {
    const prepared = await this.accounts.prepare({ ...account, tenantId: defaultTenantId, role: 'admin' });
    return async (db) => {
      const { tenantId, id: userId, username, role } = await this.accounts.insert(prepared, db);
      return { tenantId, userId, username, role };
    };
  }

  private async complete(by: 'session' | 'account', make: MakeAdmin): Promise<Person> {
    const admin = await this.transactions.run(async (db) => {
      // Not thrown in here: that an admin came by other means has to be kept.
      if (!(await this.state.claim(db))) return undefined;
      const made = await make(db);
      await this.record('setup.completed', made, { by }, db);
      return made;
    });
    if (admin === undefined) throw new DomainError('NOT_FOUND');
    return admin;
  }

  private async refuseWrongToken(token: string): Promise<void> {
    if (await this.state.isToken(token)) return;
    await this.audit.record({ tenantId: defaultTenantId, action: 'setup.failed', outcome: 'failure' });
    throw new DomainError('SETUP_TOKEN_INVALID', { param: 'token' });
  }

  private record(
    action: 'setup.completed' | 'user.created',
    { tenantId, userId }: Owner,
    details: Readonly<Record<string, string>>,
    db: EntityManager,
  ): Promise<void> {
    const target = { kind: 'user', id: toWireId('user', userId) };
    return this.audit.record({ tenantId, action, target, details }, db);
  }
}
