import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateApiTokens1795219202000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE api_tokens (
        id uuid CONSTRAINT pk_api_tokens PRIMARY KEY,
        tenant_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        name varchar(100) NOT NULL,
        token_hash bytea NOT NULL CONSTRAINT uq_api_tokens_hash UNIQUE,
        hint varchar(8) NOT NULL,
        scopes text[] NOT NULL,
        models text[],
        allowed_networks text[] NOT NULL,
        requests_per_minute integer,
        monthly_token_budget bigint,
        monthly_cost_budget_micros bigint,
        created_by uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        successor_id uuid,
        last_used_at timestamptz(3),
        last_used_ip varchar(45),
        CONSTRAINT fk_api_tokens_owner FOREIGN KEY (tenant_id, owner_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_api_tokens_owner ON api_tokens (tenant_id, owner_id, id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE api_tokens');
  }
}
