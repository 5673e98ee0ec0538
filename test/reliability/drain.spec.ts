import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import { eventually, type Person } from '../support/parley.js';
import { isLong, report, rounds, seed } from './extent.js';
import { Installation } from './installation/installation.js';
import type { AnswerPlan } from './installation/planned-upstream.js';
import { eventsOf, type Exchange } from './journal/facts.js';
import { findings } from './journal/findings.js';
import { JournalClient } from './journal/journal-client.js';
import { SeededRandom } from './seeded-random.js';

const drains = rounds({ short: 1, long: 20 });
jest.setTimeout(300_000 + drains * 60_000);

const streams = 50;
const askers = 8;
/** Chunks of an answer that no limit lets finish. */
const endless = 3000;
/** As in production, less than there: the balancer must see it before connections are refused. */
const graceMs = 1500;
const limitMs = isLong ? 10_000 : 6000;

let installation: Installation;
let people: ReadonlyMap<string, Person>;

beforeAll(async () => {
  installation = await Installation.start({
    settings: { 'server.drainGraceMs': graceMs, 'server.drainLimitMs': limitMs },
  });
  people = new Map([
    ['ada', await installation.logIn('ada')],
    ['uma', await installation.logIn('uma')],
  ]);
  await installation.balancer.watchHealth();
});

afterEach(() => installation.balancer.ignoreHealth());

afterAll(() => installation.stop());

/** Asks for something again and again until it is told to stop; answers every status, or why there was none. */
async function keepAsking(person: Person, isOver: () => boolean): Promise<(number | string)[]> {
  const answers: (number | string)[] = [];
  for (let turn = 0; !isOver(); turn++) {
    const asked = turn % 3 === 0 ? person.ask('POST', '/api/threads', {}) : person.ask('GET', '/api/threads');
    answers.push(await asked.then(({ status }) => status, String));
  }
  return answers;
}

function clientOf({ subject }: Exchange): JournalClient {
  return new JournalClient(people.get(subject) ?? fail());
}

/** Streams of all lengths, some longer than the limit. */
async function beginStreams(
  random: SeededRandom,
  round: number,
): Promise<{ journal: Exchange[]; read: Promise<unknown> }> {
  const journal: Exchange[] = [];
  for (let index = 0; index < streams; index++) {
    const [subject, person] = random.pick([...people]);
    const threadId = await person.createThread(`Drain ${round} ${index}`);
    const plan: AnswerPlan = {
      key: `drain-${round}-${index}`,
      chunks: index % 5 === 0 ? endless : random.between(20, 50),
      intervalMs: 60,
      ending: 'complete',
    };
    journal.push({ plan, subject, threadId, isStreamed: true, facts: [] });
  }
  const reading = journal.map((exchange) => clientOf(exchange).carryOut(exchange));
  await eventually(
    () => Promise.resolve(journal.every(({ facts }) => facts.length > 2) || undefined),
    30_000,
  );
  return { journal, read: Promise.all(reading) };
}

describe('SIGTERM during fifty streams', () => {
  it('fails no request, lets streams finish or tells them, and exits 0 within the limit', async () => {
    const random = new SeededRandom(seed);
    const figures = { answered: 0, exitMs: [] as number[] };
    const journal: Exchange[] = [];
    for (let round = 0; round < drains; round++) {
      const leaving = random.pick(installation.replicas);
      const streaming = await beginStreams(random, round);
      let isOver = false;
      const asking = Array.from({ length: askers }, (_, index) =>
        keepAsking([...people.values()][index % 2] ?? fail(), () => isOver),
      );
      const signalledAt = performance.now();
      expect(await leaving.end('SIGTERM')).toBe(0);
      figures.exitMs.push(Math.round(performance.now() - signalledAt));
      await leaving.start();
      isOver = true;
      const answers = (await Promise.all(asking)).flat();
      figures.answered += answers.length;
      expect(answers.filter((answer) => answer !== 200 && answer !== 201)).toEqual([]);
      journal.push(...streaming.journal);
      // Those of the other replica that would never end.
      await stopEndless(streaming.journal);
      await streaming.read;
    }
    const verdict = await findings({ installation, people, journal });
    const told = journal.filter((exchange) =>
      eventsOf(exchange).some(({ data }) => data['code'] === 'GENERATION_INTERRUPTED'),
    ).length;
    report('SIGTERM during fifty streams', {
      drains,
      ...figures,
      told,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(Math.max(...figures.exitMs)).toBeLessThan(limitMs + 5000);
    expect(verdict.byStatus['complete']).toBe((journal.length / 5) * 4);
    expect(told).toBeGreaterThan(0);
  });
});

function fail(): never {
  throw new Error('There are two people.');
}

async function stopEndless(journal: readonly Exchange[]): Promise<void> {
  for (const exchange of journal) {
    const [first] = eventsOf(exchange);
    const person = people.get(exchange.subject);
    if (exchange.plan.chunks < endless || first === undefined || person === undefined) continue;
    const path = `/api/messages/${String(first.data['messageId'])}/cancel`;
    const { status, data: message } = await person.ask<MessageDto>('POST', path, {});
    exchange.facts.push({ type: 'cancelled', at: Date.now(), status, message });
  }
}
