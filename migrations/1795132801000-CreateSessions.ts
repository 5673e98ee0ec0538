import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSessions1795132801000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE login_transactions (
        state_hash bytea CONSTRAINT pk_login_transactions PRIMARY KEY,
        browser_hash bytea NOT NULL,
        code_verifier text NOT NULL,
        nonce text NOT NULL,
        return_to text NOT NULL,
        expires_at timestamptz(3) NOT NULL
      )`);
    await db.query('CREATE INDEX ix_login_transactions_expiry ON login_transactions (expires_at)');
    await db.query(`
      CREATE TABLE sessions (
        id uuid CONSTRAINT pk_sessions PRIMARY KEY,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        idle_expires_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        revoked_reason varchar(40),
        user_agent varchar(300),
        ip varchar(45),
        CONSTRAINT uq_sessions_tenant UNIQUE (tenant_id, id),
        CONSTRAINT fk_sessions_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_sessions_user ON sessions (tenant_id, user_id)');
    await db.query('CREATE INDEX ix_sessions_expiry ON sessions (expires_at)');
    await db.query(`
      CREATE TABLE refresh_tokens (
        token_hash bytea CONSTRAINT pk_refresh_tokens PRIMARY KEY,
        tenant_id uuid NOT NULL,
        session_id uuid NOT NULL,
        successor_salt bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        used_at timestamptz(3),
        CONSTRAINT fk_refresh_tokens_session FOREIGN KEY (tenant_id, session_id)
          REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_refresh_tokens_session ON refresh_tokens (session_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE refresh_tokens');
    await db.query('DROP TABLE sessions');
    await db.query('DROP TABLE login_transactions');
  }
}
