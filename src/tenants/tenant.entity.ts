import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

export type TenantStatus = 'active' | 'suspended';

@Entity('tenants')
@Unique('uq_tenants_slug', ['slug'])
@Check('ck_tenants_status', `status IN ('active', 'suspended')`)
export class Tenant {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_tenants' })
  id!: string;

  @Column('varchar', { length: 63 })
  slug!: string;

  @Column('varchar', { length: 200 })
  name!: string;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('varchar', { length: 20, default: 'active' })
  status!: TenantStatus;

  /** Tools that everybody in it may use unless denied (identity.md, Tool policy). */
  @Column('text', { array: true, default: [] })
  defaultTools!: string[];

  @Column('timestamp with time zone', { precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
