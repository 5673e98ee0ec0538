import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { idOf } from '../support/people.js';
import { eventually, type Person } from '../support/parley.js';
import { report, rounds, seed } from './extent.js';
import { Installation, plannedModel } from './installation/installation.js';
import { questionOf, textOf, type AnswerPlan } from './installation/planned-upstream.js';
import type { Exchange } from './journal/facts.js';
import { findings } from './journal/findings.js';
import { JournalClient } from './journal/journal-client.js';
import { Load } from './journal/load.js';
import { SeededRandom } from './seeded-random.js';

const questions = rounds({ short: 40, long: 2000 });
const repeats = rounds({ short: 4, long: 200 });
const atOnce = 20;
/** Longer than the head of a stream, shorter than all of it. */
const mostBytes = 1500;
jest.setTimeout(300_000 + questions * 1000 + repeats * 5000);

let installation: Installation;
let ada: Person;

beforeAll(async () => {
  installation = await Installation.start();
  ada = await installation.logIn('ada', { groups: ['admins'] });
});

afterAll(() => installation.stop());

let asked = 0;

function slowPlan(): AnswerPlan {
  return { key: `walk-${++asked}`, chunks: 1000, intervalMs: 20, ending: 'complete' };
}

/** An answer that is being generated, and read, by somebody. */
async function begin(
  person: Person,
): Promise<{ messageId: string; threadId: string; lastId: string; text: string }> {
  const threadId = await person.createThread();
  const open = await person.stream(threadId, plannedModel, questionOf(slowPlan()));
  const { data } = await open.next();
  let text = '';
  let lastId = '';
  while (text.length < 40) {
    const event = await open.next();
    lastId = event.id;
    text += String(event.data['token']);
  }
  open.leave();
  return { messageId: String(data['messageId']), threadId, lastId, text };
}

describe('two replicas, each request to the other one than the last', () => {
  it('log somebody in and out again, at once everywhere', async () => {
    const uma = await installation.logIn('uma');
    for (let turn = 0; turn < 4; turn++) expect((await uma.ask('GET', '/api/user')).status).toBe(200);
    const left = await uma.browser.fetch('/api/logout', { method: 'POST' });
    expect(left.status).toBeLessThan(400);
    for (let turn = 0; turn < 4; turn++) expect((await uma.ask('GET', '/api/user')).status).toBe(401);
  });

  it('resume, refuse a second question, and cancel, wherever the answer is generated', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const { messageId, threadId, lastId, text } = await begin(ada);
      const resumed = await ada.follow(messageId, lastId);
      let rest = '';
      while (rest.length < 40) rest += String((await resumed.next()).data['token']);
      expect(textOf(`walk-${asked}`, 1000).startsWith(text + rest)).toBe(true);
      for (let again = 0; again < 2; again++) {
        const refused = await ada.post(threadId, plannedModel, { content: 'Another' });
        expect(refused.error?.code).toBe('GENERATION_IN_PROGRESS');
      }
      expect((await ada.ask('POST', `/api/messages/${messageId}/cancel`, {})).status).toBeLessThan(300);
      const events = await resumed.rest();
      expect(events.at(-2)).toMatchObject({ type: 'error', data: { code: 'GENERATION_CANCELLED' } });
      // One more request: the next turn generates at the other replica.
      await ada.ask('GET', '/api/user');
    }
  });

  it('hear of a revoked token, and of a changed profile, within a second', async () => {
    const body = {
      name: 'walk',
      ownerId: await idOf(ada),
      scopes: ['read'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const { data } = await ada.ask<IssuedTokenDto>('POST', '/api/tokens', body);
    const asProgram = async (): Promise<number[]> =>
      Promise.all(
        installation.replicas.map(async ({ url }) => {
          const response = await fetch(`${url}/api/threads`, {
            headers: { authorization: `Bearer ${data.token}` },
          });
          await response.body?.cancel();
          return response.status;
        }),
      );
    expect(await asProgram()).toEqual([200, 200]);
    expect((await ada.ask('DELETE', `/api/tokens/${data.id}`)).status).toBeLessThan(300);
    await eventually(async () => ((await asProgram()).join() === '401,401' ? true : undefined), 5000);
  });

  it('lose and double nothing of what several people talk about, however answers end', async () => {
    const load = new Load('walking', new SeededRandom(seed), {
      threads: 4,
      chunks: [1, 40],
      intervalMs: [0, 15],
      broken: 0.25,
      cancelled: 0.1,
    });
    const people = new Map([
      ['ada', ada],
      ['paul', await installation.logIn('paul')],
    ]);
    await load.start(people);
    await eventually(() => Promise.resolve(load.done >= questions || undefined), 50_000 + questions * 500);
    await load.finish();
    const verdict = await findings({ installation, people, journal: load.journal });
    report('round robin', {
      questions: load.journal.length,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    for (const status of ['complete', 'interrupted']) expect(verdict.byStatus).toHaveProperty(status);
    expect(new Set(installation.upstream.calls.map(({ replica }) => replica)).size).toBe(2);
  });
});

describe('the same post twenty times at once, on two replicas, with answers cut anywhere', () => {
  it('is one message, one answer and one call of the model, and everybody gets all of it', async () => {
    const random = new SeededRandom(seed);
    const journal: Exchange[] = [];
    for (let round = 0; round < repeats; round++) {
      const threadId = await ada.createThread(`Repeated ${round}`);
      const plan: AnswerPlan = {
        key: `repeat-${round}`,
        chunks: random.between(1, 20),
        intervalMs: random.between(0, 20),
        ending: 'complete',
      };
      // Of the first requests, each answer is cut; of those that come again, every second one.
      let passed = 0;
      installation.balancer.cutting = () =>
        passed++ < atOnce || random.chance(0.5) ? random.between(0, mostBytes) : undefined;
      const exchanges = Array.from({ length: atOnce }, (_, index): Exchange => {
        return { plan, subject: 'ada', threadId, isStreamed: index % 2 === 0, facts: [] };
      });
      const client = new JournalClient(ada);
      await Promise.all(exchanges.map((exchange) => client.carryOut(exchange)));
      installation.balancer.cutting = () => undefined;
      journal.push(...exchanges);
    }
    const people = new Map([['ada', ada]]);
    const verdict = await findings({ installation, people, journal });
    const broken = journal.flatMap(({ facts }) => facts).filter(({ type }) => type === 'broken').length;
    report('the same post at once', {
      repeats,
      posts: journal.length,
      broken,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(verdict.byStatus).toEqual({ complete: journal.length });
    expect(broken).toBeGreaterThan(0);
    const asked = new Set(journal.map(({ plan }) => plan.key));
    expect(installation.upstream.calls.filter(({ key }) => asked.has(key))).toHaveLength(repeats);
  });
});
