import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where imported threads came from: the same conversation is there once for each owner, until its thread is deleted. */
export class CreateImportedThreads1795305612000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE imported_threads (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        source varchar(20) NOT NULL,
        source_id varchar(200) NOT NULL,
        thread_id uuid NOT NULL,
        content_hash bytea NOT NULL,
        CONSTRAINT pk_imported_threads PRIMARY KEY (tenant_id, user_id, source, source_id),
        CONSTRAINT uq_imported_threads_thread UNIQUE (tenant_id, user_id, thread_id),
        CONSTRAINT fk_imported_threads_thread FOREIGN KEY (tenant_id, user_id, thread_id)
          REFERENCES threads (tenant_id, user_id, id) ON DELETE CASCADE
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE imported_threads');
  }
}
