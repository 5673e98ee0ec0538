import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Passwords of accounts without an identity provider, and the one row that decides who sets the installation up. */
export class CreateLocalAccounts1795219203000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE local_accounts (
        user_id uuid CONSTRAINT pk_local_accounts PRIMARY KEY,
        tenant_id uuid NOT NULL,
        username_key varchar(200) NOT NULL CONSTRAINT uq_local_accounts_username UNIQUE,
        password_hash text NOT NULL,
        password_changed_at timestamptz(3) NOT NULL,
        CONSTRAINT fk_local_accounts_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query(`
      CREATE TABLE installation (
        id integer CONSTRAINT pk_installation PRIMARY KEY CONSTRAINT ck_installation_single CHECK (id = 1),
        setup_salt uuid NOT NULL,
        setup_completed_at timestamptz(3)
      )`);
    // An installation that already has an admin was set up by its identity provider.
    await db.query(`
      INSERT INTO installation (id, setup_salt, setup_completed_at)
      SELECT 1, gen_random_uuid(), (SELECT min(created_at) FROM users WHERE role = 'admin')`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE installation');
    await db.query('DROP TABLE local_accounts');
  }
}
