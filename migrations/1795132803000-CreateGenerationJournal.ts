import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateGenerationJournal1795132803000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE replicas (
        id uuid CONSTRAINT pk_replicas PRIMARY KEY,
        started_at timestamptz(3) NOT NULL,
        heartbeat_at timestamptz(3) NOT NULL
      )`);
    await db.query(`
      CREATE TABLE generation_journal (
        message_id uuid NOT NULL,
        first_event integer NOT NULL,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        events jsonb NOT NULL,
        CONSTRAINT pk_generation_journal PRIMARY KEY (message_id, first_event),
        CONSTRAINT fk_generation_journal_message FOREIGN KEY (tenant_id, user_id, thread_id, message_id)
          REFERENCES messages (tenant_id, user_id, thread_id, id) ON DELETE CASCADE
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE generation_journal');
    await db.query('DROP TABLE replicas');
  }
}
