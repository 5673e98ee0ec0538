import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Names of people's and tenants' own for models. */
export class CreateModelAliases1795305603000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE model_aliases (
        id uuid CONSTRAINT pk_model_aliases PRIMARY KEY,
        tenant_id uuid NOT NULL CONSTRAINT fk_model_aliases_tenant REFERENCES tenants (id),
        owner_id uuid,
        name varchar(200) NOT NULL,
        kind varchar(20) NOT NULL CONSTRAINT ck_model_aliases_kind CHECK (kind IN ('alias', 'router')),
        title varchar(200),
        targets jsonb NOT NULL,
        parameters jsonb NOT NULL,
        system_prompt text,
        context_tokens integer,
        strategy varchar(20) NOT NULL
          CONSTRAINT ck_model_aliases_strategy CHECK (strategy IN ('ordered', 'weighted')),
        max_attempts integer,
        cooldown_ms integer NOT NULL,
        created_by uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT fk_model_aliases_owner FOREIGN KEY (tenant_id, owner_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query(
      'CREATE UNIQUE INDEX uq_model_aliases_personal ON model_aliases (tenant_id, owner_id, name)',
    );
    await db.query(
      'CREATE UNIQUE INDEX uq_model_aliases_tenant ON model_aliases (tenant_id, name) WHERE owner_id IS NULL',
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE model_aliases');
  }
}
