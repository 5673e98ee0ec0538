import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Gate } from '../../bench/upstream/gate.js';
import { json, stream } from '../../bench/upstream/scripts.js';
import { FollowedJournals } from '../../src/generation/followed-journals.js';
import { GenerationKeeper } from '../../src/generation/generation-keeper.js';
import { OrphanSweep } from '../../src/generation/orphan-sweep.js';
import { Replicas } from '../../src/generation/replicas.js';
import {
  answerPieces,
  answers,
  breaksOff,
  eventually,
  Parley,
  upstreamModel,
  type OpenStream,
  type Person,
  type Replica,
  type StreamEvent,
} from '../support/parley.js';

let parley: Parley;
let second: Replica;
let ada: Person;
let adaAtSecond: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
  adaAtSecond = ada.at(second);
});

afterEach(() => parley.upstream.reset());

afterAll(() => parley.stop());

function textOf(events: readonly StreamEvent[]): string {
  return events.map(({ type, data }) => (type === 'token' ? String(data['token']) : '')).join('');
}

interface Begun {
  readonly messageId: string;
  readonly thread: string;
  readonly open: OpenStream;
}

/** Begins an answer at the first replica. */
async function begin(): Promise<Begun> {
  const thread = await ada.createThread();
  const open = await ada.stream(thread, upstreamModel, 'Hi');
  const start = await open.next();
  return { messageId: String(start.data['messageId']), thread, open };
}

/** An answer that has ended, as it was sent. */
async function finished(...words: string[]): Promise<{ messageId: string; sent: StreamEvent[] }> {
  parley.upstream.enqueue(answers(...words));
  const open = await ada.stream(await ada.createThread(), upstreamModel, 'Hi');
  const sent = await open.rest();
  return { messageId: String(sent[0]?.data['messageId']), sent };
}

function nobodyFollows(replica: Replica): Promise<true> {
  return eventually(() => Promise.resolve(replica.app.get(FollowedJournals).size === 0 ? true : undefined));
}

describe('resuming is refused', () => {
  it.each([
    ['an id of another message', 'msg_01jd0v3kq9e8vb5t2m4y6z8a0c:5'],
    ['an id without a number', 'msg_01jd0v3kq9e8vb5t2m4y6z8a0c'],
    ['a number alone', '5'],
    ['rubbish', 'x'.repeat(5000)],
  ])('after %s', async (_what, lastEventId) => {
    const { messageId } = await finished('Hello');
    const { response } = await ada.follow(messageId, lastEventId);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'VALIDATION_FAILED', param: 'Last-Event-ID' },
    });
  });

  it.each(['-1', '1.5', '', 'x', '12345678901'])('after an event of the number %j', async (number) => {
    const { messageId } = await finished('Hello');
    expect((await ada.follow(messageId, `${messageId}:${number}`)).response.status).toBe(400);
  });

  it('for what no model says', async () => {
    const { sent } = await finished('Hello');
    const { response } = await ada.follow(String(sent[0]?.data['userMessageId']));
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: { code: 'MESSAGE_NOT_AN_ANSWER' } });
  });

  it('for what is not mine', async () => {
    const { messageId } = await finished('Hello');
    const bob = await second.logIn('bob');
    expect((await bob.follow(messageId)).response.status).toBe(404);
    expect((await bob.follow(messageId, `${messageId}:1`)).response.status).toBe(404);
  });
});

describe('a finished answer', () => {
  it('is replayed with the same start, text and end, and with the headers of a stream', async () => {
    const { messageId, sent } = await finished('Hello\n', '\u{1f600} there');
    const open = await adaAtSecond.follow(messageId);
    expect(open.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(open.response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(open.response.headers.get('x-accel-buffering')).toBe('no');
    const replayed = await open.rest();
    expect(replayed[0]).toEqual(sent[0]);
    expect(textOf(replayed)).toBe('Hello\n\u{1f600} there');
    expect(replayed.slice(-2)).toEqual(sent.slice(-2));
  });

  it('goes on exactly where its reader was, after whichever event, and within one', async () => {
    const { messageId, sent } = await finished('Hello', ' there', ', you');
    for (const [index, { id }] of sent.slice(0, -1).entries()) {
      const rest = await (await adaAtSecond.follow(messageId, id)).rest();
      expect(textOf(rest)).toBe(textOf(sent.slice(index + 1)));
      const ends = sent.slice(index + 1).slice(-2);
      expect(rest.slice(-ends.length).at(-1)).toEqual(sent.at(-1));
      expect(rest.filter(({ type }) => type === 'message_complete')).toHaveLength(ends.length > 1 ? 1 : 0);
      expect(rest.filter(({ type }) => type === 'message_start')).toEqual([]);
    }
    const within = await (await ada.follow(messageId, `${messageId}:${999 + 3}`)).rest();
    expect(textOf(within)).toBe('lo there, you');
  });

  it('has nothing for who has read to the end: an EventSource need not come back', async () => {
    const { messageId, sent } = await finished('Hello');
    const { response } = await ada.follow(messageId, sent.at(-1)?.id);
    expect(response.status).toBe(204);
  });

  it.each([
    ['failed before its first token', json({}, { status: 401 }), ''],
    [
      'failed later',
      stream([...answerPieces('Hel').slice(0, 2), 'data: {"error":{"message":"x"}}\n\n']),
      'Hel',
    ],
    ['was truncated', breaksOff(['Hel']), 'Hel'],
  ])('that %s is replayed with what arrived and how it ended', async (_what, script, text) => {
    parley.upstream.enqueue(script);
    const open = await ada.stream(await ada.createThread(), upstreamModel, 'Hi');
    const sent = await open.rest();
    const replayed = await (await adaAtSecond.follow(String(sent[0]?.data['messageId']))).rest();
    expect(textOf(replayed)).toBe(text);
    expect(replayed.slice(-2)).toMatchObject([
      { type: 'error', id: sent.at(-2)?.id, data: { code: sent.at(-2)?.data['code'] } },
      { type: 'close', id: sent.at(-1)?.id },
    ]);
  });

  it('that was cancelled is replayed as that', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const { messageId, open } = await begin();
    await open.next();
    await ada.ask('POST', `/api/messages/${messageId}/cancel`, {});
    const replayed = await (await adaAtSecond.follow(messageId)).rest();
    expect(replayed.map(({ type, data }) => [type, data['code']])).toEqual([
      ['message_start', undefined],
      ['token', undefined],
      ['error', 'GENERATION_CANCELLED'],
      ['close', undefined],
    ]);
  });
});

describe.each([
  ['the replica that generates it', () => ada],
  ['another replica', () => adaAtSecond],
])('an answer under way, at %s', (_where, reader) => {
  it('is replayed, and then followed live to its end', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const { messageId, open } = await begin();
    const following = await reader().follow(messageId);
    const early = [await following.next(), await following.next()];
    expect(early.map(({ type }) => type)).toEqual(['message_start', 'token']);
    gate.open();
    const sent = await open.rest();
    const rest = await following.rest();
    expect(textOf([...early, ...rest])).toBe('Hello');
    expect(rest).toEqual(sent.slice(1));
  });

  it('tells who comes back only what they lack, also of statuses', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(
      json({}, { status: 503 }),
      stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }),
    );
    const { messageId, open } = await begin();
    const status = await open.next();
    const token = await open.next();
    expect([status.type, token.type]).toEqual(['status', 'token']);
    const [afterStatus, afterToken] = await Promise.all([
      reader().follow(messageId, status.id),
      reader().follow(messageId, token.id),
    ]);
    expect(await afterStatus.next()).toEqual(token);
    gate.open();
    expect(textOf(await afterStatus.rest())).toBe('lo');
    expect(textOf(await afterToken.rest())).toBe('lo');
  });

  it('ends with what arrived when it is cancelled', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const { messageId } = await begin();
    const following = await reader().follow(messageId);
    await following.next();
    expect((await following.next()).data['token']).toBe('Hel');
    await ada.ask('POST', `/api/messages/${messageId}/cancel`, {});
    expect((await following.rest()).map(({ data }) => data['code'])).toEqual([
      'GENERATION_CANCELLED',
      undefined,
    ]);
  });

  it('ends when its thread is deleted', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const { messageId, thread } = await begin();
    const following = await reader().follow(messageId);
    await following.next();
    await following.next();
    await ada.ask('DELETE', `/api/threads/${thread}`);
    expect((await following.rest()).map(({ type }) => type)).toEqual(['error', 'close']);
  });

  it('is read no longer by a session that was logged out, and goes on', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const { messageId } = await begin();
    const other = await parley.first.logIn('ada');
    const following = await (reader() === ada ? other : other.at(second)).follow(messageId);
    await following.next();
    const token = await following.next();
    await other.browser.fetch('/api/logout', { method: 'POST' });
    expect(await following.rest()).toEqual([
      { id: token.id, type: 'error', data: expect.objectContaining({ code: 'SESSION_ENDED' }) },
      { id: token.id, type: 'close', data: {} },
    ]);
    gate.open();
    expect(textOf(await (await reader().follow(messageId, token.id)).rest())).toBe('lo');
  });

  it('is left behind without a trace by who goes away while it is silent', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const { messageId } = await begin();
    const readers = await Promise.all(Array.from({ length: 20 }, () => reader().follow(messageId)));
    for (const following of readers) {
      await following.next();
      await following.next();
    }
    // Where it is generated nobody asks the journal.
    expect(parley.first.app.get(FollowedJournals).size).toBe(0);
    for (const following of readers) following.leave();
    await nobodyFollows(second);
    await ada.ask('POST', `/api/messages/${messageId}/cancel`, {});
  });
});

describe('what another replica generates', () => {
  it('is asked for once for all who follow it', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const { messageId } = await begin();
    const readers = await Promise.all(Array.from({ length: 100 }, () => adaAtSecond.follow(messageId)));
    for (const following of readers) await following.next();
    expect(second.app.get(FollowedJournals).size).toBe(1);
    const asked = jest.spyOn(second.database, 'query');
    const looks = (): number => asked.mock.calls.filter(([sql]) => sql.includes('generation_journal')).length;
    const begun = performance.now();
    await eventually(() => Promise.resolve(looks() >= 4 ? true : undefined));
    // A look each 100 ms at most, not one for each reader.
    expect(performance.now() - begun).toBeGreaterThan(300);
    asked.mockRestore();
    gate.open();
    for (const following of readers) expect(textOf(await following.rest())).toBe('Hello');
    await nobodyFollows(second);
  });

  it('is read on in a row of its journal that was written again, longer, and in those after it', async () => {
    parley.upstream.enqueue(breaksOff(['Hel'], { ending: 'stall' }));
    const { messageId } = await begin();
    const following = await adaAtSecond.follow(messageId);
    await following.next();
    const read = [await following.next()];
    // As when the answer to the first write was lost.
    await second.database.query(
      `UPDATE generation_journal SET events = events || '[{"type": "token", "token": "lo"}]'`,
    );
    read.push(await following.next());
    await second.database.query(
      `INSERT INTO generation_journal (message_id, first_event, tenant_id, user_id, thread_id, events)
       SELECT message_id, first_event + 10, tenant_id, user_id, thread_id, '[{"type": "token", "token": " there"}]'
         FROM generation_journal`,
    );
    read.push(await following.next());
    expect(read.map(({ data }) => data['token'])).toEqual(['Hel', 'lo', ' there']);
    expect(read.at(-1)?.id).toBe(`${messageId}:${999 + 11}`);
    following.leave();
    await ada.ask('POST', `/api/messages/${messageId}/cancel`, {});
  });

  it('is interrupted for its readers with all journalled text when that replica dies', async () => {
    const third = await parley.addReplica();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hello', ' there'), { gates: { 3: gate } }));
    const open = await ada.at(third).stream(await ada.createThread(), upstreamModel, 'Hi');
    const messageId = String((await open.next()).data['messageId']);
    const following = await adaAtSecond.follow(messageId);
    const read = [await following.next()];
    while (textOf(read) !== 'Hello there') read.push(await following.next());
    third.app.get(GenerationKeeper).rest();
    await second.database.query(
      `UPDATE replicas SET heartbeat_at = now() - interval '1 minute' WHERE id = $1`,
      [third.app.get(Replicas).own],
    );
    await second.app.get(OrphanSweep).run();
    const rest = await following.rest();
    expect(rest.map(({ type, data }) => [type, data['code'], data['retryable']])).toEqual([
      ['error', 'GENERATION_INTERRUPTED', true],
      ['close', undefined, undefined],
    ]);
    // Who has more than was kept hears how it ended all the same.
    const ahead = await (await adaAtSecond.follow(messageId, `${messageId}:5000`)).rest();
    expect(ahead).toEqual(rest);
    gate.open();
  });

  it('can be followed elsewhere when the replica that follows it stops', async () => {
    const third = await parley.addReplica();
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Hel', 'lo'), { gates: { 2: gate } }));
    const { messageId } = await begin();
    const following = await ada.at(third).follow(messageId);
    await following.next();
    const token = await following.next();
    await third.stop();
    expect(await following.rest()).toEqual([]);
    gate.open();
    expect(textOf(await (await adaAtSecond.follow(messageId, token.id)).rest())).toBe('lo');
  });
});

/** As an EventSource does that loses its connection after so many events each time, at one replica and the other. */
async function readInTurns(messageId: string, cuts: readonly number[]): Promise<StreamEvent[]> {
  const read: StreamEvent[] = [];
  for (let turn = 0; read.at(-1)?.type !== 'close'; turn++) {
    const reader = turn % 2 === 0 ? adaAtSecond : ada;
    const following = await reader.follow(messageId, read.at(-1)?.id);
    const cut = cuts[turn] ?? Infinity;
    for (let count = 0; count < cut && read.at(-1)?.type !== 'close'; count++) {
      read.push(await following.next());
    }
    following.leave();
  }
  return read;
}

describe('a reader whose connection is cut again and again', () => {
  it('has exactly the text in the end, whatever its pieces and wherever the cuts', async () => {
    const thread = await ada.createThread();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
        async (words, cuts) => {
          parley.upstream.enqueue(stream(answerPieces(...words), { intervalMs: 5 }));
          const open = await ada.stream(thread, upstreamModel, 'Hi');
          const start = await open.next();
          const read = await readInTurns(String(start.data['messageId']), cuts);
          const sent = [start, ...(await open.rest())];
          expect(textOf(read)).toBe(textOf(sent));
          expect([read[0], ...read.slice(-2)]).toEqual([start, ...sent.slice(-2)]);
          expect(new Set(read.map(({ id }) => id)).size).toBe(read.length);
        },
      ),
      { numRuns: 15 },
    );
  });
});
