import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTenantsAndUsers1795132800000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE tenants (
        id uuid CONSTRAINT pk_tenants PRIMARY KEY,
        slug varchar(63) NOT NULL CONSTRAINT uq_tenants_slug UNIQUE,
        name varchar(200) NOT NULL,
        created_at timestamptz(3) NOT NULL
      )`);
    await db.query(`
      INSERT INTO tenants (id, slug, name, created_at)
      VALUES ('019a0000-0000-7000-8000-000000000000', 'default', 'Default', now())`);
    await db.query(`
      CREATE TABLE users (
        id uuid CONSTRAINT pk_users PRIMARY KEY,
        tenant_id uuid NOT NULL CONSTRAINT fk_users_tenant REFERENCES tenants (id),
        issuer text NOT NULL,
        subject text NOT NULL,
        username varchar(200) NOT NULL,
        display_name varchar(200),
        email varchar(320),
        role varchar(20) NOT NULL
          CONSTRAINT ck_users_role CHECK (role IN ('admin', 'power_user', 'user', 'guest')),
        status varchar(20) NOT NULL
          CONSTRAINT ck_users_status CHECK (status IN ('active', 'suspended')),
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        last_login_at timestamptz(3),
        CONSTRAINT uq_users_identity UNIQUE (issuer, subject),
        CONSTRAINT uq_users_tenant UNIQUE (tenant_id, id)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE users');
    await db.query('DROP TABLE tenants');
  }
}
