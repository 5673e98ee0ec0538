import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Uses of personal keys are counted beside the keys, so that no count goes with its key, and a key takes its secret with it, however
 * it goes.
 */
export class CreatePersonalKeyUses1795305609000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE personal_key_uses (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        provider varchar(100) NOT NULL,
        day date NOT NULL,
        uses integer NOT NULL,
        CONSTRAINT pk_personal_key_uses PRIMARY KEY (tenant_id, user_id, provider, day),
        CONSTRAINT fk_personal_key_uses_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_personal_key_uses_day ON personal_key_uses (day)');
    await db.query('CREATE INDEX ix_personal_keys_secret ON personal_keys (secret_id)');
    await db.query('CREATE INDEX ix_personal_keys_connection ON personal_keys (connection_id)');
    await this.dropSecretsWithKeys(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TRIGGER tr_personal_keys_secret ON personal_keys');
    await db.query('DROP FUNCTION drop_personal_key_secret');
    await db.query('DROP INDEX ix_personal_keys_connection');
    await db.query('DROP INDEX ix_personal_keys_secret');
    await db.query('DROP TABLE personal_key_uses');
  }

  private async dropSecretsWithKeys(db: QueryRunner): Promise<void> {
    // Unless somebody tampered, no other row has the same secret; if one has, the secret stays.
    await db.query(`
      CREATE FUNCTION drop_personal_key_secret() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM sealed_secrets WHERE id = OLD.secret_id
           AND NOT EXISTS (SELECT FROM personal_keys WHERE secret_id = OLD.secret_id);
        RETURN NULL;
      END $$`);
    await db.query(`
      CREATE TRIGGER tr_personal_keys_secret AFTER DELETE ON personal_keys
        FOR EACH ROW EXECUTE FUNCTION drop_personal_key_secret()`);
  }
}
