import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every owned row carries tenant and user in its foreign key, so that a row cannot hang on another owner's. */
export class CreateThreadsAndMessages1795132802000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE threads (
        id uuid CONSTRAINT pk_threads PRIMARY KEY,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        title varchar(200) NOT NULL,
        archived boolean NOT NULL,
        message_count integer NOT NULL,
        last_message_preview varchar(200),
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT uq_threads_owner UNIQUE (tenant_id, user_id, id),
        CONSTRAINT fk_threads_user FOREIGN KEY (tenant_id, user_id)
          REFERENCES users (tenant_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_threads_updated ON threads (tenant_id, user_id, updated_at, id)');
    await db.query('CREATE INDEX ix_threads_created ON threads (tenant_id, user_id, created_at, id)');
    await db.query(`
      CREATE TABLE thread_models (
        thread_id uuid NOT NULL,
        model_id varchar(200) NOT NULL,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        message_count integer NOT NULL,
        last_message_at timestamptz(3) NOT NULL,
        current_leaf_id uuid NOT NULL,
        CONSTRAINT pk_thread_models PRIMARY KEY (thread_id, model_id),
        CONSTRAINT fk_thread_models_thread FOREIGN KEY (tenant_id, user_id, thread_id)
          REFERENCES threads (tenant_id, user_id, id) ON DELETE CASCADE
      )`);
    await db.query(`
      CREATE TABLE messages (
        id uuid CONSTRAINT pk_messages PRIMARY KEY,
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        model_id varchar(200) NOT NULL,
        parent_id uuid,
        role varchar(20) NOT NULL
          CONSTRAINT ck_messages_role CHECK (role IN ('user', 'assistant', 'system', 'tool')),
        status varchar(20) NOT NULL CONSTRAINT ck_messages_status CHECK
          (status IN ('pending', 'streaming', 'complete', 'interrupted', 'cancelled', 'error')),
        content text NOT NULL,
        parts jsonb NOT NULL,
        provider varchar(60),
        provider_model varchar(200),
        temperature double precision,
        input_tokens integer,
        output_tokens integer,
        cached_tokens integer,
        finish_reason varchar(40),
        provider_finish_reason varchar(100),
        time_to_first_token_ms integer,
        duration_ms integer,
        error_code varchar(60),
        replica_id uuid,
        cancel_requested boolean NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT uq_messages_owner UNIQUE (tenant_id, user_id, thread_id, id),
        CONSTRAINT fk_messages_thread FOREIGN KEY (tenant_id, user_id, thread_id)
          REFERENCES threads (tenant_id, user_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_messages_parent FOREIGN KEY (tenant_id, user_id, thread_id, parent_id)
          REFERENCES messages (tenant_id, user_id, thread_id, id) ON DELETE CASCADE
      )`);
    await db.query('CREATE INDEX ix_messages_thread ON messages (thread_id, id)');
    await db.query('CREATE INDEX ix_messages_thread_model ON messages (thread_id, model_id, id)');
    await db.query(`CREATE INDEX ix_messages_parent ON messages (parent_id)`);
    await db.query(`
      CREATE UNIQUE INDEX uq_messages_generating ON messages (thread_id, model_id)
      WHERE status IN ('pending', 'streaming')`);
    await db.query(`
      CREATE INDEX ix_messages_replica ON messages (replica_id) WHERE replica_id IS NOT NULL`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE messages');
    await db.query('DROP TABLE thread_models');
    await db.query('DROP TABLE threads');
  }
}
