import { expect } from '@jest/globals';
import { json, type Script } from '../../bench/upstream/scripts.js';
import type { ConnectionDto } from '../../src/models/connections/dto/connection.dto.js';
import type { Parley, Person } from './parley.js';

let made = 0;

/** A connection that was stored, to an OpenAI-compatible server unless the fields say otherwise. */
export async function createConnection(
  admin: Person,
  fields: Readonly<Record<string, unknown>>,
): Promise<ConnectionDto> {
  made++;
  const body = { kind: 'openai-compatible', name: `Connection ${made}`, ...fields };
  const { status, data } = await admin.ask<ConnectionDto>('POST', '/api/providers', body);
  expect(status).toBe(201);
  return data;
}

/** A vendor's list of models, as OpenAI writes it. */
export function listsModels(...ids: readonly string[]): Script {
  const data = ids.map((id) => ({ id, object: 'model', created: 1_795_132_800, owned_by: 'scripted' }));
  return json({ object: 'list', data });
}

/** A vendor's refusal, as OpenAI writes it. */
export function refuses(status: number, message = 'no'): Script {
  return json({ error: { message, type: 'refused', code: null } }, { status });
}

/** Every row of every table, as text. */
export async function everythingStored({ first: { database } }: Parley): Promise<string> {
  const tables = await database.query<{ name: string }[]>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      database.query<{ row: string }[]>(`SELECT to_jsonb(row)::text AS row FROM "${name}" row`),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}
