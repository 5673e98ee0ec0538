import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was used, by whom, for how much; the calls under way, and what is set aside for them of budgets. */
export class CreateUsageRecords1795305620000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE api_tokens ADD COLUMN budget_id uuid');
    // Since budgets were never counted, a token that was rotated begins anew.
    await db.query('UPDATE api_tokens SET budget_id = id');
    await db.query('ALTER TABLE api_tokens ALTER COLUMN budget_id SET NOT NULL');
    await db.query(`
      CREATE TABLE usage_records (
        id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        token_id uuid,
        door varchar(30) NOT NULL,
        model_id varchar(200) NOT NULL,
        provider_model varchar(200),
        provider varchar(30),
        connection_id varchar(200),
        personal_key boolean NOT NULL,
        status varchar(20) NOT NULL,
        error_code varchar(60),
        input_tokens integer NOT NULL,
        output_tokens integer NOT NULL,
        cached_input_tokens integer NOT NULL,
        cache_write_tokens integer NOT NULL,
        reasoning_tokens integer NOT NULL,
        estimated boolean NOT NULL,
        cost_micros bigint,
        currency varchar(3),
        first_token_ms integer,
        duration_ms integer NOT NULL,
        created_at timestamptz(3) NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT pk_usage_records PRIMARY KEY (id),
        CONSTRAINT fk_usage_records_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_usage_records_status CHECK (status IN ('complete', 'interrupted', 'cancelled', 'error'))
      )`);
    await db.query('CREATE INDEX ix_usage_records_tenant ON usage_records (tenant_id, created_at)');
    await db.query('CREATE INDEX ix_usage_records_user ON usage_records (tenant_id, user_id, created_at)');
    await db.query('CREATE INDEX ix_usage_records_recorded ON usage_records (recorded_at)');
    await db.query(`
      CREATE TABLE usage_rollups (
        tenant_id uuid NOT NULL,
        hour timestamptz(3) NOT NULL,
        user_id uuid NOT NULL,
        token_id uuid NOT NULL,
        door varchar(30) NOT NULL,
        model_id varchar(200) NOT NULL,
        provider varchar(30) NOT NULL,
        currency varchar(3) NOT NULL,
        requests bigint NOT NULL,
        errors bigint NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        cached_input_tokens bigint NOT NULL,
        cache_write_tokens bigint NOT NULL,
        reasoning_tokens bigint NOT NULL,
        cost_micros bigint NOT NULL,
        first_token_counts bigint[] NOT NULL,
        duration_counts bigint[] NOT NULL,
        CONSTRAINT pk_usage_rollups
          PRIMARY KEY (tenant_id, hour, user_id, token_id, door, model_id, provider, currency),
        CONSTRAINT fk_usage_rollups_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_usage_rollups_user ON usage_rollups (tenant_id, user_id, hour)');
    await db.query(
      'CREATE TABLE usage_rollup_progress (id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1), rolled_until timestamptz NOT NULL)',
    );
    await db.query(`INSERT INTO usage_rollup_progress (rolled_until) VALUES ('-infinity')`);
    await db.query(`
      CREATE TABLE budget_spending (
        budget_id uuid NOT NULL,
        month date NOT NULL,
        tokens bigint NOT NULL,
        cost_micros bigint NOT NULL,
        reserved_tokens bigint NOT NULL,
        reserved_micros bigint NOT NULL,
        CONSTRAINT pk_budget_spending PRIMARY KEY (budget_id, month)
      )`);
    await db.query(`
      CREATE TABLE open_calls (
        id uuid NOT NULL,
        record jsonb NOT NULL,
        budget_id uuid,
        month date NOT NULL,
        reserved_tokens bigint NOT NULL,
        reserved_micros bigint NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_open_calls PRIMARY KEY (id)
      )`);
    await db.query('CREATE INDEX ix_open_calls_expires ON open_calls (expires_at)');
    await db.query('ALTER TABLE messages ADD COLUMN cost_micros bigint, ADD COLUMN currency varchar(3)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE messages DROP COLUMN currency, DROP COLUMN cost_micros');
    await db.query('DROP TABLE open_calls');
    await db.query('DROP TABLE budget_spending');
    await db.query('DROP TABLE usage_rollup_progress');
    await db.query('DROP TABLE usage_rollups');
    await db.query('DROP TABLE usage_records');
    await db.query('ALTER TABLE api_tokens DROP COLUMN budget_id');
  }
}
