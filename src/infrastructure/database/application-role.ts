import type { EntityManager } from 'typeorm';
import { ConfigurationError } from '../../config/configuration-error.js';

/** What the application may do to tables that are not simply its own. To all others it may do anything but redefine them. */
const restricted: Readonly<Record<string, string>> = {
  audit_events: 'SELECT, INSERT',
  audit_heads: 'SELECT, INSERT, UPDATE',
  migrations: 'SELECT',
};

/** Where pg-boss keeps its tables, made by migrations (docs/decisions/2026-11-21-jobs.md). */
export const jobsSchema = 'pgboss';

/**
 * Gives the application's role what serving needs, on what is there and on what later migrations make, and takes from it whatever
 * would let it change what was audited. For the transaction of the migrations; may be run again at any time.
 * @throws ConfigurationError when there is no such role, or no grant could hold it back
 */
export async function grantToApplication(db: EntityManager, role: string): Promise<void> {
  const [names] = await db.query<Record<'role' | 'database' | 'schema', string>[]>(
    `SELECT quote_ident(rolname) AS role, quote_ident(current_database()) AS database,
            quote_ident(current_schema()) AS schema
       FROM pg_roles WHERE rolname = $1`,
    [role],
  );
  if (names === undefined) throw refusal('a role that exists');
  const to = `TO ${names.role}`;
  for (const statement of [
    `GRANT CONNECT ON DATABASE ${names.database} ${to}`,
    ...[names.schema, jobsSchema].flatMap((schema) => [
      `GRANT USAGE ON SCHEMA ${schema} ${to}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} ${to}`,
      `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} ${to}`,
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES ${to}`,
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT USAGE, SELECT ON SEQUENCES ${to}`,
    ]),
    ...Object.entries(restricted).flatMap(([table, rights]) => [
      `REVOKE ALL ON ${names.schema}.${table} FROM PUBLIC, ${names.role}`,
      `GRANT ${rights} ON ${names.schema}.${table} ${to}`,
    ]),
  ]) {
    await db.query(statement);
  }
  await refuseMight(db, role);
}

/** Superusers, owners of table or schema, who may become one of them, and who has rights from elsewhere need no grant of ours. */
async function refuseMight(db: EntityManager, role: string): Promise<void> {
  const [found] = await db.query<{ isMighty: boolean }[]>(
    `SELECT has_table_privilege($1, events.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
            OR pg_has_role($1, events.relowner, 'MEMBER') OR pg_has_role($1, place.nspowner, 'MEMBER') AS "isMighty"
       FROM pg_class events JOIN pg_namespace place ON place.oid = events.relnamespace
      WHERE events.oid = to_regclass('audit_events')`,
    [role],
  );
  if (found?.isMighty !== false) {
    throw refusal(
      'a role that neither owns the schema nor may change audit_events, beside database.migrationUrl',
    );
  }
}

function refusal(expected: string): ConfigurationError {
  return new ConfigurationError([{ key: 'database.url', expected }]);
}
