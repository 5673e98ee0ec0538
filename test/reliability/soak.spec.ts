import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import type { Person } from '../support/parley.js';
import { most, report, seed, soakMinutes } from './extent.js';
import { Installation } from './installation/installation.js';
import { findings } from './journal/findings.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const onlyWhenAsked = soakMinutes === undefined ? describe.skip : describe;
const minutes = soakMinutes ?? 0;
jest.setTimeout(minutes * 60_000 + 300_000);

/** Between two looks at what the processes hold. */
const lookEveryMs = 20_000;
/** While caches and compiled code fill. */
const warmUpShare = 1 / 3;
const mostSlopeBytesPerMinute = 200_000;
const mostLoopDelayMs = 100;

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});

afterAll(() => installation.stop());

interface Sample {
  readonly atMinute: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly loopDelayP99Ms: number;
}

onlyWhenAsked('mixed load for a long time', () => {
  it('makes no process grow, and no event loop late', async () => {
    const people = new Map<string, Person>();
    for (const subject of ['ada', 'uma', 'paul']) people.set(subject, await installation.logIn(subject));
    const load = new Load('soak', new SeededRandom(seed), {
      threads: 4,
      chunks: [1, 60],
      intervalMs: [5, 40],
      broken: 0.05,
      cancelled: 0.05,
      questionsPerThread: 20,
    });
    await load.start(people);
    let isOver = false;
    const reading = [...people.values()].map((person) => keepReading(person, () => isOver));
    const samples = await sample();
    isOver = true;
    const [, ...reads] = await Promise.all([load.finish(), ...reading]);
    const verdict = await findings({ installation, people, journal: load.journal });
    const figures = samples.map((ofOne) => {
      const settled = ofOne.filter(({ atMinute }) => atMinute >= minutes * warmUpShare);
      return {
        heapBytesPerMinute: Math.round(slope(settled, ({ heapBytes }) => heapBytes)),
        rssBytesPerMinute: Math.round(slope(settled, ({ rssBytes }) => rssBytes)),
        heapBytes: ofOne.at(-1)?.heapBytes,
        loopDelayP99Ms: most(settled.map(({ loopDelayP99Ms }) => loopDelayP99Ms)),
      };
    });
    report('soak', {
      minutes,
      questions: load.journal.length,
      reads: reads.reduce((sum, count) => sum + count, 0),
      replicas: figures,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(most(figures.map((each) => each.heapBytesPerMinute))).toBeLessThan(mostSlopeBytesPerMinute);
    expect(most(figures.map((each) => each.loopDelayP99Ms))).toBeLessThan(mostLoopDelayMs);
  });
});

/** Looks at each replica until the time is over. */
async function sample(): Promise<Sample[][]> {
  const samples: Sample[][] = installation.replicas.map(() => []);
  const begunAt = performance.now();
  for (;;) {
    const atMinute = (performance.now() - begunAt) / 60_000;
    for (const [index, replica] of installation.replicas.entries()) {
      const { heapBytes, rssBytes, loopDelayP99Ms } = await replica.look();
      samples[index]?.push({ atMinute, heapBytes, rssBytes, loopDelayP99Ms });
    }
    if (atMinute >= minutes) return samples;
    await wait(Math.min(lookEveryMs, minutes * 10_000));
  }
}

/** Lists and searches, a few times a second; answers how often. */
async function keepReading(person: Person, isOver: () => boolean): Promise<number> {
  let reads = 0;
  for (; !isOver(); reads++) {
    const path = reads % 4 === 0 ? '/api/threads?q=please' : '/api/threads?limit=20';
    expect((await person.ask('GET', path)).status).toBe(200);
    await wait(200);
  }
  return reads;
}

/** By least squares, for each minute. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanAt = mean(samples.map(({ atMinute }) => atMinute));
  const meanValue = mean(samples.map(of));
  const covariance = samples.reduce(
    (sum, each) => sum + (each.atMinute - meanAt) * (of(each) - meanValue),
    0,
  );
  const variance = samples.reduce((sum, { atMinute }) => sum + (atMinute - meanAt) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}
