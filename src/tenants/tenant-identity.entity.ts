import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Who belongs to a tenant: the people of an issuer, all of them or those with one value of the tenant claim. */
@Entity('tenant_identities')
@Index('ix_tenant_identities_tenant', ['tenantId'])
export class TenantIdentity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_tenant_identities' })
  issuer!: string;

  /** Empty for everybody of the issuer. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_tenant_identities' })
  claimValue!: string;

  @Column('uuid')
  @ForeignKey('tenants', { name: 'fk_tenant_identities_tenant', onDelete: 'CASCADE' })
  tenantId!: string;
}
