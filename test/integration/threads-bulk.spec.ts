import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromWireId } from '../../src/common/ids.js';
import { ThreadDeletion } from '../../src/threads/thread-deletion.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { Gate } from '../../bench/upstream/gate.js';
import { stream } from '../../bench/upstream/scripts.js';
import { answerPieces, Parley, upstreamModel, type Person } from '../support/parley.js';
import { auditOf, idOf } from '../support/people.js';

let parley: Parley;
let bob: Person;

beforeAll(async () => {
  parley = await Parley.start();
  bob = await parley.first.logIn('bob');
});

afterAll(() => parley.stop());

/** Threads without messages, as many as nobody makes by hand. */
async function addThreads(person: Person, count: number): Promise<void> {
  await parley.first.database.query(
    `INSERT INTO threads (id, tenant_id, user_id, title, archived, message_count, created_at, updated_at)
     SELECT gen_random_uuid(), tenant_id, id, 'Thread ' || n, n % 2 = 0, 0, now(), now() - n * interval '1 second'
       FROM users, generate_series(1, $2) n WHERE id = $1`,
    [fromWireId('user', await idOf(person)), count],
  );
}

async function countOf(person: Person, archived: string): Promise<number | undefined> {
  return (await person.ask('GET', `/api/threads?limit=1&archived=${archived}`)).pagination.totalCount;
}

describe('archiving all threads', () => {
  it('archives those of the caller, keeps their order, and says how many it changed', async () => {
    const ada = await parley.first.logIn('archiver');
    await addThreads(ada, 1201);
    await bob.createThread('Stays');
    const before = await ada.ask<ThreadDto[]>('GET', '/api/threads?archived=all&limit=100');
    expect((await ada.ask('POST', '/api/threads/archive', {})).data).toEqual({ archivedThreads: 601 });
    expect([await countOf(ada, 'false'), await countOf(ada, 'true')]).toEqual([0, 1201]);
    const after = await ada.ask<ThreadDto[]>('GET', '/api/threads?archived=all&limit=100');
    const shown = ({ data }: typeof before): unknown => data.map(({ id, updatedAt }) => [id, updatedAt]);
    expect(shown(after)).toEqual(shown(before));
    expect((await ada.ask('POST', '/api/threads/archive', {})).data).toEqual({ archivedThreads: 0 });
    expect(await countOf(bob, 'false')).toBe(1);
  });
});

describe('deleting all threads', () => {
  it.each([
    '',
    '?confirm=',
    '?confirm=yes',
    '?confirm=ALL',
    '?confirm=all&confirm=all',
    '?confirm=all&archived=true',
  ])('is refused unless it is confirmed: %s', async (query) => {
    const before = await parley.ownedRows();
    const answer = await bob.ask('DELETE', `/api/threads${query}`);
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED' } });
    expect(await parley.ownedRows()).toEqual(before);
  });

  it('takes every thread of the caller with its messages and words, and of nobody else', async () => {
    const ada = await parley.first.logIn('deleter');
    await addThreads(ada, 45);
    const thread = await ada.createThread('Talk');
    await ada.post(thread, 'demo', { content: 'Hi' });
    await ada.post(thread, 'demo', { content: 'Again' });
    const others = await bob.createThread('Stays');
    await bob.post(others, 'demo', { content: 'Hi' });
    const deleted = await ada.ask('DELETE', '/api/threads?confirm=all');
    expect([deleted.status, deleted.data]).toEqual([200, { deletedThreads: 46, deletedMessages: 4 }]);
    expect(await countOf(ada, 'all')).toBe(0);
    const userId = fromWireId('user', await idOf(ada));
    for (const table of ['threads', 'messages', 'search_documents']) {
      const rows = await parley.first.database.query<unknown[]>(`SELECT FROM ${table} WHERE user_id = $1`, [
        userId,
      ]);
      expect([table, rows]).toEqual([table, []]);
    }
    expect(await bob.messages(others)).toHaveLength(2);
    expect((await ada.ask('DELETE', '/api/threads?confirm=all')).data).toEqual({
      deletedThreads: 0,
      deletedMessages: 0,
    });
  });

  it('is on record with what it deleted', async () => {
    const ada = await parley.first.logIn('recorded');
    const id = await idOf(ada);
    await ada.post(await ada.createThread('One'), 'demo', { content: 'Hi' });
    await ada.createThread('Two');
    await ada.ask('DELETE', '/api/threads?confirm=all');
    await ada.ask('DELETE', '/api/threads?confirm=all');
    expect((await auditOf(parley, id)).filter(({ action }) => action !== 'user.created')).toEqual([
      { action: 'thread.deleted', targetId: id, details: { threads: 2, messages: 2 } },
    ]);
  });

  it('leaves what is made meanwhile', async () => {
    const ada = await parley.first.logIn('quick');
    for (let count = 0; count < 21; count++) await ada.createThread('Before');
    const userId = fromWireId('user', await idOf(ada));
    parley.first.app.get(ThreadDeletion).before(async (owner) => {
      if (owner.userId === userId) await ada.createThread('After');
    });
    expect((await ada.ask('DELETE', '/api/threads?confirm=all')).data).toMatchObject({ deletedThreads: 21 });
    expect(await countOf(ada, 'all')).toBe(21);
  });

  it('takes few threads at once when they are long', async () => {
    const ada = await parley.first.logIn('talker');
    const id = await idOf(ada);
    for (let count = 0; count < 4; count++) await ada.createThread(`Long ${count}`);
    for (const [place, messages] of [2000, 3000, 1, 9000].entries()) {
      await parley.first.database.query(
        'UPDATE threads SET message_count = $2 WHERE user_id = $1 AND title = $3',
        [fromWireId('user', id), messages, `Long ${place}`],
      );
    }
    await ada.ask('DELETE', '/api/threads?confirm=all');
    const entries = (await auditOf(parley, id)).filter(({ action }) => action === 'thread.deleted');
    expect(entries.map(({ details }) => details)).toEqual([
      { threads: 2, messages: 5000 },
      { threads: 1, messages: 1 },
      { threads: 1, messages: 9000 },
    ]);
  });

  it('stops what is being generated first', async () => {
    const ada = await parley.first.logIn('generating');
    const thread = await ada.createThread('Talking');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('One', 'Two'), { gates: { 2: gate } }));
    const open = await ada.stream(thread, upstreamModel, 'Talk');
    while ((await open.next()).type !== 'token');
    expect((await ada.ask('DELETE', '/api/threads?confirm=all')).data).toEqual({
      deletedThreads: 1,
      deletedMessages: 2,
    });
    const rest = await open.rest();
    gate.open();
    expect(rest.map(({ type }) => type)).toEqual(['error', 'close']);
    expect(rest[0]?.data['code']).toBe('GENERATION_CANCELLED');
  });
});
