import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { fromWireId } from '../../src/common/ids.js';
import { FollowedJournals } from '../../src/generation/followed-journals.js';
import { IdempotencyKeysRepository } from '../../src/generation/idempotency-keys.repository.js';
import { OrphanSweep } from '../../src/generation/orphan-sweep.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import type { ExchangeDto } from '../../src/wire/native/dto/post-message.dto.js';
import {
  answerPieces,
  answers,
  eventually,
  OpenStream,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';

let parley: Parley;
let second: Replica;
let ada: Person;
let adaAtSecond: Person;
let thread: string;
let key: string;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  // Who may issue tokens.
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  adaAtSecond = ada.at(second);
});

beforeEach(async () => {
  thread = await ada.createThread();
  key = randomUUID();
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function send(
  person: Person,
  path: string,
  { body, key: sent = key }: { readonly body: Record<string, unknown>; readonly key?: string },
): Promise<Response> {
  return person.browser.fetch(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'idempotency-key': sent },
  });
}

async function ask(
  person: Person,
  body: Record<string, unknown>,
  options: { readonly key?: string; readonly path?: string } = {},
): Promise<Answer<ExchangeDto>> {
  const response = await send(person, options.path ?? messagesOf(thread), { body, ...options });
  const answer = (await response.json()) as Omit<Answer<ExchangeDto>, 'status' | 'headers'>;
  return { ...answer, status: response.status, headers: response.headers };
}

async function open(person: Person, body: Record<string, unknown>): Promise<OpenStream> {
  return new OpenStream(
    await send(person, messagesOf(thread), { body: { ...body, stream: true } }),
    new AbortController(),
  );
}

function messagesOf(id: string): string {
  return `/api/threads/${id}/models/${upstreamModel}/messages`;
}

describe('an Idempotency-Key', () => {
  it.each([
    ['that is empty', ''],
    ['with a space', 'a key'],
    ['beyond ASCII', 'schl\u00fcssel'],
    ['of 256 characters', 'k'.repeat(256)],
  ])('%s is refused', async (_what, bad) => {
    const before = await parley.ownedRows();
    const answer = await ask(ada, { content: 'Hi' }, { key: bad });
    expect([answer.status, answer.error]).toEqual([
      400,
      expect.objectContaining({ code: 'VALIDATION_FAILED', param: 'Idempotency-Key' }),
    ]);
    expect(await parley.ownedRows()).toEqual(before);
  });

  it('is refused with another request', async () => {
    parley.upstream.enqueue(answers('Hello'));
    await ask(ada, { content: 'Hi', temperature: 0.5 });
    const other = await ada.createThread();
    const before = await parley.ownedRows();
    for (const [body, path] of [
      [{ content: 'Ho', temperature: 0.5 }, messagesOf(thread)],
      [{ content: 'Hi' }, messagesOf(thread)],
      [{ content: 'Hi', temperature: 0.5, parentId: null }, messagesOf(thread)],
      [{ content: 'Hi', temperature: 0.5 }, messagesOf(other)],
      [{ content: 'Hi', temperature: 0.5 }, `/api/threads/${thread}/models/demo/messages`],
    ] as const) {
      const answer = await ask(adaAtSecond, body, { path });
      expect([answer.status, answer.error?.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    expect(await parley.ownedRows()).toEqual(before);
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('of 255 characters is as good as any', async () => {
    parley.upstream.enqueue(answers('Hello'));
    expect((await ask(ada, { content: 'Hi' }, { key: `"${'~'.repeat(253)}"` })).status).toBe(200);
  });

  it('is not used up by a request that is refused', async () => {
    const refused = await ask(ada, { content: 'Hi', temperature: 50 });
    expect(refused.error?.code).toBe('TEMPERATURE_OUT_OF_RANGE');
    parley.upstream.enqueue(answers('Hello'));
    expect((await ask(ada, { content: 'Hi' })).status).toBe(200);
  });

  it('is a matter of its owner alone', async () => {
    parley.upstream.enqueue(answers('for ada'), answers('for bob'));
    await ask(ada, { content: 'Hi' });
    const bob = await parley.first.logIn('bob');
    const path = messagesOf(await bob.createThread());
    const { data } = await ask(bob, { content: 'Hi' }, { path });
    expect(data.assistantMessage.content).toBe('for bob');
  });

  it('gives a token nothing of a model that it may not ask', async () => {
    parley.upstream.enqueue(answers('Hello'), answers('again'));
    const { data } = await ask(ada, { content: 'Hi' });
    const again = `/api/messages/${data.assistantMessage.id}/regenerate`;
    expect((await ask(ada, {}, { path: again })).status).toBe(200);
    const tokenFor = async (model: string): Promise<string> => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const issued = { name: model, scopes: ['write'], models: [model], expiresAt };
      return (await ada.ask<{ token: string }>('POST', '/api/tokens', issued)).data.token;
    };
    const [ungranted, granted] = [await tokenFor('demo'), await tokenFor(upstreamModel)];
    const withToken = async (token: string, path: string, body: object): Promise<unknown[]> => {
      const response = await fetch(parley.first.url + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          'idempotency-key': key,
        },
      });
      return [response.status, ((await response.json()) as Answer).error?.code];
    };
    const post = messagesOf(thread);
    expect(await withToken(ungranted, post, { content: 'Hi' })).toEqual([403, 'MODEL_NOT_GRANTED']);
    expect(await withToken(ungranted, again, {})).toEqual([403, 'MODEL_NOT_GRANTED']);
    expect(await withToken(granted, post, { content: 'Hi' })).toEqual([200, undefined]);
    expect(await withToken(granted, again, {})).toEqual([200, undefined]);
    expect(parley.upstream.requests).toHaveLength(2);
  });

  it('that expires while its request waits begins another answer', async () => {
    const { database } = second;
    parley.upstream.enqueue(answers('one'), answers('two'));
    await ask(ada, { content: 'Hi' });
    const told = await database.transaction(async (db) => {
      await db.query('SELECT FROM threads WHERE id = $1 FOR UPDATE', [fromWireId('thread', thread)]);
      const waiting = ask(ada, { content: 'Hi' });
      await eventually(async () => {
        const waits = await database.query<unknown[]>(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waits.length > 0 ? true : undefined;
      });
      // Since its transaction began: to that it is known, to the look afterwards no longer.
      await database.query(
        `UPDATE idempotency_keys SET created_at = clock_timestamp() - interval '24 hours' WHERE key = $1`,
        [key],
      );
      return { waiting };
    });
    expect((await told.waiting).data.assistantMessage.content).toBe('two');
    expect(await ada.messages(thread)).toHaveLength(4);
  });

  it('that is taken and gone again each time is refused for now', async () => {
    parley.upstream.enqueue(answers('one'));
    await ask(ada, { content: 'Hi' });
    const find = jest.spyOn(parley.first.app.get(IdempotencyKeysRepository), 'find');
    find.mockResolvedValueOnce(undefined).mockResolvedValueOnce(undefined);
    const told = await ask(ada, { content: 'Hi' });
    find.mockRestore();
    expect([told.status, told.error?.code]).toEqual([409, 'GENERATION_IN_PROGRESS']);
    expect(told.headers.get('retry-after')).toBe('5');
    expect(await ada.messages(thread)).toHaveLength(2);
  });

  it('is forgotten after a day, and swept away', async () => {
    parley.upstream.enqueue(answers('one'), answers('two'));
    const one = await ask(ada, { content: 'Hi' });
    const age = (by: string): Promise<unknown> =>
      second.database.query('UPDATE idempotency_keys SET created_at = now() - $1::interval WHERE key = $2', [
        by,
        key,
      ]);
    await age('23 hours 59 minutes');
    await second.app.get(IdempotencyKeysRepository).forgetOld();
    expect((await ask(ada, { content: 'Hi' })).data).toEqual(one.data);
    await age('24 hours 1 second');
    const two = await ask(ada, { content: 'Hi' });
    expect(two.data.assistantMessage.content).toBe('two');
    expect((await ask(ada, { content: 'Hi' })).data).toEqual(two.data);
    await age('25 hours');
    await second.app.get(IdempotencyKeysRepository).forgetOld();
    expect(await second.database.query('SELECT FROM idempotency_keys WHERE key = $1', [key])).toEqual([]);
  });
});

describe('the same request with the same key', () => {
  it('gives the same finished messages, in whichever shape', async () => {
    parley.upstream.enqueue(answers('Hello', ' there'));
    const first = await ask(ada, { content: 'Hi', maxOutputTokens: 9 });
    const again = await ask(adaAtSecond, { maxOutputTokens: 9, content: 'Hi', stream: false });
    expect([again.status, again.data]).toEqual([200, first.data]);
    const events = await (await open(adaAtSecond, { content: 'Hi', maxOutputTokens: 9 })).rest();
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'token', 'message_complete', 'close']);
    expect(events[0]?.data).toMatchObject({
      messageId: first.data.assistantMessage.id,
      userMessageId: first.data.userMessage.id,
    });
    expect(await ada.messages(thread)).toHaveLength(2);
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it.each([
    ['the replica that generates it', () => ada],
    ['another replica', () => adaAtSecond],
  ])('joins the answer under way, at %s', async (_where, reader) => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const begun = await open(ada, { content: 'Hi' });
    const start = await begun.next();
    await begun.next();
    const joined = await open(reader(), { content: 'Hi' });
    expect(await joined.next()).toEqual(start);
    expect((await joined.next()).data['token']).toBe('Hel');
    const waiting = ask(reader(), { content: 'Hi' });
    gate.open();
    expect((await joined.rest()).map(({ type }) => type)).toEqual(['token', 'message_complete', 'close']);
    expect((await waiting).data.assistantMessage).toMatchObject({
      id: start.data['messageId'],
      status: 'complete',
      content: 'Hello',
    });
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('is told to come again by a replica that stops while the answer goes on elsewhere', async () => {
    const third = await parley.addReplica();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const begun = await open(ada, { content: 'Hi' });
    const start = await begun.next();
    const waiting = ask(ada.at(third), { content: 'Hi' });
    await eventually(() => Promise.resolve(third.app.get(FollowedJournals).size === 1 ? true : undefined));
    await third.stop();
    const told = await waiting;
    expect([told.status, told.headers.get('retry-after')]).toEqual([503, '1']);
    expect(told.error?.details).toMatchObject({ messageId: start.data['messageId'] });
    gate.open();
    expect((await ask(adaAtSecond, { content: 'Hi' })).data.assistantMessage.content).toBe('Hello');
  });

  it('tells the same failure: another try is another key', async () => {
    parley.upstream.enqueue(json({}, { status: 401 }));
    const first = await ask(ada, { content: 'Hi' });
    const again = await ask(adaAtSecond, { content: 'Hi' });
    expect([again.status, again.error?.code]).toEqual([first.status, 'PROVIDER_AUTHENTICATION_FAILED']);
    expect(again.error?.details).toEqual(first.error?.details);
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('twenty times at once, on two replicas, is one message and one call', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 0: gate } }));
    const posts = Array.from({ length: 20 }, (_, index) =>
      ask(index % 2 === 0 ? ada : adaAtSecond, { content: 'Hi' }),
    );
    await parley.upstream.nextExchange();
    gate.open();
    const told = await Promise.all(posts);
    expect(told.map(({ status }) => status)).toEqual(told.map(() => 200));
    for (const { data } of told) expect(data).toEqual(told[0]?.data);
    expect(await ada.messages(thread)).toHaveLength(2);
    expect(parley.upstream.requests).toHaveLength(1);
  });

  it('answers once more only once', async () => {
    parley.upstream.enqueue(answers('one'), answers('two'));
    const { data } = await ask(ada, { content: 'Hi' });
    const path = `/api/messages/${data.assistantMessage.id}/regenerate`;
    const [one, other] = await Promise.all([ask(ada, {}, { path }), ask(adaAtSecond, {}, { path })]);
    expect(one.data.assistantMessage).toMatchObject({ content: 'two', parentId: data.userMessage.id });
    expect(other.data).toEqual(one.data);
    expect((await ask(ada, { temperature: 1 }, { path })).error?.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(parley.upstream.requests).toHaveLength(2);
  });

  it('finds nothing in a thread that is gone', async () => {
    parley.upstream.enqueue(answers('Hello'));
    await ask(ada, { content: 'Hi' });
    await ada.ask('DELETE', `/api/threads/${thread}`);
    expect((await ask(ada, { content: 'Hi' })).error?.code).toBe('THREAD_NOT_FOUND');
  });

  it('settles what became of a commit of which nobody heard', async () => {
    const { app, database } = parley.first;
    jest.spyOn(app.get(Transactions), 'run').mockImplementationOnce(async (work) => {
      await database.transaction(work);
      throw new Error('Connection terminated unexpectedly');
    });
    const lost = await ask(ada, { content: 'Hi' });
    expect([lost.status, lost.error?.code]).toEqual([503, 'DATABASE_UNAVAILABLE']);
    const [, pending] = await ada.messages(thread);
    const settled = ask(adaAtSecond, { content: 'Hi' });
    // Left alone while its replica may still be about to begin.
    await app.get(OrphanSweep).run();
    expect((await ada.messages(thread))[1]).toMatchObject({ status: 'pending' });
    await database.query(
      `UPDATE messages SET created_at = now() - interval '1 minute' WHERE replica_id IS NOT NULL`,
    );
    await app.get(OrphanSweep).run();
    expect((await settled).error).toMatchObject({
      code: 'GENERATION_INTERRUPTED',
      details: { messageId: pending?.id },
    });
    expect(await ada.messages(thread)).toHaveLength(2);
    expect(parley.upstream.requests).toEqual([]);
    parley.upstream.enqueue(answers('Hello'));
    expect((await ask(ada, { content: 'Hi' }, { key: randomUUID() })).status).toBe(200);
  });
});

describe('answers of somebody that are under way', () => {
  let limited: Parley;
  let one: Replica;
  let other: Replica;

  beforeAll(async () => {
    limited = await Parley.start({ 'generation.maxConcurrentPerUser': 3 });
    one = limited.first;
    other = await limited.addReplica();
  });

  afterAll(() => limited.stop());

  it('are at most so many, on all replicas together, however many are asked for at once', async () => {
    const eve = await one.logIn('eve');
    const readers = [eve, eve.at(other)];
    const threads = await Promise.all(Array.from({ length: 12 }, () => eve.createThread()));
    const gate = new Gate();
    for (const _thread of threads) {
      limited.upstream.enqueue(stream(answerPieces('Hello'), { gates: { 0: gate } }));
    }
    let refused = 0;
    const posts = threads.map(async (id, index) => {
      const answer = await readers[index % 2]?.post(id, upstreamModel, { content: 'Hi' });
      if (answer?.status === 429) refused++;
      return answer;
    });
    await eventually(() => Promise.resolve(refused === 9 ? true : undefined));
    const joe = await other.logIn('joe');
    expect((await joe.post(await joe.createThread(), 'demo', { content: 'Hi' })).status).toBe(200);
    gate.open();
    const told = await Promise.all(posts);
    for (const answer of told.filter((found) => found?.status !== 200)) {
      expect(answer?.error).toMatchObject({ code: 'TOO_MANY_GENERATIONS', type: 'rate_limit_error' });
      expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(told.filter((answer) => answer?.status === 200)).toHaveLength(3);
    const counts = await Promise.all(threads.map(async (id) => (await eve.messages(id)).length));
    expect(counts.sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2]);
    // There is room again.
    limited.upstream.reset();
    expect((await eve.post(threads[0] ?? '', 'demo', { content: 'Hi' })).status).toBe(200);
  });
});
