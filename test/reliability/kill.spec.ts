import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Person } from '../support/parley.js';
import { most, quantile, report, rounds, seed } from './extent.js';
import { Installation } from './installation/installation.js';
import { findings } from './journal/findings.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const kills = rounds({ short: 3, long: 200 });
jest.setTimeout(300_000 + kills * 20_000);

/** Any point of an answer, from before its first chunk to after its last. */
const chunks = [1, 60] as const;

let installation: Installation;
let people: ReadonlyMap<string, Person>;

beforeAll(async () => {
  installation = await Installation.start();
  people = new Map([
    ['ada', await installation.logIn('ada')],
    ['uma', await installation.logIn('uma')],
    ['paul', await installation.logIn('paul')],
  ]);
});

afterAll(() => installation.stop());

describe('kill -9 of one of two replicas, again and again, at random chunks', () => {
  it('loses and doubles nothing, ends what was cut off within 30 s, and lets everybody resume', async () => {
    const random = new SeededRandom(seed);
    const loads = [
      new Load('kill', random, { threads: 3, chunks, intervalMs: [5, 40], cancelled: 0.05 }),
      // Old enough at any kill that losing all of it shows.
      new Load('lasting', random, { threads: 2, chunks: [100, 200], intervalMs: [20, 30] }),
    ];
    for (const load of loads) await load.start(people);
    const killed: { replica: string; at: number }[] = [];
    for (let round = 0; round < kills; round++) {
      const victim = random.pick(installation.replicas);
      const chunk = random.between(...chunks);
      await installation.upstream.reached(
        ({ replica, sentAt }) => replica === victim.name && sentAt.length >= chunk,
      );
      killed.push({ replica: victim.name, at: Date.now() });
      await victim.end('SIGKILL');
      await victim.start();
    }
    await Promise.all(loads.map((load) => load.finish()));
    const journal = loads.flatMap((load) => load.journal);
    const verdict = await findings({ installation, people, journal, kills: killed });
    const endedAfterMs = await interruptedAfterMs(killed);
    report('kill -9 of a replica', {
      kills,
      questions: journal.length,
      byStatus: verdict.byStatus,
      oldestLostTextMs: most(verdict.lostMs),
      interruptedAfterMs: { median: quantile(endedAfterMs, 0.5), most: most(endedAfterMs) },
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(verdict.byStatus['interrupted']).toBeGreaterThan(0);
    expect(most(endedAfterMs)).toBeLessThan(30_000);
  });
});

/** From the kill before it to the end of each interrupted answer. */
async function interruptedAfterMs(killed: readonly { readonly at: number }[]): Promise<number[]> {
  const ended = await installation.query<{ began: Date; ended: Date }>(
    `SELECT created_at AS began, updated_at AS ended FROM messages WHERE status = 'interrupted'`,
  );
  return ended.map(({ began, ended: at }) => {
    const kill = killed.find((each) => each.at >= began.getTime());
    return at.getTime() - (kill?.at ?? at.getTime());
  });
}
