import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSealedSecrets1795305600000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE sealed_secrets (
        id uuid CONSTRAINT pk_sealed_secrets PRIMARY KEY,
        tenant_id uuid NOT NULL
          CONSTRAINT fk_sealed_secrets_tenant REFERENCES tenants (id) ON DELETE CASCADE,
        key_id varchar(500) NOT NULL,
        wrapped_key bytea NOT NULL,
        sealed bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        rewrapped_at timestamptz(3)
      )`);
    await db.query('CREATE INDEX ix_sealed_secrets_key ON sealed_secrets (key_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE sealed_secrets');
  }
}
