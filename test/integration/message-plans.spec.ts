import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Logger } from 'typeorm';
import { fromWireId, toWireId } from '../../src/common/ids.js';
import { silentLogger } from '../../src/infrastructure/database/silent-logger.js';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import { Parley, type Person } from '../support/parley.js';

/** A thread of many messages, before the many of others: in each exchange one answer was left for another. */
const long = 10_002;
const rows = 100_002;
/** The last answer that the summary covers. */
const summarised = 8000;

let parley: Parley;
let ada: Person;
let thread: string;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
  thread = await ada.createThread('Long');
  await fill(fromWireId('thread', thread) ?? '');
}, 60_000);

afterAll(() => parley.stop());

const messageId = (number: number): string =>
  toWireId('message', `01900000-0000-7000-8000-${String(number).padStart(12, '0')}`);
const numbered = (number: string): string =>
  `('01900000-0000-7000-8000-' || lpad((${number})::text, 12, '0'))::uuid`;

/** On a connection without the limits of those of the application. */
async function connected<Result>(work: (db: pg.Client) => Promise<Result>): Promise<Result> {
  const db = new pg.Client({ connectionString: parley.database.url });
  await db.connect();
  try {
    return await work(db);
  } finally {
    await db.end();
  }
}

async function fill(threadId: string): Promise<void> {
  const otherThread = numbered(`(n - ${long}) / 100`);
  await connected(async (db) => {
    // Without triggers: what they keep is not what is looked at.
    await db.query('SET session_replication_role = replica');
    await db.query(
      `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, parent_id, role, status, content, parts,
                             cancel_requested, on_current_branch, created_at, updated_at)
       SELECT ${numbered('n')}, tenant_id, user_id, CASE WHEN n < ${long} THEN $1 ELSE ${otherThread} END, 'demo',
              CASE WHEN place = 0 THEN NULL WHEN place % 3 = 2 THEN ${numbered('n - 2')} ELSE ${numbered('n - 1')} END,
              CASE place % 3 WHEN 0 THEN 'user' ELSE 'assistant' END, 'complete', 'some words', '[]',
              false, place % 3 <> 1, now(), now()
         FROM threads
        CROSS JOIN (
          SELECT n, CASE WHEN n < ${long} THEN n ELSE (n - ${long}) % 100 END AS place
            FROM generate_series(0, ${rows - 1}) n
        ) message
        WHERE threads.id = $1`,
      [threadId],
    );
    await db.query(
      `INSERT INTO thread_models (thread_id, model_id, tenant_id, user_id, message_count, last_message_at, current_leaf_id,
                                  summary, summary_through_id)
       SELECT id, 'demo', tenant_id, user_id, ${long}, now(), ${numbered(String(long - 1))},
              'some words', ${numbered(String(summarised))} FROM threads WHERE id = $1`,
      [threadId],
    );
    await db.query('ANALYZE messages');
  });
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

type Statement = readonly [query: string, parameters: unknown[]];

/** What is asked of messages while `work` goes on. */
async function statements(work: () => Promise<unknown>): Promise<Statement[]> {
  const { database } = parley.first;
  const asked: Statement[] = [];
  const logQuery: Logger['logQuery'] = (query, parameters) => {
    if (/\bmessages\b/.test(query) && !query.startsWith('INSERT'))
      asked.push([query, Array.isArray(parameters) ? (parameters as unknown[]) : []]);
  };
  database.logger = { ...silentLogger, logQuery };
  await work();
  database.logger = silentLogger;
  return asked;
}

/** How each of them is done, without a trace. */
function plansOf(asked: readonly Statement[]): Promise<Plan[]> {
  return connected(async (db) => {
    const plans: Plan[] = [];
    for (const [query, parameters] of asked) {
      await db.query('BEGIN');
      const { rows: found } = await db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${query}`,
        parameters,
      );
      await db.query('ROLLBACK');
      plans.push(...found.map((row) => row['QUERY PLAN'][0].Plan));
    }
    return plans;
  });
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** The most rows that a step of a statement looked at; none of them walks over the table. */
async function rowsReadBy(work: () => Promise<unknown>): Promise<number> {
  const asked = await statements(work);
  expect(asked.length).toBeGreaterThan(0);
  const nodes = (await plansOf(asked)).flatMap(nodesOf);
  const scanned = nodes.filter((node) => node['Node Type'].includes('Seq Scan'));
  expect(scanned.filter((node) => node['Relation Name'] === 'messages')).toEqual([]);
  return Math.max(
    ...nodes.map(
      (node) => node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)),
    ),
  );
}

describe('a page of a long thread in a large table', () => {
  it.each(
    ['messages', 'models/demo/messages'].flatMap((list) =>
      ['current', 'all'].flatMap((branch) =>
        ['asc', 'desc'].map((order) => [`${list}?branch=${branch}&order=${order}&limit=5`] as const),
      ),
    ),
  )('reads what it shows and no more, wherever it is: %s', async (query) => {
    const path = `/api/threads/${thread}/${query}`;
    expect(await rowsReadBy(() => ada.ask('GET', path))).toBeLessThan(20);
    const { pagination } = await ada.ask('GET', path.replace('limit=5', 'limit=100'));
    // Half-way through the thread, by a cursor of the same query.
    const [print] = JSON.parse(Buffer.from(pagination.cursor ?? '', 'base64url').toString()) as string[];
    const key = fromWireId('message', messageId(5000));
    const cursor = Buffer.from(JSON.stringify([print, key])).toString('base64url');
    const page = (): Promise<{ data: MessageDto[] }> => ada.ask('GET', `${path}&cursor=${cursor}`);
    expect((await page()).data).toHaveLength(5);
    expect(await rowsReadBy(page)).toBeLessThan(20);
  });
});

describe('a long thread in a large table', () => {
  it.each([
    ['goes on', 'POST', () => `/api/threads/${thread}/models/demo/messages`, { content: 'on' }],
    // What is explained has happened before: the forks are above the ends that are left.
    ['regenerates', 'POST', () => `/api/messages/${messageId(long - 1)}/regenerate`, {}],
    [
      'branches',
      'POST',
      () => `/api/threads/${thread}/models/demo/messages`,
      { content: 'edited', parentId: messageId(long - 10) },
    ],
  ])('%s without a walk over either', async (_name, method, path, body) => {
    const read = await rowsReadBy(async () => {
      expect((await ada.ask(method, path(), body)).status).toBe(200);
    });
    // The context is at most 400 messages, each found by its key.
    expect(read).toBeLessThanOrEqual(400);
  });
});
