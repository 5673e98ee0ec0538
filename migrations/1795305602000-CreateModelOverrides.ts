import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What admins say of models, and the groups of people, which decide together with their role which models they may use. */
export class CreateModelOverrides1795305602000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE model_overrides (
        tenant_id uuid NOT NULL
          CONSTRAINT fk_model_overrides_tenant REFERENCES tenants (id) ON DELETE CASCADE,
        model_id varchar(200) NOT NULL,
        fields jsonb NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_model_overrides PRIMARY KEY (tenant_id, model_id)
      )`);
    await db.query('ALTER TABLE users ADD groups text[]');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE users DROP groups');
    await db.query('DROP TABLE model_overrides');
  }
}
