import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a client calls a conversation by, so that all that it says of it comes into one thread. */
export class AddClientIdsToThreads1795305613000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE threads ADD COLUMN client_id varchar(200)');
    await db.query(`
      CREATE UNIQUE INDEX uq_threads_client ON threads (tenant_id, user_id, client_id)
      WHERE client_id IS NOT NULL`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX uq_threads_client');
    await db.query('ALTER TABLE threads DROP COLUMN client_id');
  }
}
