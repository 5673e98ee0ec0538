import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A tenant that may use a connection of another one. */
@Entity('connection_tenants')
@ForeignKey('connections', ['connectionId'], ['id'], {
  name: 'fk_connection_tenants_connection',
  onDelete: 'CASCADE',
})
@ForeignKey('tenants', ['tenantId'], ['id'], { name: 'fk_connection_tenants_tenant', onDelete: 'CASCADE' })
@Index('ix_connection_tenants_tenant', ['tenantId'])
export class ConnectionTenant {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_connection_tenants' })
  connectionId!: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_connection_tenants' })
  tenantId!: string;
}
