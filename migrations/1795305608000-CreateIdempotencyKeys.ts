import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a request with an Idempotency-Key began, and an index by which somebody's answers under way are counted. */
export class CreateIdempotencyKeys1795305608000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE idempotency_keys (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        route varchar(20) NOT NULL,
        key varchar(255) NOT NULL,
        fingerprint bytea NOT NULL,
        thread_id uuid NOT NULL,
        message_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (tenant_id, user_id, route, key),
        CONSTRAINT fk_idempotency_keys_message FOREIGN KEY (tenant_id, user_id, thread_id, message_id)
          REFERENCES messages (tenant_id, user_id, thread_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_idempotency_keys_message ON idempotency_keys (message_id)');
    await db.query('CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (created_at)');
    await db.query(`
      CREATE INDEX ix_messages_generating_of ON messages (tenant_id, user_id)
      WHERE status IN ('pending', 'streaming')`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX ix_messages_generating_of');
    await db.query('DROP TABLE idempotency_keys');
  }
}
