import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ThreadDetailDto, ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import { describedRoutes, Parley, type Person } from '../support/parley.js';

let parley: Parley;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
  bob = await parley.first.logIn('bob');
});

afterAll(() => parley.stop());

describe('threads', () => {
  it('are created, read, renamed, archived and deleted', async () => {
    const created = await ada.ask<ThreadDetailDto>('POST', '/api/threads', { title: 'Plans' });
    expect(created.status).toBe(201);
    expect(created.data).toMatchObject({
      title: 'Plans',
      archived: false,
      messageCount: 0,
      lastMessagePreview: null,
      activeModels: [],
      models: {},
    });
    const path = `/api/threads/${created.data.id}`;
    expect((await ada.ask('GET', path)).data).toEqual(created.data);
    expect(
      (await ada.ask<ThreadDetailDto>('PATCH', `${path}/title`, { title: 'Better plans' })).data.title,
    ).toBe('Better plans');
    expect((await ada.ask('PATCH', path, { archived: true })).data).toMatchObject({
      title: 'Better plans',
      archived: true,
    });
    await ada.post(created.data.id, 'demo', { content: 'Hi' });
    const deleted = await ada.ask('DELETE', path);
    expect(deleted.data).toEqual({ deletedThread: created.data.id, deletedMessages: 2 });
    expect((await ada.ask('GET', path)).error?.code).toBe('THREAD_NOT_FOUND');
    expect(await parley.first.database.query('SELECT FROM messages')).toEqual([]);
  });

  it('are served the same under the explicit version', async () => {
    const id = await ada.createThread('Versioned');
    const plain = await ada.ask('GET', `/api/threads/${id}`);
    const versioned = await ada.ask('GET', `/api/v1/threads/${id}`);
    expect(versioned.data).toEqual(plain.data);
  });
});

describe('the list of threads', () => {
  let carol: Person;
  const titles = Array.from({ length: 7 }, (_, index) => `Thread ${index}`);

  beforeAll(async () => {
    carol = await parley.first.logIn('carol');
    for (const title of titles) await carol.createThread(title);
    const { data } = await carol.ask<ThreadDto[]>('GET', '/api/threads?orderBy=created_at&order=asc&limit=1');
    await carol.ask('PATCH', `/api/threads/${String(data[0]?.id)}`, { archived: true });
  });

  async function walk(query: string): Promise<string[]> {
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { data, pagination } = await carol.ask<ThreadDto[]>('GET', `/api/threads?${query}${cursor}`);
      seen.push(...data.map(({ title }) => title));
      if (pagination.cursor === null) {
        expect(pagination.hasMore).toBe(false);
        return seen;
      }
      expect(pagination.hasMore).toBe(true);
      cursor = `&cursor=${pagination.cursor}`;
    }
  }

  it.each([
    ['limit=2', titles.slice(1).reverse()],
    ['limit=3&orderBy=created_at&order=asc', titles.slice(1)],
    ['limit=2&archived=true', titles.slice(0, 1)],
    ['limit=4&archived=all&orderBy=created_at&order=desc', [...titles].reverse()],
  ])('pages through everything once and in order: %s', async (query, expected) => {
    expect(await walk(query)).toEqual(expected);
  });

  it('counts exactly', async () => {
    expect((await carol.ask('GET', '/api/threads?limit=1')).pagination.totalCount).toBe(6);
    expect((await carol.ask('GET', '/api/threads?limit=1&archived=all')).pagination.totalCount).toBe(7);
  });

  it('stays stable while threads are added', async () => {
    const first = await carol.ask<ThreadDto[]>('GET', '/api/threads?limit=3');
    await carol.createThread('Newer');
    const second = await carol.ask<ThreadDto[]>(
      'GET',
      `/api/threads?limit=3&cursor=${String(first.pagination.cursor)}`,
    );
    const seen = [...first.data, ...second.data].map(({ title }) => title);
    expect(seen).toEqual(titles.slice(1).reverse());
  });

  it.each([
    ['a cursor of another order', 'limit=2&order=asc'],
    ['a cursor of another filter', 'limit=2&archived=all'],
  ])('refuses %s', async (_name, query) => {
    const { pagination } = await carol.ask('GET', '/api/threads?limit=2');
    const answer = await carol.ask('GET', `/api/threads?${query}&cursor=${String(pagination.cursor)}`);
    expect(answer).toMatchObject({ status: 400, error: { code: 'INVALID_CURSOR', param: 'cursor' } });
  });
});

describe('what is not yours', () => {
  it('does not exist, and stays as it was', async () => {
    const thread = await ada.createThread('Private');
    const { data } = await ada.post(thread, 'demo', { content: 'secret' });
    const message = data.assistantMessage.id;
    const before = await parley.ownedRows();
    const attempts: [string, string, unknown?][] = [
      ['GET', `/api/threads/${thread}`],
      ['PATCH', `/api/threads/${thread}`, { title: 'mine now' }],
      ['PATCH', `/api/threads/${thread}/title`, { title: 'mine now' }],
      ['DELETE', `/api/threads/${thread}`],
      ['GET', `/api/threads/${thread}/messages`],
      ['GET', `/api/threads/${thread}/models/demo/messages`],
      ['POST', `/api/threads/${thread}/models/demo/messages`, { content: 'intruding' }],
      ['POST', `/api/threads/${thread}/models/demo/messages`, { content: 'intruding', stream: true }],
      ['GET', `/api/threads/${thread}/export`],
      ['POST', `/api/threads/${thread}/models/demo/summarize`, {}],
      ['GET', `/api/messages/${message}`],
      ['GET', `/api/messages/${message}/stream`],
      ['POST', `/api/messages/${message}/cancel`, {}],
      ['POST', `/api/messages/${message}/regenerate`, {}],
    ];
    const owned = await describedRoutes(parley.first, (path) => /\{(thread|message)Id\}/.test(path));
    const tried = attempts.map(([method, path]) =>
      `${method} ${path}`
        .replace(thread, '{threadId}')
        .replace(message, '{messageId}')
        .replace('/models/demo/', '/models/{modelId}/'),
    );
    expect([...new Set(tried)].sort()).toEqual(owned.sort());
    for (const [method, path, body] of attempts) {
      const answer = await bob.ask(method, path, body);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.error?.code).toMatch(/^(THREAD|MESSAGE)_NOT_FOUND$/);
    }
    expect(await parley.ownedRows()).toEqual(before);
    expect((await bob.ask('GET', '/api/threads')).data).toEqual([]);
  });

  it('is told apart from what is absent in no way', async () => {
    const thread = await ada.createThread('Private');
    const foreign = await bob.ask('GET', `/api/threads/${thread}`);
    const absent = await bob.ask('GET', `/api/threads/${toWireId('thread', new UuidV7Ids().next())}`);
    expect(foreign.status).toBe(absent.status);
    expect(foreign.error).toEqual(absent.error);
  });
});

describe('a guest', () => {
  it('reads but does not write', async () => {
    const gus = await parley.first.logIn('gus', { groups: ['guests'] });
    expect((await gus.ask('GET', '/api/threads')).status).toBe(200);
    expect(await gus.ask('POST', '/api/threads', {})).toMatchObject({
      status: 403,
      error: { code: 'FORBIDDEN' },
    });
  });
});
