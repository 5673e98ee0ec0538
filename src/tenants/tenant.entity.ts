import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** The tenant that everyone belongs to until issuers or claims say otherwise; made by the first migration. */
export const defaultTenantId = '019a0000-0000-7000-8000-000000000000';

@Entity('tenants')
@Unique('uq_tenants_slug', ['slug'])
export class Tenant {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_tenants' })
  id!: string;

  @Column('varchar', { length: 63 })
  slug!: string;

  @Column('varchar', { length: 200 })
  name!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;
}
