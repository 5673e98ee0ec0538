import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose each load is: connections may be shared, what one tenant does is not told to another. */
export class AddTenantsToModelLoads1795305606000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`ALTER TABLE model_loads ADD tenant_ids uuid[] NOT NULL DEFAULT '{}'`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE model_loads DROP tenant_ids');
  }
}
