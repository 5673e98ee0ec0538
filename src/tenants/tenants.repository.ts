import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type EntityManager, type Repository } from 'typeorm';
import type { NumberedPageQuery } from '../common/numbered-page.js';
import { TenantIdentity } from './tenant-identity.entity.js';
import { Tenant } from './tenant.entity.js';

/** Whose people belong to a tenant: everybody of the issuer when the value is empty. */
export type Belonging = Pick<TenantIdentity, 'issuer' | 'claimValue'>;

export interface TenantWithIdentities {
  readonly tenant: Tenant;
  readonly identities: readonly Belonging[];
}

/** Tenants as those who run the installation see them. */
@Injectable()
export class TenantsRepository {
  constructor(@InjectRepository(Tenant) private readonly tenants: Repository<Tenant>) {}

  /** By slug, and how many there are on all pages together. */
  async page({ page, pageSize }: NumberedPageQuery): Promise<readonly [TenantWithIdentities[], number]> {
    const [tenants, count] = await this.tenants.findAndCount({
      order: { slug: 'ASC' },
      skip: (page - 1) * pageSize,
      take: pageSize,
    });
    const identities = await this.identitiesOf(
      tenants.map(({ id }) => id),
      this.tenants.manager,
    );
    return [
      tenants.map((tenant) => ({
        tenant,
        identities: identities.filter(({ tenantId }) => tenantId === tenant.id),
      })),
      count,
    ];
  }

  async find(id: string): Promise<TenantWithIdentities | undefined> {
    const tenant = await this.tenants.findOneBy({ id });
    if (tenant === null) return undefined;
    return { tenant, identities: await this.identitiesOf([id], this.tenants.manager) };
  }

  /** Nobody else changes the tenant until the transaction ends; rows that refer to it may be inserted meanwhile. */
  async lock(id: string, db: EntityManager): Promise<TenantWithIdentities | undefined> {
    const tenant = await db.findOne(Tenant, { where: { id }, lock: { mode: 'for_no_key_update' } });
    if (tenant === null) return undefined;
    return { tenant, identities: await this.identitiesOf([id], db) };
  }

  async insert({ tenant, identities }: TenantWithIdentities, db: EntityManager): Promise<void> {
    await db.insert(Tenant, tenant);
    await this.insertIdentities(tenant.id, identities, db);
  }

  async update(id: string, change: Partial<Tenant>, db: EntityManager): Promise<void> {
    await db.update(Tenant, { id }, change);
  }

  async replaceIdentities(
    tenantId: string,
    identities: readonly Belonging[],
    db: EntityManager,
  ): Promise<void> {
    await db.delete(TenantIdentity, { tenantId });
    await this.insertIdentities(tenantId, identities, db);
  }

  private async insertIdentities(
    tenantId: string,
    identities: readonly Belonging[],
    db: EntityManager,
  ): Promise<void> {
    await db.insert(
      TenantIdentity,
      identities.map(({ issuer, claimValue }) => ({ tenantId, issuer, claimValue })),
    );
  }

  private identitiesOf(tenantIds: readonly string[], db: EntityManager): Promise<TenantIdentity[]> {
    return db.find(TenantIdentity, {
      where: { tenantId: In(tenantIds) },
      order: { issuer: 'ASC', claimValue: 'ASC' },
    });
  }
}
