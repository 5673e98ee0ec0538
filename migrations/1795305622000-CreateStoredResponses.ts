import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Responses of /v1/responses, which programs may ask for again and continue from. */
export class CreateStoredResponses1795305622000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE stored_responses (
        id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        previous_id uuid,
        chain_length integer NOT NULL,
        chain_bytes integer NOT NULL,
        model_id varchar(200) NOT NULL,
        background boolean NOT NULL,
        status varchar(20) NOT NULL,
        replica_id uuid,
        response text NOT NULL,
        input text NOT NULL,
        output text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_stored_responses PRIMARY KEY (id),
        CONSTRAINT fk_stored_responses_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_stored_responses_status
          CHECK (status IN ('in_progress', 'completed', 'incomplete', 'failed', 'cancelled'))
      )`);
    await db.query('CREATE INDEX ix_stored_responses_user ON stored_responses (tenant_id, user_id)');
    await db.query('CREATE INDEX ix_stored_responses_created ON stored_responses (created_at)');
    await db.query(`
      CREATE INDEX ix_stored_responses_under_way ON stored_responses (tenant_id, user_id)
      WHERE status = 'in_progress'`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE stored_responses');
  }
}
