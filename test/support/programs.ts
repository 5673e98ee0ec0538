import { expect } from '@jest/globals';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { createConnection } from './connections.js';
import { eventually, type Parley, type Person } from './parley.js';

/** Models of vendors whose words are none of the door's: what is asked of them is translated. */
export const translated = {
  anthropic: 'claude-opus-4-1',
  google: 'gemini-2.5-flash',
} as const;

/** Connects the scripted upstream as those vendors. */
export async function connectVendors(parley: Parley, admin: Person): Promise<void> {
  for (const kind of Object.keys(translated) as (keyof typeof translated)[]) {
    const models = [translated[kind]];
    await createConnection(admin, { kind, baseUrl: parley.upstream.url, credential: 'sk-vendor', models });
  }
}

/** A token that may be used for an hour. */
export async function issueToken(
  person: Person,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<IssuedTokenDto> {
  const { status, data } = await person.ask<IssuedTokenDto>('POST', '/api/tokens', {
    name: 'program',
    scopes: ['read', 'write'],
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    ...fields,
  });
  expect(status).toBe(201);
  return data;
}

export interface UsageRow {
  readonly door: string;
  readonly model: string;
  readonly status: string;
  readonly code: string | null;
  readonly input: number;
  readonly output: number;
  readonly estimated: boolean;
}

/** The records of calls since then, oldest first, once there are as many as were made. */
export function usageRows({ first: { database } }: Parley, since: Date, count = 1): Promise<UsageRow[]> {
  return eventually(async () => {
    const rows = await database.query<UsageRow[]>(
      `SELECT door, model_id AS model, status, error_code AS code, input_tokens AS input, output_tokens AS output, estimated
         FROM usage_records WHERE created_at >= $1 ORDER BY created_at, id`,
      [since],
    );
    return rows.length >= count ? rows : undefined;
  });
}
