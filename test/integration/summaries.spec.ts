import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { fromWireId } from '../../src/common/ids.js';
import type { Owner } from '../../src/common/owner.js';
import { limitMs, Summaries } from '../../src/generation/summaries/summaries.service.js';
import { SummaryJobs } from '../../src/generation/summaries/summary-jobs.js';
import { poolOf } from '../../src/infrastructure/database/pool.js';
import { StoredSummaries } from '../../src/messages/summaries/stored-summaries.service.js';
import type { ThreadDetailDto } from '../../src/threads/dto/thread.dto.js';
import type { SummaryDto } from '../../src/wire/native/dto/summary.dto.js';
import {
  answerPieces,
  answers,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';
import { createConnection, listsModels } from '../support/connections.js';
import { idOf, logInAdmin } from '../support/people.js';
import { askWith } from '../support/tokens.js';

/** An alias of the scripted model that takes so little that two long messages are a fifth of it. */
const small = 'small';
const long = 'word '.repeat(100);

let parley: Parley;
let second: Replica;
let root: Person;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start({
    'jobs.enabled': true,
    'summaries.contextShare': 0.2,
    // Which nobody may use, but for one test.
    'summaries.model': 'summarizer',
  });
  second = await parley.addReplica();
  root = await logInAdmin(parley.first, 'root');
  const target = { model: upstreamModel };
  await root.ask('POST', '/api/models', {
    kind: 'alias',
    id: small,
    scope: 'tenant',
    target,
    contextTokens: 2000,
  });
  ada = await parley.first.logIn('ada');
});

beforeEach(() => parley.upstream.reset());

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => parley.stop());

/** A thread in which the model has answered each of the questions with `to <question>`. */
async function conversation(...questions: string[]): Promise<string> {
  const thread = await ada.createThread('Talk');
  for (const question of questions) await say(thread, question);
  return thread;
}

async function say(
  thread: string,
  content: string,
  {
    model = upstreamModel,
    answer = `to ${content}`,
    ...body
  }: { model?: string; answer?: string; parentId?: string | null } = {},
): Promise<string> {
  parley.upstream.enqueue(answers(answer));
  const posted = await ada.post(thread, model, { content, ...body });
  expect(posted.status).toBe(200);
  return posted.data.assistantMessage.id;
}

function summarize(thread: string, person = ada, model = upstreamModel): Promise<Answer<SummaryDto>> {
  return person.ask('POST', `/api/threads/${thread}/models/${model}/summarize`, {});
}

interface StoredSummary {
  readonly summary: string | null;
  readonly throughId: string | null;
  readonly until: Date | null;
}

async function stored(thread: string): Promise<StoredSummary | undefined> {
  const rows = await second.database.query<StoredSummary[]>(
    `SELECT summary, summary_through_id AS "throughId", summarizing_until AS until FROM thread_models WHERE thread_id = $1`,
    [fromWireId('thread', thread)],
  );
  return rows[0];
}

const none = { summary: null, throughId: null, until: null };

/** What the model was asked last: the instructions, and the lines of data. */
function askedLast(): { system: string; lines: unknown[] } {
  const { messages } = JSON.parse(parley.upstream.requests.at(-1)?.body ?? '') as {
    messages: [{ content: string }, { content: string }];
  };
  const [system, data] = messages;
  return {
    system: system.content,
    lines: data.content.split('\n').map((line) => JSON.parse(line) as unknown),
  };
}

async function jobs(thread: string, state: string): Promise<unknown[]> {
  return second.database.query(
    `SELECT state, output FROM pgboss.job WHERE data->>'threadId' = $1 AND name = 'summaries' AND state::text = $2`,
    [fromWireId('thread', thread), state],
  );
}

function allJobs(thread: string): Promise<unknown[]> {
  return second.database.query(`SELECT FROM pgboss.job WHERE data->>'threadId' = $1 AND name = 'summaries'`, [
    fromWireId('thread', thread),
  ]);
}

async function until(thread: string, state: string): Promise<void> {
  await eventually(async () => ((await jobs(thread, state)).length > 0 ? true : undefined));
}

describe('summarising when asked to', () => {
  it('refuses what is not yours, and a token that may only read', async () => {
    const thread = await conversation('one', 'two');
    const eve = await parley.first.logIn('eve');
    expect(await summarize(thread, eve)).toMatchObject({ status: 404, error: { code: 'THREAD_NOT_FOUND' } });
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const token = { name: 'reader', scopes: ['messages:read', 'threads:write'], expiresAt };
    const issued = await root.ask<{ token: string }>('POST', '/api/tokens', token);
    const path = `${parley.first.url}/api/threads/${thread}/models/${upstreamModel}/summarize`;
    const refused = await askWith(issued.data.token, path, { method: 'POST', body: {} });
    expect(refused).toMatchObject({ status: 403, error: { code: 'FORBIDDEN' } });
    expect(await stored(thread)).toEqual(none);
  });

  it('refuses when there is nothing but the newest question and answer', async () => {
    const thread = await conversation('one');
    const nothing = { status: 422, error: { code: 'NOTHING_TO_SUMMARIZE' } };
    expect(await summarize(thread)).toMatchObject(nothing);
    expect(await summarize(thread, ada, 'demo')).toMatchObject(nothing);
    expect(await stored(thread)).toEqual(none);
  });

  it('refuses a second one on any replica, holds no connection meanwhile, and is over when its answer is', async () => {
    const thread = await conversation('one', 'two');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('About one.'), { gates: { 1: gate } }));
    const asked = parley.upstream.requests.length;
    const going = summarize(thread);
    await eventually(() => Promise.resolve(parley.upstream.requests[asked]));
    expect(await summarize(thread, ada.at(second))).toMatchObject({
      status: 409,
      error: { code: 'SUMMARY_IN_PROGRESS' },
    });
    // Other work comes and goes: only what is never given back would stay.
    const pool = poolOf(parley.first.database) as { idleCount?: number; totalCount?: number };
    await eventually(() => Promise.resolve(pool.idleCount === pool.totalCount ? true : undefined));
    const open = await second.database.query<unknown[]>(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    );
    expect(open).toEqual([]);
    gate.open();
    expect((await going).status).toBe(200);
    expect(await stored(thread)).toMatchObject({ summary: 'About one.', until: null });
  });

  it('answers with the summary of what is older than the newest exchange, and builds the next one on it', async () => {
    const thread = await conversation('one', 'two');
    parley.upstream.enqueue(answers('About', ' one.\n'));
    const { status, data } = await summarize(thread);
    expect(status).toBe(200);
    const { generatedAt, ...rest } = data;
    expect(rest).toEqual({ summary: 'About one.', tokens: 3, modelUsed: upstreamModel });
    expect(generatedAt).toMatch(/Z$/);
    const { system, lines } = askedLast();
    expect(lines).toEqual([
      { role: 'user', text: 'one' },
      { role: 'assistant', text: 'to one' },
    ]);
    expect(system).toMatch(/at most \d+ tokens/);
    const messages = await ada.messages(thread);
    expect((await stored(thread))?.throughId).toBe(fromWireId('message', messages[1]?.id ?? ''));
    const shown = await ada.ask<ThreadDetailDto>('GET', `/api/threads/${thread}`);
    expect(shown.data.models[upstreamModel]).toMatchObject({
      summary: 'About one.',
      summaryUpdatedAt: data.generatedAt,
    });

    await say(thread, 'three');
    parley.upstream.enqueue(answers('About one and two.'));
    expect((await summarize(thread)).data.summary).toBe('About one and two.');
    expect(askedLast().lines).toEqual([
      { summary: 'About one.' },
      { role: 'user', text: 'two' },
      { role: 'assistant', text: 'to two' },
    ]);
  });

  it('keeps the summary before when the model fails, says nothing, or is cut off', async () => {
    const thread = await conversation('one', 'two');
    parley.upstream.enqueue(answers('About one.'));
    await summarize(thread);
    await say(thread, 'three');
    const before = await stored(thread);
    const tooLong = answerPieces('word '.repeat(3000)).map((piece) =>
      piece.replace('"completion_tokens":3', '"completion_tokens":3001'),
    );
    const cutOff = answerPieces('About').map((piece) => piece.replace('"stop"', '"length"'));
    for (const [script, code] of [
      [json({ error: { message: 'no' } }, { status: 400 }), 'PROVIDER_REQUEST_REFUSED'],
      [answers(), 'PROVIDER_INVALID_RESPONSE'],
      [answers('  '), 'PROVIDER_INVALID_RESPONSE'],
      [stream(cutOff), 'PROVIDER_INVALID_RESPONSE'],
      [breaksOff(['Ab']), 'PROVIDER_INVALID_RESPONSE'],
      [stream(tooLong), 'PROVIDER_INVALID_RESPONSE'],
    ] as const) {
      parley.upstream.enqueue(script);
      expect((await summarize(thread)).error?.code).toBe(code);
      expect(await stored(thread)).toEqual(before);
    }
    parley.upstream.enqueue(answers('About one and two.'));
    expect((await summarize(thread)).status).toBe(200);
  });

  it('takes one that has as many tokens as it should, though we would estimate far more', async () => {
    const thread = await conversation('one', 'two');
    const text = 'සිංහල '.repeat(300).trim();
    parley.upstream.enqueue(answers(text));
    expect((await summarize(thread)).data.summary).toBe(text);
  });

  it('leaves out what no model is told: what a system or a tool said', async () => {
    const thread = await conversation('one', 'two', 'three');
    await second.database.query(
      `UPDATE messages SET role = CASE content WHEN 'one' THEN 'system' ELSE 'tool' END
        WHERE thread_id = $1 AND content IN ('one', 'to one')`,
      [fromWireId('thread', thread)],
    );
    parley.upstream.enqueue(answers('About two.'));
    expect((await summarize(thread)).data.summary).toBe('About two.');
    expect(askedLast().lines).toEqual([
      { role: 'user', text: 'two' },
      { role: 'assistant', text: 'to two' },
    ]);
  });

  it('ends after ten minutes, with what was stored by then', async () => {
    const thread = await conversation('one', 'two');
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    jest
      .spyOn(AbortSignal, 'timeout')
      .mockImplementation((ms) => (ms === limitMs ? AbortSignal.abort() : timeout(ms)));
    expect((await summarize(thread)).error?.code).toBe('GENERATION_INTERRUPTED');
    expect(await stored(thread)).toEqual(none);
  });

  it('begins anew on a branch without what was summarised', async () => {
    const thread = await conversation('one', 'two');
    parley.upstream.enqueue(answers('About one.'));
    await summarize(thread);
    await say(thread, 'other', { parentId: null });
    await say(thread, 'next');
    parley.upstream.enqueue(answers('About other.'));
    expect((await summarize(thread)).data.summary).toBe('About other.');
    expect(askedLast().lines).toEqual([
      { role: 'user', text: 'other' },
      { role: 'assistant', text: 'to other' },
    ]);
  });

  it('stores nothing when the branch was left meanwhile', async () => {
    const thread = await conversation('one', 'two');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('About one.'), { gates: { 1: gate } }));
    const asked = parley.upstream.requests.length;
    const going = summarize(thread);
    await eventually(() => Promise.resolve(parley.upstream.requests[asked]));
    await say(thread, 'other', { parentId: null });
    gate.open();
    expect(await going).toMatchObject({ status: 409, error: { code: 'CONVERSATION_CHANGED' } });
    expect(await stored(thread)).toEqual(none);
  });

  it('stores nothing for a thread that was deleted meanwhile', async () => {
    const thread = await conversation('one', 'two');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('About one.'), { gates: { 1: gate } }));
    const asked = parley.upstream.requests.length;
    const going = summarize(thread);
    await eventually(() => Promise.resolve(parley.upstream.requests[asked]));
    expect((await ada.ask('DELETE', `/api/threads/${thread}`)).status).toBe(200);
    gate.open();
    expect(await going).toMatchObject({ status: 404, error: { code: 'THREAD_NOT_FOUND' } });
    expect(await stored(thread)).toBeUndefined();
  });

  it('takes what is too long for the model one stretch after the other, each of which stands', async () => {
    const thread = await ada.createThread('Talk');
    for (const question of ['one', 'two', 'three']) await say(thread, question, { model: small });
    // Two thirds of what fits at once, each.
    const text = 'some words '.repeat(160);
    await second.database.query(
      `UPDATE messages SET content = $2 WHERE thread_id = $1 AND content IN ('one', 'two')`,
      [fromWireId('thread', thread), text],
    );
    parley.upstream.enqueue(answers('About one.'), json({ error: { message: 'no' } }, { status: 400 }));
    expect((await summarize(thread, ada, small)).error?.code).toBe('PROVIDER_REQUEST_REFUSED');
    expect(await stored(thread)).toMatchObject({ summary: 'About one.', until: null });
    expect(askedLast().lines).toEqual([
      { summary: 'About one.' },
      { role: 'user', text },
      { role: 'assistant', text: 'to two' },
    ]);
    parley.upstream.enqueue(answers('About both.'));
    expect((await summarize(thread, ada, small)).data.summary).toBe('About both.');
    expect((await summarize(thread, ada, small)).error?.code).toBe('NOTHING_TO_SUMMARIZE');
  });

  it('is done by the model of the setting, for those who may use it', async () => {
    const thread = await conversation('one', 'two');
    const target = { model: 'demo' };
    await root.ask('POST', '/api/models', { kind: 'alias', id: 'summarizer', scope: 'tenant', target });
    expect((await summarize(thread)).data.modelUsed).toBe('demo');
    await root.ask('DELETE', '/api/models/summarizer');
  });
});

describe('summaries as they are stored', () => {
  it('replace nothing but what they are built on, by whoever holds the lease', async () => {
    const thread = fromWireId('thread', await conversation('one', 'two')) ?? '';
    const summaries = second.app.get(StoredSummaries);
    const [row] = await second.database.query<Owner[]>(
      'SELECT tenant_id AS "tenantId", user_id AS "userId" FROM threads WHERE id = $1',
      [thread],
    );
    if (row === undefined) throw new Error('no thread');
    const talk = { threadId: thread, modelId: upstreamModel };
    const leaseMs = 60_000;
    const lease = await summaries.begin(row, talk, leaseMs);
    const stretch = await summaries.next(row, talk, lease, 10);
    const [message] = stretch?.messages ?? [];
    const change = { text: 'x', throughId: message?.id ?? '', leaseMs };
    const expired = { ...lease, until: new Date(lease.until.getTime() - 1) };
    const older = { ...lease, throughId: message?.id ?? '' };
    for (const wrong of [expired, older]) {
      await expect(summaries.store(row, talk, { ...change, lease: wrong })).rejects.toMatchObject({
        code: 'CONVERSATION_CHANGED',
      });
    }
    await summaries.end(row, talk, expired);
    await expect(summaries.begin(row, talk, leaseMs)).rejects.toMatchObject({ code: 'SUMMARY_IN_PROGRESS' });
    // As if whoever holds it had died.
    await second.database.query('UPDATE thread_models SET summarizing_until = now() WHERE thread_id = $1', [
      thread,
    ]);
    const next = await summaries.begin(row, talk, leaseMs);
    await expect(summaries.store(row, talk, { ...change, lease })).rejects.toMatchObject({
      code: 'CONVERSATION_CHANGED',
    });
    await summaries.store(row, talk, { ...change, lease: next });
  });
});

describe('a summary in several stretches', () => {
  it('says nothing of a branch that is left between two of them', async () => {
    const thread = await ada.createThread('Talk');
    for (const question of ['one', 'two', 'three']) await say(thread, question, { model: small });
    await second.database.query(
      `UPDATE messages SET content = $2 WHERE thread_id = $1 AND content IN ('one', 'two')`,
      [fromWireId('thread', thread), 'some words '.repeat(160)],
    );
    const [row] = await second.database.query<Owner[]>(
      'SELECT tenant_id AS "tenantId", user_id AS "userId" FROM threads WHERE id = $1',
      [fromWireId('thread', thread)],
    );
    if (row === undefined) throw new Error('no thread');
    const user = {
      ...row,
      role: 'user',
      credential: { kind: 'job', isOwnersOwn: true, models: null },
    } as const;
    // Before the lease, before the first stretch, before the second.
    const asked = [
      (): Promise<void> => Promise.resolve(),
      (): Promise<void> => Promise.resolve(),
      async (): Promise<void> => {
        await say(thread, 'other', { model: small, parentId: null });
        await say(thread, 'next', { model: small });
        parley.upstream.enqueue(answers('About other.'));
      },
    ];
    const wish = {
      threadId: fromWireId('thread', thread) ?? '',
      modelId: small,
      requestId: 'req_test',
      signal: new AbortController().signal,
    };
    parley.upstream.enqueue(answers('About one.'));
    await parley.first.app.get(Summaries).summarize(async () => {
      await asked.shift()?.();
      return user;
    }, wish);
    expect(askedLast().lines).toEqual([
      { role: 'user', text: 'other' },
      { role: 'assistant', text: 'to other' },
    ]);
    expect((await stored(thread))?.summary).toBe('About other.');
  });
});

describe('a conversation that grows', () => {
  it('is answered, whatever the question whether it is long does to the database', async () => {
    const thread = await ada.createThread();
    jest
      .spyOn(parley.first.app.get(StoredSummaries), 'uncovered')
      .mockImplementation((_owner, _upTo, _most, db) => db.query('SELECT 1 / 0'));
    await say(thread, 'one');
    expect((await ada.messages(thread)).map(({ status }) => status)).toEqual(['complete', 'complete']);
  });

  it('is summarised as soon as something is left out of the context that no summary covers', async () => {
    const thread = await ada.createThread('Talk');
    // Three bytes and three tokens each: less than the share by the bytes, and nearly all that fits.
    await say(thread, '☃'.repeat(300), { model: small, answer: 'ok' });
    expect(await allJobs(thread)).toEqual([]);
    parley.upstream.enqueue(answers('ok'), answers('About snow.'));
    await ada.post(thread, small, { content: long.slice(0, 100) });
    await until(thread, 'completed');
    expect((await stored(thread))?.summary).toBe('About snow.');
  });

  it('is summarised with what the token may use that it grows by: no key of its owner, no other model', async () => {
    parley.upstream.route('GET', '/models', listsModels());
    const credential = 'the-key-of-the-organisation';
    const connection = { kind: 'openai-compatible', baseUrl: parley.upstream.url, credential };
    await createConnection(root, { ...connection, name: 'may', models: ['open'], personalKeys: 'allowed' });
    const alias = { kind: 'alias', scope: 'tenant' };
    await root.ask('POST', '/api/models', { ...alias, id: 'summarizer', target: { model: 'demo' } });
    await root.ask('POST', '/api/models', {
      ...alias,
      id: 'small-open',
      target: { model: 'open' },
      contextTokens: 2000,
    });
    const given = await ada.ask('POST', '/api/profile/api-keys', { may: 'a-key-of-ada-herself' });
    expect(given.status).toBe(200);
    const issued = await root.ask<{ token: string }>('POST', '/api/tokens', {
      name: 'program',
      scopes: ['messages:write'],
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
      ownerId: await idOf(ada),
      models: ['small-open', 'open'],
    });
    expect(issued.status).toBe(201);
    const thread = await ada.createThread();
    const url = `${parley.first.url}/api/threads/${thread}/models/small-open/messages`;
    parley.upstream.reset();
    for (const content of ['one', long.repeat(3)]) {
      parley.upstream.enqueue(answers('ok'));
      if (content !== 'one') parley.upstream.enqueue(answers('About one.'));
      expect((await askWith(issued.data.token, url, { method: 'POST', body: { content } })).status).toBe(200);
    }
    await until(thread, 'completed');
    expect((await stored(thread))?.summary).toBe('About one.');
    const keys = parley.upstream.requests.map(({ headers }) => headers.authorization);
    expect(keys).toEqual([credential, credential, credential].map((key) => `Bearer ${key}`));
    const reaches = await second.database.query<unknown[]>(
      `SELECT name, data->'reach' AS reach FROM pgboss.job WHERE data->>'threadId' = $1 ORDER BY name`,
      [fromWireId('thread', thread)],
    );
    const reach = { isOwnersOwn: false, models: ['small-open', 'open'] };
    expect(reaches).toEqual(['summaries', 'titles'].map((name) => ({ name, reach })));
    await root.ask('DELETE', '/api/models/summarizer');
  });

  it('is summarised once, by one replica, when what no summary covers is more than the share', async () => {
    const thread = await ada.createThread('Talk');
    await say(thread, 'short', { model: small });
    expect(await jobs(thread, 'created')).toEqual([]);
    const asked = parley.upstream.requests.length;
    const gate = new Gate();
    parley.upstream.enqueue(answers('to long'), stream(answerPieces('About short.'), { gates: { 1: gate } }));
    await ada.post(thread, small, { content: long.repeat(3) });
    await until(thread, 'active');
    await eventually(() => Promise.resolve(parley.upstream.requests[asked + 1]));
    // Who asks now is told so, and an answer that comes now adds no second job.
    expect((await summarize(thread, ada, small)).error?.code).toBe('SUMMARY_IN_PROGRESS');
    await say(thread, 'again', { model: small });
    parley.upstream.enqueue(answers('About short and long.'));
    gate.open();
    await until(thread, 'completed');
    expect(askedLast().lines[0]).toEqual({ summary: 'About short.' });
    expect((await stored(thread))?.summary).toBe('About short and long.');
    expect(await allJobs(thread)).toHaveLength(1);
    expect(parley.upstream.requests).toHaveLength(asked + 4);
  });

  it('goes on when its summary fails, keeps the one before, and is tried again', async () => {
    const thread = await ada.createThread('Talk');
    await say(thread, 'short', { model: small });
    parley.upstream.enqueue(answers('to long'), json({ error: { message: 'no' } }, { status: 400 }));
    await ada.post(thread, small, { content: long.repeat(3) });
    await until(thread, 'retry');
    expect(await stored(thread)).toEqual(none);
    // As if it had failed as often as other jobs may, and once more: answers meanwhile add no job.
    const asked = parley.upstream.requests.length;
    parley.upstream.enqueue(json({ error: { message: 'no' } }, { status: 400 }));
    await second.database.query(
      `UPDATE pgboss.job SET retry_count = 3, start_after = now() WHERE state = 'retry' AND name = 'summaries'`,
    );
    await eventually(() => Promise.resolve(parley.upstream.requests[asked]));
    await until(thread, 'retry');
    await say(thread, 'short', { model: small });
    expect(await allJobs(thread)).toHaveLength(1);
    await second.database.query(`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`);
    parley.upstream.enqueue(answers('About short.'));
    await until(thread, 'completed');
    expect(await stored(thread)).toMatchObject({ summary: 'About short.', until: null });
  });

  it('is not summarised for somebody who is suspended: nothing is called', async () => {
    const thread = await conversation('one', 'two');
    const [job] = await second.database.query<(Owner & { threadId: string })[]>(
      `SELECT tenant_id AS "tenantId", user_id AS "userId", id AS "threadId" FROM threads WHERE id = $1`,
      [fromWireId('thread', thread)],
    );
    if (job === undefined) throw new Error('no thread');
    const requests = parley.upstream.requests.length;
    await second.database.query(`UPDATE users SET status = 'suspended' WHERE id = $1`, [job.userId]);
    await second.database.transaction((db) =>
      second.app.get(SummaryJobs).enqueue({ ...job, modelId: upstreamModel }, db),
    );
    await until(thread, 'completed');
    await second.database.query(`UPDATE users SET status = 'active' WHERE id = $1`, [job.userId]);
    expect(parley.upstream.requests).toHaveLength(requests);
    expect(await stored(thread)).toEqual(none);
  });
});
