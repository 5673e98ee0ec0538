import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

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
