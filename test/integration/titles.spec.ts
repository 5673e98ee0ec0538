import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { fromWireId } from '../../src/common/ids.js';
import { createApp } from '../../src/create-app.js';
import { JobQueues } from '../../src/infrastructure/jobs/job-queues.service.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { answerPieces, answers, eventually, Parley, upstreamModel, type Person } from '../support/parley.js';

let isModelSet = true;
let parley: Parley;
let ada: Person;

/** Threads are talked about with `demo`; the scripted model writes titles. */
beforeAll(async () => {
  parley = await Parley.start({ 'jobs.enabled': true }, (config) =>
    createApp({ ...config, 'titles.model': isModelSet ? upstreamModel : undefined }),
  );
  ada = await parley.first.logIn('ada');
});

beforeEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

async function titleOf(thread: string): Promise<string> {
  return (await ada.ask<ThreadDto>('GET', `/api/threads/${thread}`)).data.title;
}

function jobOf(thread: string, state: string): Promise<Record<string, unknown>> {
  return eventually(async () => {
    const [job] = await parley.first.database.query<Record<string, unknown>[]>(
      `SELECT state, retry_count AS retries FROM pgboss.job
        WHERE name = 'titles' AND singleton_key = $1 AND state::text = $2`,
      [fromWireId('thread', thread), state],
    );
    return job;
  }, 20_000);
}

async function begun(content: string): Promise<string> {
  const thread = await ada.createThread();
  expect((await ada.post(thread, 'demo', { content })).status).toBe(200);
  return thread;
}

describe('the title of a thread', () => {
  it('that a person gave is never written anew: at its creation, before the job, or while a model writes', async () => {
    const named = await ada.createThread('Mine');
    await ada.post(named, 'demo', { content: 'Hi' });
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Theirs'), { gates: { 1: gate } }));
    const renamed = await begun('Plans for Rome');
    await eventually(() => Promise.resolve(parley.upstream.requests[0]));
    // Even when it is what it would be without them.
    await ada.ask('PATCH', `/api/threads/${renamed}/title`, { title: 'New thread' });
    gate.open();
    await jobOf(renamed, 'completed');
    expect(await titleOf(renamed)).toBe('New thread');
    await ada.post(renamed, 'demo', { content: 'More' });
    expect(await titleOf(named)).toBe('Mine');
    const jobs = await parley.first.database.query<unknown[]>(
      `SELECT singleton_key AS key FROM pgboss.job WHERE name = 'titles'`,
    );
    expect(jobs).toEqual([{ key: fromWireId('thread', renamed) }]);
  });

  it('is written once by the model of the setting, from the first exchange as data', async () => {
    parley.upstream.enqueue(answers('"Plans', ' for Rome"\n', 'Enjoy!'));
    const thread = await begun('What to do in Rome?');
    const before = await ada.ask<ThreadDto>('GET', `/api/threads/${thread}`);
    await jobOf(thread, 'completed');
    expect(await titleOf(thread)).toBe('Plans for Rome');
    const { messages } = JSON.parse(parley.upstream.requests.at(-1)?.body ?? '') as {
      messages: [unknown, { content: string }];
    };
    const lines = messages[1].content.split('\n').map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([{ role: 'user', text: 'What to do in Rome?' }, { role: 'assistant' }]);
    // It keeps its place in the list, and its words are found.
    const after = await ada.ask<ThreadDto>('GET', `/api/threads/${thread}`);
    expect(after.data.updatedAt).toBe(before.data.updatedAt);
    const found = await ada.ask<ThreadDto[]>('GET', '/api/threads?q=plans');
    expect(found.data.map(({ id }) => id)).toContain(thread);
    await ada.post(thread, 'demo', { content: 'And in Paris?' });
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('is the first words after every try of the model has failed', async () => {
    for (let count = 0; count < 4; count++) {
      parley.upstream.enqueue(json({ error: { message: 'no' } }, { status: 401 }));
    }
    const thread = await begun('What to do in Rome?');
    for (const retries of [0, 1, 2]) {
      await eventually(() => Promise.resolve(parley.upstream.requests[retries]));
      expect(await jobOf(thread, 'retry')).toMatchObject({ state: 'retry' });
      expect(await titleOf(thread)).toBe('New thread');
      await parley.first.database.query(
        `UPDATE pgboss.job SET start_after = now() WHERE singleton_key = $1 AND state = 'retry'`,
        [fromWireId('thread', thread)],
      );
    }
    await jobOf(thread, 'completed');
    expect(parley.upstream.requests).toHaveLength(4);
    expect(await titleOf(thread)).toBe('What to do in Rome?');
  }, 20_000);

  it('is the first words where no model is set', async () => {
    isModelSet = false;
    const plain = await parley.addReplica();
    await parley.first.app.get(JobQueues).rest();
    const thread = await begun(`Tell me\nall about the ${'long '.repeat(20)}history of Rome`);
    await jobOf(thread, 'completed');
    expect(await titleOf(thread)).toBe(`Tell me all about the ${'long '.repeat(6)}long…`);
    expect(parley.upstream.requests).toEqual([]);
    await plain.stop();
  });
});
