import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateConnections1795305601000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE connections (
        id uuid CONSTRAINT pk_connections PRIMARY KEY,
        tenant_id uuid NOT NULL
          CONSTRAINT fk_connections_tenant REFERENCES tenants (id) ON DELETE CASCADE,
        version integer NOT NULL,
        kind varchar(40) NOT NULL,
        name varchar(100) NOT NULL,
        base_url varchar(2000) NOT NULL,
        credential_id uuid
          CONSTRAINT fk_connections_credential REFERENCES sealed_secrets (id),
        credential_set_at timestamptz(3),
        headers_id uuid
          CONSTRAINT fk_connections_headers REFERENCES sealed_secrets (id),
        header_names text[] NOT NULL,
        shared_with_all boolean NOT NULL,
        enabled boolean NOT NULL,
        timeouts jsonb NOT NULL,
        personal_keys varchar(20) NOT NULL
          CONSTRAINT ck_connections_personal_keys CHECK (personal_keys IN ('none', 'allowed', 'required')),
        models text[],
        options jsonb NOT NULL,
        known_models jsonb,
        synced_at timestamptz(3),
        verified_at timestamptz(3),
        failure_code varchar(60),
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT uq_connections_name UNIQUE (tenant_id, name)
      )`);
    await db.query(`
      CREATE TABLE connection_tenants (
        connection_id uuid
          CONSTRAINT fk_connection_tenants_connection REFERENCES connections (id) ON DELETE CASCADE,
        tenant_id uuid
          CONSTRAINT fk_connection_tenants_tenant REFERENCES tenants (id) ON DELETE CASCADE,
        CONSTRAINT pk_connection_tenants PRIMARY KEY (connection_id, tenant_id)
      )`);
    await db.query('CREATE INDEX ix_connection_tenants_tenant ON connection_tenants (tenant_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE connection_tenants');
    await db.query('DROP TABLE connections');
  }
}
