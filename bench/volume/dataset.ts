// What people have said in a year, made by Postgres itself. docs/performance.md says what it looks like.
import type { Client } from 'pg';
import { hashSecret } from '../../src/auth/opaque-secret.js';
import { tokenOf } from '../../src/tokens/token-format.js';

/** What one person has, whatever the number of people. */
export const threadsEach = 40;
export const messagesEach = 50;

export interface DatasetSize {
  readonly people: number;
  /** Threads of one person more, who has many. */
  readonly threadsOfOneMore: number;
}

/** API tokens, dealt out to the people in turn: as many with few people as with many, so that authentication costs the same. */
export const tokens = 500;

/** Distinct texts; who says which is chance. Of words in the frequency of their rank (Zipf). */
const texts = 20_000;
export const vocabulary = 10_000;

export const model = 'bench';
const issuer = 'https://bench.invalid';
const tenant = '019a0000-0000-7000-8000-000000000000';
/** UUIDv7 of a moment, with the rest of it from the text that says what it is. */
const uuidAt = (time: string, what: string): string =>
  `(lpad(to_hex(extract(epoch FROM ${time})::bigint * 1000), 12, '0') || '7' || substr(md5(${what}), 1, 3) || '8' || substr(md5(${what}), 4, 15))::uuid`;
const personOf = (index: string): string => `md5('person ' || ${index})::uuid`;

/**
 * Fills a migrated database. People take turns: what is said one after the other, and so stored side by side, is of different people.
 * Search documents are what the triggers would have written; `expectIndexed` looks at some.
 */
export async function fill(db: Client, { people, threadsOfOneMore }: DatasetSize): Promise<void> {
  const threads = people * threadsEach;
  await db.query('SET statement_timeout = 0');
  // Neither triggers nor foreign keys: what they would do is done below.
  await db.query('SET session_replication_role = replica');
  await db.query('SET synchronous_commit = off');
  await db.query("SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'");
  await db.query('SELECT setseed(0.25)');
  await makePeople(db, people);
  await makeTexts(db);
  await makeThreads(db, { people, threads, all: threads + threadsOfOneMore });
  const indexes = await dropIndexes(db, 'messages');
  await makeMessages(db);
  for (const index of indexes) await db.query(index);
  await makeDocuments(db);
  for (const table of ['users', 'threads', 'thread_models', 'messages', 'search_documents', 'api_tokens'])
    await db.query(`VACUUM ANALYZE ${table}`);
  await db.query('CHECKPOINT');
}

/** The token with this number, of whoever it belongs to. */
export function tokenNumber(index: number): string {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(index, 28);
  return tokenOf(bytes);
}

/** The person whose token that is; one more has the token after the last. */
export function holderOf(index: number, { people }: DatasetSize): number {
  return index === tokens ? people : index % people;
}

/** @throws Error when a document is not what would have been indexed */
export async function expectIndexed(db: Client): Promise<void> {
  const { rows } = await db.query<{ wrong: string; looked: string }>(
    `SELECT count(*) AS looked, count(*) FILTER (WHERE words <> to_tsvector('simple', search_words(content))) AS wrong
       FROM messages TABLESAMPLE SYSTEM (0.1) JOIN search_documents ON source_id = messages.id AND search_documents.thread_id = messages.thread_id
        AND search_documents.user_id = messages.user_id AND search_documents.tenant_id = messages.tenant_id`,
  );
  if (rows[0]?.wrong !== '0') throw new Error(`${rows[0]?.wrong} of ${rows[0]?.looked} documents are wrong`);
}

async function makePeople(db: Client, people: number): Promise<void> {
  await db.query(
    `INSERT INTO users (id, tenant_id, issuer, subject, username, role, status, created_at, updated_at)
     SELECT ${personOf('n')}, '${tenant}', '${issuer}', n::text, 'person ' || n, 'user', 'active', now(), now()
       FROM generate_series(0, $1) n`,
    [people],
  );
  const numbers = Array.from({ length: tokens + 1 }, (_, index) => index);
  await db.query(
    `INSERT INTO api_tokens (id, tenant_id, owner_id, name, token_hash, hint, scopes, allowed_networks, created_by,
                             created_at, expires_at)
     SELECT gen_random_uuid(), '${tenant}', ${personOf('person')}, 'bench', hash, 'bench', '{read,write}', '{}',
            ${personOf('person')}, now(), now() + interval '1 day'
       FROM unnest($1::integer[], $2::bytea[]) AS token (person, hash)`,
    [
      numbers.map((index) => holderOf(index, { people, threadsOfOneMore: 0 })),
      numbers.map((index) => hashSecret(tokenNumber(index))),
    ],
  );
}

/** Questions of 5 to 40 words and answers of 40 to 240, half of them each. */
async function makeTexts(db: Client): Promise<void> {
  const syllable = (number: string): string =>
    `substr('bdfghjklmnprstvz', ${number} % 16 + 1, 1) || substr('aeiou', ${number} / 16 % 5 + 1, 1)`;
  await db.query(
    `CREATE TEMPORARY TABLE words AS SELECT rank, ${syllable('rank')} || ${syllable('rank / 80')} || ${syllable('rank * 7 % 80')} AS word
       FROM generate_series(0, ${vocabulary - 1}) rank`,
  );
  await db.query('CREATE UNIQUE INDEX ON words (rank) INCLUDE (word)');
  await db.query(
    `CREATE TEMPORARY TABLE texts AS
     WITH lengths AS MATERIALIZED (
       SELECT id, CASE id % 2 WHEN 0 THEN 5 + (random() * 35)::integer ELSE 40 + (random() * 200)::integer END AS length
         FROM generate_series(0, ${texts - 1}) id
     ), places AS MATERIALIZED (
       SELECT id, place, floor(exp(random() * ln(${vocabulary})))::integer - 1 AS rank
         FROM lengths, generate_series(1, length) place
     ), said AS MATERIALIZED (
       SELECT id, string_agg(word, ' ' ORDER BY place) AS content FROM places JOIN words USING (rank) GROUP BY id
     )
     SELECT id, content, jsonb_build_array(jsonb_build_object('type', 'text', 'text', content)) AS parts,
            to_tsvector('simple', content) AS words FROM said`,
  );
  await db.query('CREATE UNIQUE INDEX ON texts (id)');
}

/** Threads in the order in which people go on with them: one of each person, and then another of each. */
async function makeThreads(
  db: Client,
  { people, threads, all }: { readonly people: number; readonly threads: number; readonly all: number },
): Promise<void> {
  await db.query(
    `CREATE TEMPORARY TABLE turns AS
     SELECT n, md5('thread ' || n)::uuid AS rest, CASE WHEN n < $2 THEN n % $1 ELSE $1 END AS person,
            $4 * interval '1 second' AS round
       FROM generate_series(0, $3 - 1) n`,
    [people, threads, all, Math.floor((365 * 86_400) / (messagesEach / 2))],
  );
  await db.query(`ALTER TABLE turns ADD id uuid, ADD user_id uuid, ADD begun timestamptz(3)`);
  await db.query(
    `UPDATE turns SET begun = now() - interval '366 days' + round * n / $1, user_id = ${personOf('person')}`,
    [all],
  );
  await db.query(`UPDATE turns SET id = ${uuidAt('begun', `'thread ' || n`)}`);
  await db.query(
    `INSERT INTO threads (id, tenant_id, user_id, title, archived, message_count, last_message_preview, created_at, updated_at)
     SELECT turns.id, '${tenant}', user_id, left(content, 60), false, ${messagesEach}, left(content, 120), begun,
            begun + round * ${messagesEach / 2 - 1}
       FROM turns JOIN texts ON texts.id = n * 2 % ${texts} ORDER BY n`,
  );
}

/** Rounds of an exchange in each thread. */
async function makeMessages(db: Client): Promise<void> {
  const idOf = (place: string): string =>
    uuidAt(`begun + (${place}) / 2 * round + (${place}) % 2 * interval '5 seconds'`, `n || ' ' || ${place}`);
  await db.query(
    `CREATE TEMPORARY TABLE said AS
     SELECT n, place, turns.id AS thread_id, user_id, ${idOf('place')} AS id, begun + place / 2 * round AS at,
            CASE WHEN place > 0 THEN ${idOf('place - 1')} END AS parent_id,
            floor(random() * ${texts / 2})::integer * 2 + place % 2 AS text
       FROM turns, generate_series(0, ${messagesEach - 1}) place`,
  );
  await db.query(
    `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, parent_id, role, status, content, parts, provider,
                           provider_model, input_tokens, output_tokens, finish_reason, duration_ms, cancel_requested, created_at, updated_at)
     SELECT said.id, '${tenant}', user_id, thread_id, '${model}', parent_id, CASE place % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
            'complete', content, parts, 'compatible', '${model}', 100, 100, 'stop', 1000, false, at, at
       FROM (SELECT * FROM said ORDER BY place / 2, n, place) said JOIN texts ON texts.id = text`,
  );
  await db.query(
    `INSERT INTO thread_models (thread_id, model_id, tenant_id, user_id, message_count, last_message_at, current_leaf_id)
     SELECT thread_id, '${model}', '${tenant}', user_id, ${messagesEach}, at, id FROM said WHERE place = ${messagesEach - 1}`,
  );
}

async function makeDocuments(db: Client): Promise<void> {
  await db.query(
    `INSERT INTO search_documents (tenant_id, user_id, thread_id, source_id, part, kind, words)
     SELECT tenant_id, user_id, id, id, 0, 'title', setweight(to_tsvector('simple', search_words(title)), 'A') FROM threads`,
  );
  await db.query(
    `INSERT INTO search_documents (tenant_id, user_id, thread_id, source_id, part, kind, words)
     SELECT '${tenant}', user_id, thread_id, said.id, 0, 'message', words
       FROM (SELECT * FROM said ORDER BY place / 2, n, place) said JOIN texts ON texts.id = text`,
  );
}

/** @returns what makes them again */
async function dropIndexes(db: Client, table: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string; definition: string }>(
    `SELECT index.indexrelid::regclass::text AS name, pg_get_indexdef(index.indexrelid) AS definition FROM pg_index index
      WHERE index.indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = index.indexrelid)`,
    [table],
  );
  for (const { name } of rows) await db.query(`DROP INDEX ${name}`);
  return rows.map(({ definition }) => definition);
}
