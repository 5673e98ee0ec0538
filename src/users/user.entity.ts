import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import type { Role } from '../common/owner.js';

export type UserStatus = 'active' | 'suspended';

/** A service account is a user that nobody logs in as: programs act for it by API token. */
export type UserKind = 'person' | 'service';

/** A person, known by (issuer, subject). Email is for display and never identifies (identity.md). */
@Entity('users')
@Unique('uq_users_identity', ['issuer', 'subject'])
@Unique('uq_users_tenant', ['tenantId', 'id'])
@Index('ix_users_username', ['tenantId', 'username', 'id'])
@Check('ck_users_kind', `kind IN ('person', 'service')`)
@Check('ck_users_role', `role IN ('admin', 'power_user', 'user', 'guest')`)
@Check('ck_users_status', `status IN ('active', 'suspended')`)
export class User {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_users' })
  id!: string;

  @Column('uuid')
  @ForeignKey('tenants', { name: 'fk_users_tenant' })
  tenantId!: string;

  @Column('text')
  issuer!: string;

  @Column('text')
  subject!: string;

  @Column('varchar', { length: 200 })
  username!: string;

  @Column('varchar', { length: 200, nullable: true })
  displayName!: string | null;

  @Column('varchar', { length: 320, nullable: true })
  email!: string | null;

  @Column('varchar', { length: 20 })
  role!: Role;

  @Column('varchar', { length: 20 })
  status!: UserStatus;

  @Column('timestamp with time zone', { precision: 3 })
  createdAt!: Date;

  @Column('timestamp with time zone', { precision: 3 })
  updatedAt!: Date;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  lastLoginAt!: Date | null;

  @Column('varchar', { length: 20, default: 'person' })
  kind!: UserKind;

  /** Tools beside the defaults of the tenant. */
  @Column('text', { array: true, default: [] })
  toolAllow!: string[];

  /** As the identity provider told last, in order; null when it never did. */
  @Column('text', { array: true, nullable: true })
  groups!: string[] | null;

  /** Tools that are denied whatever allows them. */
  @Column('text', { array: true, default: [] })
  toolDeny!: string[];
}
