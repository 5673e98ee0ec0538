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
        message_id uuid NOT NULL
          CONSTRAINT fk_generation_journal_message REFERENCES messages (id) ON DELETE CASCADE,
        first_event integer NOT NULL,
        events jsonb NOT NULL,
        CONSTRAINT pk_generation_journal PRIMARY KEY (message_id, first_event)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE generation_journal');
    await db.query('DROP TABLE replicas');
  }
}
