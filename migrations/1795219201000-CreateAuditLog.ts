import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows are only ever added. Roles that do not own the table get no other right; the triggers hold its owner to it, too. */
export class CreateAuditLog1795219201000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE audit_events (
        tenant_id uuid NOT NULL CONSTRAINT fk_audit_events_tenant REFERENCES tenants (id),
        seq bigint NOT NULL,
        at timestamptz(3) NOT NULL,
        actor_kind varchar(20) NOT NULL
          CONSTRAINT ck_audit_events_actor CHECK (actor_kind IN ('user', 'token', 'system', 'anonymous')),
        actor_user_id uuid,
        actor_token_id uuid,
        action varchar(60) NOT NULL,
        target_kind varchar(40),
        target_id varchar(200),
        outcome varchar(20) NOT NULL
          CONSTRAINT ck_audit_events_outcome CHECK (outcome IN ('success', 'failure')),
        request_id varchar(64),
        ip varchar(45),
        details jsonb NOT NULL,
        previous_hash bytea NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_events PRIMARY KEY (tenant_id, seq)
      )`);
    // One for each filter, in the order of the list (newest first), so that a page never reads more than it shows.
    await db.query('CREATE INDEX ix_audit_events_at ON audit_events (tenant_id, at, seq)');
    await db.query('CREATE INDEX ix_audit_events_actor ON audit_events (tenant_id, actor_user_id, at, seq)');
    await db.query(`
      CREATE INDEX ix_audit_events_token ON audit_events (tenant_id, actor_token_id, at, seq)
        WHERE actor_token_id IS NOT NULL`);
    await db.query('CREATE INDEX ix_audit_events_action ON audit_events (tenant_id, action, at, seq)');
    await db.query(
      'CREATE INDEX ix_audit_events_target_kind ON audit_events (tenant_id, target_kind, at, seq)',
    );
    await db.query(`
      CREATE INDEX ix_audit_events_target ON audit_events (tenant_id, target_id, at, seq)
        WHERE target_id IS NOT NULL`);
    await db.query(`
      CREATE INDEX ix_audit_events_failure ON audit_events (tenant_id, at, seq) WHERE outcome = 'failure'`);
    await db.query(`
      CREATE TABLE audit_heads (
        tenant_id uuid CONSTRAINT pk_audit_heads PRIMARY KEY
          CONSTRAINT fk_audit_heads_tenant REFERENCES tenants (id),
        seq bigint NOT NULL,
        hash bytea NOT NULL
      )`);
    await db.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
      END $$`);
    await db.query(`
      CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE audit_heads');
    await db.query('DROP TABLE audit_events');
    await db.query('DROP FUNCTION refuse_audit_change');
  }
}
