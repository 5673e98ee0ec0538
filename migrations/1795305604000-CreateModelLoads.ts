import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateModelLoads1795305604000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE model_loads (
        id uuid CONSTRAINT pk_model_loads PRIMARY KEY,
        connection_id varchar(100) NOT NULL,
        model varchar(500) NOT NULL,
        state varchar(10) NOT NULL,
        requested boolean NOT NULL,
        progress real,
        error_code varchar(30),
        attempts integer NOT NULL,
        started_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3)
      )`);
    await db.query(`
      CREATE UNIQUE INDEX uq_model_loads_loading ON model_loads (connection_id, model) WHERE state = 'loading'`);
    await db.query('CREATE INDEX ix_model_loads_model ON model_loads (connection_id, model, started_at)');
    await db.query('CREATE INDEX ix_model_loads_finished ON model_loads (finished_at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE model_loads');
  }
}
