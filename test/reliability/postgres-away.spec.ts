import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually, type Person } from '../support/parley.js';
import { isLong, most, quantile, report, rounds, seed } from './extent.js';
import { Installation } from './installation/installation.js';
import { KillablePostgres, postgresEnds, type PostgresEnd } from './installation/killable-postgres.js';
import type { ReplicaProcess } from './installation/replica-process.js';
import { factOf, type Exchange } from './journal/facts.js';
import { findings } from './journal/findings.js';
import { JournalClient } from './journal/journal-client.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const stops = rounds({ short: 2, long: 50 });
jest.setTimeout(300_000 + stops * 20_000);

/** Small, so that a connection that leaks is soon missed. */
const poolSize = 5;
/** Beside its pool, a replica listens on a connection of its own, and its jobs may have some. */
const otherConnections = 5;
const recoveryLimitMs = 5000;

let postgres: KillablePostgres;
let installation: Installation;
let people: ReadonlyMap<string, Person>;
const random = new SeededRandom(seed);

beforeAll(async () => {
  postgres = await KillablePostgres.start();
  installation = await Installation.start({
    databaseUrl: postgres.url,
    settings: { 'database.poolSize': poolSize },
  });
  people = new Map([
    ['ada', await installation.logIn('ada')],
    ['uma', await installation.logIn('uma')],
  ]);
});

afterAll(async () => {
  await installation.stop();
  await postgres.remove();
});

interface Outage {
  readonly recoveryMs: number;
  readonly refusals: number;
}

/** Stops Postgres, sees that a replica says so, starts it, and measures how long each replica takes to serve again. */
async function outage(person: Person, how: PostgresEnd, awayMs: number): Promise<Outage> {
  let refusals = 0;
  await postgres.end(how);
  if (how !== 'crash of a session') {
    await Promise.all(
      installation.replicas.map((replica) =>
        eventually(async () => {
          const answer = await ask(replica, person);
          if (answer === 200) return undefined; // Of the last moment.
          expect(answer).toBe('503 DATABASE_UNAVAILABLE, after a while');
          refusals++;
          return true;
        }),
      ),
    );
    await wait(awayMs);
  }
  await postgres.run();
  const backAt = performance.now();
  await Promise.all(
    installation.replicas.map((replica) =>
      eventually(async () => {
        const answer = await ask(replica, person);
        if (answer === 200) return true;
        refusals++;
        expect(answer).toBe('503 DATABASE_UNAVAILABLE, after a while');
        return undefined;
      }, 30_000),
    ),
  );
  return { recoveryMs: performance.now() - backAt, refusals };
}

async function ask(replica: ReplicaProcess, person: Person): Promise<200 | string> {
  const cookie = [...person.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(`${replica.url}/api/threads`, {
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  });
  if (response.status === 200) {
    await response.body?.cancel();
    return 200;
  }
  const { error } = (await response.json()) as { error: { code: string } }; // http-api.md
  const later = response.headers.has('retry-after') ? 'after a while' : 'and not when to come again';
  return `${response.status} ${error.code}, ${later}`;
}

async function connections(): Promise<number> {
  const [row] = await postgres.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return row?.count ?? 0;
}

describe('Postgres stopped at once under load, and started again', () => {
  it('loses and doubles nothing, is answered 503 meanwhile, and is served from within 5 s', async () => {
    const slow = new Load('slow', random, {
      threads: 4,
      chunks: [1, 60],
      intervalMs: [5, 30],
      cancelled: 0.05,
    });
    // Begun and ended all the time: whatever is committed at the moment of a stop is one of these.
    const quick = new Load('quick', random, { threads: 8, chunks: [1, 3], intervalMs: [0, 2] });
    await slow.start(people);
    await quick.start(people);
    const ada = people.get('ada');
    if (ada === undefined) throw new Error('nobody');
    const outages: Outage[] = [];
    for (let round = 0; round < stops; round++) {
      const chunk = random.between(1, 40);
      await installation.upstream.reached(({ sentAt }) => sentAt.length === chunk);
      const how = postgresEnds[round % postgresEnds.length] ?? 'immediate stop';
      outages.push(await outage(ada, how, random.between(0, 1000)));
      // A bad moment needs a good one before it.
      const before = [slow.done, quick.done] as const;
      await eventually(
        () => Promise.resolve((slow.done > before[0] && quick.done > before[1] + 20) || undefined),
        60_000,
      );
    }
    await Promise.all([slow.finish(), quick.finish()]);
    const journal = [...slow.journal, ...quick.journal];
    const verdict = await findings({ installation, people, journal });
    const recoveryMs = outages.map((each) => each.recoveryMs);
    report('Postgres stopped under load', {
      stops,
      questions: journal.length,
      byStatus: verdict.byStatus,
      recoveryMs: { median: quantile(recoveryMs, 0.5), most: most(recoveryMs) },
      connections: await connections(),
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(most(recoveryMs)).toBeLessThan(recoveryLimitMs);
    expect(installation.replicas.map(({ isRunning }) => isRunning)).toEqual([true, true]);
  });

  it('leaks no connection: every one of the pool serves, and there are no more', async () => {
    const ada = people.get('ada');
    if (ada === undefined) throw new Error('nobody');
    const answers = await Promise.all(
      installation.replicas.flatMap((replica) =>
        Array.from({ length: poolSize * 4 }, () => ask(replica, ada)),
      ),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(await connections()).toBeLessThanOrEqual(2 * (poolSize + otherConnections));
  });
});

describe('Postgres away while streams run', () => {
  const awayMs = isLong ? 10_000 : 3000;

  it('lets them go on from memory, and keeps all of it when Postgres is back', async () => {
    const journal: Exchange[] = [];
    const reading: Promise<void>[] = [];
    for (const [subject, person] of people) {
      for (let index = 0; index < 5; index++) {
        const threadId = await person.createThread(`away ${subject} ${index}`);
        // Some end while it is away, the others after.
        const plan = {
          key: `away-${subject}-${index}`,
          chunks: Math.round(awayMs / 30) + index * 40,
          intervalMs: 20,
          ending: 'complete' as const,
        };
        const exchange: Exchange = { plan, subject, threadId, isStreamed: true, facts: [] };
        journal.push(exchange);
        reading.push(new JournalClient(person).carryOut(exchange));
      }
    }
    await eventually(() => Promise.resolve(journal.every(({ facts }) => facts.length > 5) || undefined));
    await postgres.end('immediate stop');
    const goneAt = Date.now();
    await wait(awayMs);
    const readMeanwhile = journal.map(({ facts }) => facts.filter(({ at }) => at > goneAt + 1000).length);
    await postgres.run();
    await Promise.all(reading);
    const verdict = await findings({ installation, people, journal });
    report('Postgres away while streams run', {
      awayMs,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(Math.min(...readMeanwhile)).toBeGreaterThan(0);
    expect(verdict.byStatus).toEqual({ complete: journal.length });
    expect(journal.filter((exchange) => factOf(exchange, 'broken') !== undefined)).toEqual([]);
  });
});
