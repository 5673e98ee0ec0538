import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService, type Actor, type AuditEntry } from '../audit/audit.service.js';
import { differences } from '../audit/differences.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { Ids, toWireId } from '../common/ids.js';
import { NumberedPage, type NumberedPageQuery } from '../common/numbered-page.js';
import { violatesUnique } from '../infrastructure/database/database-errors.js';
import { Transactions } from '../infrastructure/database/transactions.js';
import { Notifications } from '../infrastructure/events/notifications.js';
import { defaultTenantId } from './default-tenant.js';
import type { Tenant } from './tenant.entity.js';
import { TenantsRepository, type Belonging, type TenantWithIdentities } from './tenants.repository.js';

export interface NewTenant extends Pick<Tenant, 'slug' | 'name' | 'defaultTools'> {
  readonly identities: readonly Belonging[];
}

/** What is left out stays as it is. */
export type TenantChange = Partial<NewTenant & Pick<Tenant, 'status'>>;

/**
 * Tenants, as the admins of the default tenant make and change them: whose people belong to them, and not the people themselves.
 * What they do is on the record of the default tenant.
 */
@Injectable()
export class TenantsAdministration {
  constructor(
    private readonly tenants: TenantsRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async list(query: NumberedPageQuery): Promise<NumberedPage<TenantWithIdentities>> {
    const [tenants, count] = await this.tenants.page(query);
    return new NumberedPage(tenants, query, count);
  }

  /** @throws DomainError TENANT_NOT_FOUND */
  async get(id: string): Promise<TenantWithIdentities> {
    const found = await this.tenants.find(id);
    if (found === undefined) throw new DomainError('TENANT_NOT_FOUND');
    return found;
  }

  /** @throws DomainError TENANT_SLUG_TAKEN, TENANT_IDENTITY_TAKEN */
  async create({ identities, ...columns }: NewTenant, actor: Actor): Promise<TenantWithIdentities> {
    const id = this.ids.next();
    const now = this.clock.now();
    const tenant: Tenant = { ...columns, id, status: 'active', createdAt: now, updatedAt: now };
    return this.writing(async (db) => {
      await this.tenants.insert({ tenant, identities }, db);
      const { slug, name } = columns;
      await this.record(id, actor, { action: 'tenant.created', details: { slug, name, identities } }, db);
      return { tenant, identities };
    });
  }

  /**
   * Takes effect on every replica within a second. Who belongs to the tenant already stays, whatever identities it has from now on.
   * @throws DomainError TENANT_NOT_FOUND, DEFAULT_TENANT_REQUIRED, TENANT_SLUG_TAKEN, TENANT_IDENTITY_TAKEN
   */
  async change(id: string, change: TenantChange, actor: Actor): Promise<TenantWithIdentities> {
    if (id === defaultTenantId && change.status === 'suspended') {
      throw new DomainError('DEFAULT_TENANT_REQUIRED', { param: 'status' });
    }
    await this.writing(async (db) => {
      const before = await this.tenants.lock(id, db);
      if (before === undefined) throw new DomainError('TENANT_NOT_FOUND');
      await this.write(before, change, actor, db);
    });
    return this.get(id);
  }

  private async write(
    { tenant, identities: had }: TenantWithIdentities,
    { identities, ...columns }: TenantChange,
    actor: Actor,
    db: EntityManager,
  ): Promise<void> {
    await this.tenants.update(tenant.id, { ...columns, updatedAt: this.clock.now() }, db);
    if (identities !== undefined) await this.tenants.replaceIdentities(tenant.id, identities, db);
    await this.notifications.announce('access', db);
    const { status, ...rest } = columns;
    const { slug, name, defaultTools } = tenant;
    const changed = differences(
      { slug, name, defaultTools, identities: plain(had) },
      { ...rest, identities: plain(identities) },
    );
    if (changed !== undefined) {
      await this.record(tenant.id, actor, { action: 'tenant.changed', details: changed }, db);
    }
    if (status === undefined || status === tenant.status) return;
    const action = status === 'suspended' ? 'tenant.suspended' : 'tenant.reactivated';
    await this.record(tenant.id, actor, { action }, db);
  }

  private record(
    id: string,
    actor: Actor,
    change: Pick<AuditEntry, 'action' | 'details'>,
    db: EntityManager,
  ): Promise<void> {
    const target = { kind: 'tenant', id: toWireId('tenant', id) };
    return this.audit.record({ tenantId: defaultTenantId, actor, target, ...change }, db);
  }

  private async writing<Result>(work: (db: EntityManager) => Promise<Result>): Promise<Result> {
    try {
      return await this.transactions.run(work);
    } catch (error) {
      if (violatesUnique(error, 'uq_tenants_slug')) {
        throw new DomainError('TENANT_SLUG_TAKEN', { param: 'slug' });
      }
      if (violatesUnique(error, 'pk_tenant_identities')) {
        throw new DomainError('TENANT_IDENTITY_TAKEN', { param: 'identities' });
      }
      throw error;
    }
  }
}

/** In one order, and without whose they are: to be compared and recorded. */
function plain(identities: readonly Belonging[] | undefined): Belonging[] | undefined {
  return identities
    ?.map(({ issuer, claimValue }) => ({ issuer, claimValue }))
    .sort((a, b) => (`${a.issuer} ${a.claimValue}` < `${b.issuer} ${b.claimValue}` ? -1 : 1));
}
