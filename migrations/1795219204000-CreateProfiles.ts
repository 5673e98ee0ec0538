import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What users choose for themselves, apart from what their identity provider says of them and says again at each login. */
export class CreateProfiles1795219204000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE profiles (
        user_id uuid CONSTRAINT pk_profiles PRIMARY KEY,
        tenant_id uuid NOT NULL,
        display_name varchar(200),
        locale varchar(100),
        time_zone varchar(100),
        system_prompt text,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT fk_profiles_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE profiles');
  }
}
