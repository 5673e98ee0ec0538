import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Up to which message a summary goes, until when somebody is making the next one, and where a title is from. What replicas of the
 * version before add counts as named by a person: they do not say.
 */
export class AddSummaryCoverage1795305611000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(
      'ALTER TABLE thread_models ADD summary_through_id uuid, ADD summarizing_until timestamptz(3)',
    );
    await db.query(`
      ALTER TABLE threads ADD title_source varchar(10) NOT NULL DEFAULT 'person'
        CONSTRAINT ck_threads_title_source CHECK (title_source IN ('default', 'generated', 'person'))`);
    await db.query(
      `UPDATE threads SET title_source = 'default' WHERE message_count = 0 AND title = 'New thread'`,
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE threads DROP title_source');
    await db.query('ALTER TABLE thread_models DROP summary_through_id, DROP summarizing_until');
  }
}
