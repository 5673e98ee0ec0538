import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tenants by issuer or claim, suspension, tool policy, and what a session remembers of its identity provider. New columns have
 * defaults or may be null, so that replicas of the version before can go on writing.
 */
export class ExtendTenantsUsersAndSessions1795219200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE tenants
        ADD COLUMN status varchar(20) NOT NULL DEFAULT 'active'
          CONSTRAINT ck_tenants_status CHECK (status IN ('active', 'suspended')),
        ADD COLUMN default_tools text[] NOT NULL DEFAULT '{}',
        ADD COLUMN updated_at timestamptz(3) NOT NULL DEFAULT now()`);
    await db.query(`
      CREATE TABLE tenant_identities (
        issuer text NOT NULL,
        claim_value text NOT NULL,
        tenant_id uuid NOT NULL CONSTRAINT fk_tenant_identities_tenant REFERENCES tenants (id) ON DELETE CASCADE,
        CONSTRAINT pk_tenant_identities PRIMARY KEY (issuer, claim_value)
      )`);
    await db.query('CREATE INDEX ix_tenant_identities_tenant ON tenant_identities (tenant_id)');
    await db.query(`
      ALTER TABLE users
        ADD COLUMN kind varchar(20) NOT NULL DEFAULT 'person'
          CONSTRAINT ck_users_kind CHECK (kind IN ('person', 'service')),
        ADD COLUMN tool_allow text[] NOT NULL DEFAULT '{}',
        ADD COLUMN tool_deny text[] NOT NULL DEFAULT '{}'`);
    await db.query('CREATE INDEX ix_users_username ON users (tenant_id, username, id)');
    await db.query('ALTER TABLE login_transactions ADD COLUMN issuer text');
    await db.query(`
      ALTER TABLE sessions
        ADD COLUMN authenticated_at timestamptz(3),
        ADD COLUMN last_seen_at timestamptz(3) NOT NULL DEFAULT now(),
        ADD COLUMN provider_issuer text,
        ADD COLUMN provider_session_id text,
        ADD COLUMN provider_tokens bytea,
        ADD COLUMN provider_checked_at timestamptz(3)`);
    await db.query('UPDATE sessions SET last_seen_at = created_at');
    await db.query('CREATE INDEX ix_sessions_provider ON sessions (provider_issuer, provider_session_id)');
    await db.query(`
      CREATE TABLE used_logout_tokens (
        token_hash bytea CONSTRAINT pk_used_logout_tokens PRIMARY KEY,
        expires_at timestamptz(3) NOT NULL
      )`);
    await db.query('CREATE INDEX ix_used_logout_tokens_expiry ON used_logout_tokens (expires_at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE used_logout_tokens');
    await db.query('DROP INDEX ix_sessions_provider');
    await db.query(`
      ALTER TABLE sessions
        DROP COLUMN provider_checked_at,
        DROP COLUMN provider_tokens,
        DROP COLUMN provider_session_id,
        DROP COLUMN provider_issuer,
        DROP COLUMN last_seen_at,
        DROP COLUMN authenticated_at`);
    await db.query('ALTER TABLE login_transactions DROP COLUMN issuer');
    await db.query('DROP INDEX ix_users_username');
    await db.query('ALTER TABLE users DROP COLUMN tool_deny, DROP COLUMN tool_allow, DROP COLUMN kind');
    await db.query('DROP TABLE tenant_identities');
    await db.query(
      'ALTER TABLE tenants DROP COLUMN updated_at, DROP COLUMN default_tools, DROP COLUMN status',
    );
  }
}
