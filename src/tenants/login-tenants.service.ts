import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../common/domain-error.js';
import { defaultTenantId } from './default-tenant.js';
import { TenantIdentitiesRepository, type Membership } from './tenant-identities.repository.js';

/** By what a person is found to belong to a tenant. */
export interface TenantEvidence {
  readonly issuer: string;
  /** Null when the claim that tells is absent; undefined when their provider has no such claim. */
  readonly tenantClaim: string | null | undefined;
}

/** Whose people are whose: by the issuer of their identity, or by a claim (identity.md, Roles, groups, tenants). */
@Injectable()
export class LoginTenants {
  constructor(private readonly identities: TenantIdentitiesRepository) {}

  /**
   * Where somebody belongs who logs in: by issuer and claim, else by issuer, else in the default tenant, unless there is a claim
   * that tells and it tells of nobody we know.
   * @throws DomainError TENANT_UNKNOWN, TENANT_SUSPENDED
   */
  async resolve(evidence: TenantEvidence, db: EntityManager): Promise<string> {
    const tenant = await this.find(evidence, db);
    if (tenant === undefined) throw new DomainError('TENANT_UNKNOWN');
    return refuseSuspended(tenant).id;
  }

  /** @throws DomainError TENANT_SUSPENDED */
  async requireActive(tenantId: string, db: EntityManager): Promise<void> {
    refuseSuspended(await this.identities.get(tenantId, db));
  }

  /** Where somebody belongs, suspended or not; undefined when that is unknown. */
  async find({ issuer, tenantClaim }: TenantEvidence, db: EntityManager): Promise<Membership | undefined> {
    const found = await this.identities.find(issuer, tenantClaim ?? undefined, db);
    if (found !== undefined || tenantClaim !== undefined) return found;
    return this.identities.get(defaultTenantId, db);
  }
}

function refuseSuspended(tenant: Membership): Membership {
  if (tenant.status === 'suspended') throw new DomainError('TENANT_SUSPENDED');
  return tenant;
}
