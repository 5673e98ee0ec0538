import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';
import { eventually, type Person } from '../support/parley.js';
import { report, rounds, seed } from './extent.js';
import { CommitProxy } from './installation/commit-proxy.js';
import { Installation } from './installation/installation.js';
import { findings } from './journal/findings.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const commits = rounds({ short: 8, long: 200 });
jest.setTimeout(300_000 + commits * 10_000);

let database: TestDatabase;
let proxy: CommitProxy;
let installation: Installation;
let people: ReadonlyMap<string, Person>;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await CommitProxy.start(database.url);
  installation = await Installation.start({ databaseUrl: proxy.url });
  people = new Map([
    ['ada', await installation.logIn('ada')],
    ['uma', await installation.logIn('uma')],
  ]);
});

afterAll(async () => {
  await installation.stop();
  await proxy.stop();
  await database.drop();
});

describe('commits of which nobody hears whether they were done', () => {
  it('are settled: nothing is lost or doubled, and whoever asks is told what is stored', async () => {
    const random = new SeededRandom(seed);
    const load = new Load('unheard', random, { threads: 10, chunks: [1, 8], intervalMs: [0, 20] });
    await load.start(people);
    proxy.losing = () => proxy.lost < commits && random.chance(0.1);
    await eventually(() => Promise.resolve(proxy.lost >= commits || undefined), 60_000 + commits * 9000);
    await load.finish();
    const verdict = await findings({ installation, people, journal: load.journal });
    report('unheard commits', {
      commits: proxy.lost,
      questions: load.journal.length,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
  });
});
