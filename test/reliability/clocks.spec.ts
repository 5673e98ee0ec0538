import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { isLong, report, seed } from './extent.js';
import { Installation } from './installation/installation.js';
import { eventually } from '../support/parley.js';
import { findings } from './journal/findings.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const inLongRuns = isLong ? describe : describe.skip;
jest.setTimeout(300_000);

let installation: Installation;

afterEach(() => installation.stop());

inLongRuns('clocks of replicas that are wrong', () => {
  it('by a minute, one ahead and one behind, log nobody out and lose nothing', async () => {
    installation = await Installation.start({ aheadMs: [60_000, -60_000] });
    const people = new Map([
      ['ada', await installation.logIn('ada')],
      ['uma', await installation.logIn('uma')],
    ]);
    const load = new Load('clock', new SeededRandom(seed), {
      threads: 3,
      chunks: [1, 20],
      intervalMs: [0, 20],
      cancelled: 0.1,
    });
    await load.start(people);
    await eventually(() => Promise.resolve(load.done > 50 || undefined), 60_000);
    await load.finish();
    const verdict = await findings({ installation, people, journal: load.journal });
    report('clocks a minute wrong', {
      questions: load.journal.length,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
  });

  it('by an hour are answered clearly: logged in, or told to log in anew, and never led in a circle', async () => {
    installation = await Installation.start({ aheadMs: [3_600_000, 0] });
    const outcomes = new Set<string>();
    for (let turn = 0; turn < 8; turn++) {
      const person = await installation.logIn('ada').catch((error: unknown) => error);
      if (person instanceof Error) {
        outcomes.add('no login');
        await fetch(`${installation.balancer.url}/health/live`);
        continue;
      }
      const loggedIn = person as Awaited<ReturnType<Installation['logIn']>>;
      // An odd number: the next login begins at the other replica.
      for (let request = 0; request < 5; request++)
        outcomes.add(String((await loggedIn.ask('GET', '/api/user')).status));
    }
    report('clocks an hour wrong', { outcomes: [...outcomes] });
    for (const outcome of outcomes) expect(['200', '401', 'no login']).toContain(outcome);
  });
});
