import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Logger } from 'typeorm';
import { OrphanSweep } from '../../src/generation/orphan-sweep.js';
import { silentLogger } from '../../src/infrastructure/database/silent-logger.js';
import { breaksOff, Parley, upstreamModel, type Person, type Replica } from '../support/parley.js';

let parley: Parley;
let second: Replica;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start({ 'generation.maxConcurrentPerUser': 10 });
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
  await ada.createThread();
  await parley.first.database.transaction(async (db) => {
    // Without triggers and foreign keys: what they keep is not what is looked at.
    await db.query('SET LOCAL session_replication_role = replica');
    await db.query(
      `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, role, status, content, parts, cancel_requested,
                             created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, user_id, gen_random_uuid(), 'demo', 'assistant', 'complete', 'words', '[]',
              false, now(), now()
         FROM threads CROSS JOIN generate_series(1, 30000)`,
    );
    await db.query(
      `INSERT INTO idempotency_keys (tenant_id, user_id, route, key, fingerprint, thread_id, message_id, created_at)
       SELECT tenant_id, user_id, 'post', n, '', gen_random_uuid(), gen_random_uuid(), now()
         FROM threads CROSS JOIN generate_series(1, 30000) n`,
    );
  });
  await parley.first.database.query('ANALYZE messages, idempotency_keys');
}, 60_000);

afterAll(() => parley.stop());

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** How a replica reads the two large tables while `work` goes on. */
async function readsOf({ database }: Replica, work: () => Promise<unknown>): Promise<string[]> {
  const asked: [string, unknown[]][] = [];
  const logQuery: Logger['logQuery'] = (query, parameters) => {
    if (!/\b(?:messages|idempotency_keys)\b/.test(query)) return;
    asked.push([query, Array.isArray(parameters) ? [...(parameters as unknown[])] : []]);
  };
  database.logger = { ...silentLogger, logQuery };
  await work();
  database.logger = silentLogger;
  const reads: string[] = [];
  for (const [query, parameters] of asked) {
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(
      `EXPLAIN (FORMAT JSON) ${query}`,
      parameters,
    );
    for (const node of row?.['QUERY PLAN'].flatMap((top) => nodesOf(top.Plan)) ?? []) {
      reads.push(`${node['Node Type']} ${node['Relation Name'] ?? ''}`);
    }
  }
  expect(reads.length).toBeGreaterThan(0);
  return reads.filter((read) => /^Seq Scan (?:messages|idempotency_keys)/.test(read));
}

describe('among many messages and many keys', () => {
  it('a post with a key, its repetition and the count of what is under way read neither table through', async () => {
    const thread = await ada.createThread();
    const post = (): Promise<Response> =>
      ada.browser.fetch(`/api/threads/${thread}/models/demo/messages`, {
        method: 'POST',
        body: JSON.stringify({ content: 'Hi' }),
        headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
      });
    expect(await readsOf(parley.first, post)).toEqual([]);
    expect(await readsOf(parley.first, post)).toEqual([]);
  });

  it('following what another replica generates does not either', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const open = await ada.stream(await ada.createThread(), upstreamModel, 'Hi');
    const messageId = String((await open.next()).data['messageId']);
    const reads = await readsOf(second, async () => {
      const following = await ada.at(second).follow(messageId);
      await following.next();
      await following.next();
      following.leave();
    });
    expect(reads).toEqual([]);
    await ada.ask('POST', `/api/messages/${messageId}/cancel`, {});
  });

  it('nor does the sweep', async () => {
    expect(await readsOf(second, () => second.app.get(OrphanSweep).run())).toEqual([]);
  });
});
