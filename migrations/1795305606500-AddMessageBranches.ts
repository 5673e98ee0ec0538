import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which messages are on the current branch of their model; what replicas of the version before add always is. ix_messages_thread
 * goes: uq_messages_owner serves everything that is asked of a thread by its owner.
 */
export class AddMessageBranches1795305606500 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE messages ADD on_current_branch boolean NOT NULL DEFAULT true');
    await db.query(`
      CREATE INDEX ix_messages_current ON messages (thread_id, id) WHERE on_current_branch`);
    await db.query(`
      CREATE INDEX ix_messages_current_model ON messages (thread_id, model_id, id) WHERE on_current_branch`);
    await db.query('DROP INDEX ix_messages_thread');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('CREATE INDEX ix_messages_thread ON messages (thread_id, id)');
    await db.query('DROP INDEX ix_messages_current');
    await db.query('DROP INDEX ix_messages_current_model');
    await db.query('ALTER TABLE messages DROP on_current_branch');
  }
}
