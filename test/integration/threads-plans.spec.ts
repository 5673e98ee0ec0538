import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Logger } from 'typeorm';
import { fromWireId } from '../../src/common/ids.js';
import { silentLogger } from '../../src/infrastructure/database/silent-logger.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { Parley, type Person } from '../support/parley.js';
import { idOf } from '../support/people.js';

/** Each of some people has a few threads, and each thread a few texts, here of one message; ada is one of them. */
const people = 500;
const threadsEach = 40;
const textsEach = 5;

const watched = ['threads', 'thread_models', 'messages', 'search_documents'];

let parley: Parley;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
  await fill(fromWireId('user', await idOf(ada)) ?? '');
}, 60_000);

afterAll(() => parley.stop());

async function fill(userId: string): Promise<void> {
  const { database } = parley.first;
  await database.transaction(async (db) => {
    // Without triggers and foreign keys: what is there is written below.
    await db.query('SET LOCAL session_replication_role = replica');
    await db.query('SET LOCAL statement_timeout = 0');
    await db.query(
      `INSERT INTO threads (id, tenant_id, user_id, title, archived, message_count, created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, CASE person WHEN 1 THEN id ELSE md5(person::text)::uuid END, 'A thread',
              n % 2 = 0, ${textsEach}, now() - n * interval '1 minute', now() - (n * 7 % 40) * interval '1 minute'
         FROM users, generate_series(1, ${threadsEach}) n, generate_series(1, ${people}) person WHERE id = $1`,
      [userId],
    );
    await db.query(
      `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, role, status, content, parts,
                             cancel_requested, created_at, updated_at)
       SELECT id, tenant_id, user_id, id, 'demo', 'user', 'complete', 'common words', '[]', false, now(), now()
         FROM threads`,
    );
    await db.query(
      `INSERT INTO search_documents (tenant_id, user_id, thread_id, source_id, part, kind, words)
       SELECT tenant_id, user_id, thread_id, id, n, 'message', to_tsvector('simple', content)
         FROM messages, generate_series(0, ${textsEach - 1}) n`,
    );
    await db.query(
      `INSERT INTO thread_models (thread_id, model_id, tenant_id, user_id, message_count, last_message_at, current_leaf_id)
       SELECT id, 'demo', tenant_id, user_id, ${textsEach}, now(), id FROM threads`,
    );
  });
  for (const table of watched) await database.query(`VACUUM ANALYZE ${table}`);
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** How everything that is asked of the watched tables while `work` goes on is done, one scan after the other. */
async function scansOf(work: () => Promise<unknown>): Promise<Plan[]> {
  const { database } = parley.first;
  const asked: (readonly [query: string, parameters: unknown[]])[] = [];
  const logQuery: Logger['logQuery'] = (query, parameters = []) => {
    if (/FROM "?(threads|thread_models|messages|search_documents)\b/.test(query)) {
      asked.push([query, Object.values(parameters)]);
    }
  };
  database.logger = { ...silentLogger, logQuery };
  await work();
  database.logger = silentLogger;
  expect(asked.length).toBeGreaterThan(0);
  const plans = await Promise.all(
    asked.map(async ([query, parameters]) => {
      const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${query}`,
        parameters,
      );
      return row?.['QUERY PLAN'][0].Plan;
    }),
  );
  return plans.flatMap((plan) => (plan === undefined ? [] : scansIn(plan)));
}

function scansIn(plan: Plan): Plan[] {
  const here = watched.includes(plan['Relation Name'] ?? '') ? [plan] : [];
  return [...here, ...(plan.Plans ?? []).flatMap(scansIn)];
}

function readRows(scan: Plan): number {
  return (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0)) * scan['Actual Loops'];
}

/** No more than what one person has, of a table in which hundreds have as much. */
function expectFlat(scans: readonly Plan[], most: number): void {
  for (const scan of scans) {
    const shown = [scan['Relation Name'], scan['Node Type'], scan['Index Name']];
    expect([...shown, scan['Node Type'] === 'Seq Scan']).toEqual([...shown, false]);
    expect([...shown, readRows(scan) > most]).toEqual([...shown, false]);
  }
}

describe('however much others have', () => {
  const orders = ['updated_at', 'created_at'].flatMap((orderBy) =>
    ['asc', 'desc'].flatMap((order) =>
      ['true', 'false', 'all'].map((archived) => `orderBy=${orderBy}&order=${order}&archived=${archived}`),
    ),
  );

  it.each(orders)('a page of threads reads a page, and the count one index: %s', async (query) => {
    const path = `/api/threads?limit=5&${query}`;
    const first = await ada.ask<ThreadDto[]>('GET', path);
    expect(first.data).toHaveLength(5);
    const scans = await scansOf(() => ada.ask('GET', `${path}&cursor=${String(first.pagination.cursor)}`));
    const ofThreads = scans.filter((scan) => scan['Relation Name'] === 'threads');
    expectFlat(scans, threadsEach);
    expect(ofThreads.map(readRows).sort((a, b) => a - b)).toEqual([
      6,
      query.includes('all') ? threadsEach : threadsEach / 2,
    ]);
    expect(ofThreads.map((scan) => scan['Node Type'])).toContain('Index Only Scan');
  });

  it.each(['relevance', 'updated_at', 'created_at'])(
    'a search reads what its owner has, by %s, and its excerpts a page',
    async (orderBy) => {
      const path = `/api/threads?limit=5&archived=all&q=common+words&orderBy=${orderBy}`;
      const first = await ada.ask<ThreadDto[]>('GET', path);
      expect(first.pagination.totalCount).toBe(threadsEach);
      const scans = await scansOf(() => ada.ask('GET', `${path}&cursor=${String(first.pagination.cursor)}`));
      expectFlat(scans, threadsEach * textsEach);
      const ofMessages = scans.filter((scan) => scan['Relation Name'] === 'messages');
      // A branch of the plan that found nothing to do has read nothing.
      expect(ofMessages.map(readRows).filter((rows) => rows > 0)).toEqual([5]);
    },
  );

  it('a thread is read by its key', async () => {
    const { data } = await ada.ask<ThreadDto[]>('GET', '/api/threads?limit=1');
    expectFlat(await scansOf(() => ada.ask('GET', `/api/threads/${String(data[0]?.id)}`)), 1);
  });

  it('all are archived and deleted by what their owner has', async () => {
    expectFlat(await scansOf(() => ada.ask('POST', '/api/threads/archive', {})), threadsEach);
  });
});
