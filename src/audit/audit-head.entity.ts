import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** The last row of a tenant's chain. Its lock makes writers of the same tenant queue. */
@Entity('audit_heads')
export class AuditHead {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_audit_heads' })
  @ForeignKey('tenants', { name: 'fk_audit_heads_tenant' })
  tenantId!: string;

  @Column('bigint')
  seq!: string;

  @Column('bytea')
  hash!: Buffer;
}
