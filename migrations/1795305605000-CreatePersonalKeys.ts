import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatePersonalKeys1795305605000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE personal_keys (
        id uuid CONSTRAINT pk_personal_keys PRIMARY KEY,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        connection_id varchar(100) NOT NULL,
        provider varchar(100) NOT NULL,
        base_url varchar(2000) NOT NULL,
        secret_id uuid NOT NULL
          CONSTRAINT fk_personal_keys_secret REFERENCES sealed_secrets (id),
        created_at timestamptz(3) NOT NULL,
        last_used_at timestamptz(3),
        CONSTRAINT uq_personal_keys_connection UNIQUE (tenant_id, user_id, connection_id),
        CONSTRAINT fk_personal_keys_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE personal_keys');
  }
}
