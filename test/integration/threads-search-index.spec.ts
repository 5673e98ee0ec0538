import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../src/config/configuration-error.js';
import { fromWireId } from '../../src/common/ids.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { SearchIndexRepository } from '../../src/threads/search/search-index.repository.js';
import { SearchIndex } from '../../src/threads/search/search-index.service.js';
import { eventually, Parley, type Person } from '../support/parley.js';

let parley: Parley;
let ada: Person;
let indexes: SearchIndex[];
let people = 0;

beforeAll(async () => {
  parley = await Parley.start();
});

afterAll(() => parley.stop());

beforeEach(async () => {
  indexes = [];
  ada = await parley.first.logIn(`ada ${people++}`);
});

afterEach(async () => {
  await configure('simple');
  await allIsIndexed();
  for (const index of indexes) await index.beforeApplicationShutdown();
});

async function titles(q: string): Promise<string[]> {
  const { data } = await ada.ask<ThreadDto[]>('GET', `/api/threads?orderBy=created_at&order=asc&q=${q}`);
  return data.map(({ title }) => title);
}

/** What a replica does at its start that has this setting. */
async function configure(name: string): Promise<void> {
  const { app } = parley.first;
  const index = new SearchIndex(
    { 'search.configuration': name },
    app.get(SearchIndexRepository),
    app.get(Log),
  );
  indexes.push(index);
  await index.onApplicationBootstrap();
}

async function allIsIndexed(): Promise<void> {
  await eventually(async () => {
    const [row] = await parley.first.database.query<{ pending_after: string | null }[]>(
      'SELECT pending_after FROM search_configuration',
    );
    return row?.pending_after === null ? true : undefined;
  });
}

function forgetIndex(): Promise<unknown> {
  return parley.first.database.query('DELETE FROM search_documents');
}

describe('the text search configuration', () => {
  it('is refused when Postgres has none of that name, and stays', async () => {
    for (const name of ['klingon', 'english; DROP TABLE threads', 'English', '"simple"']) {
      await expect(configure(name)).rejects.toThrow(ConfigurationError);
    }
    await ada.createThread('The running bulls');
    expect(await titles('running')).toEqual(['The running bulls']);
    expect(await titles('run')).toEqual([]);
  });

  it('finds other forms of words in what is written then, and in what was', async () => {
    for (let count = 0; count < 12; count++) await ada.createThread(`Bulls were running ${count}`);
    const thread = await ada.createThread('Words');
    await ada.post(thread, 'demo', { content: 'He swims' });
    await parley.first.database.query(`UPDATE thread_models SET summary = 'of jumping'`);
    await configure('english');
    await allIsIndexed();
    await ada.createThread('Foxes ran, and run');
    expect(await titles('runs')).toHaveLength(13);
    expect(await titles('swimming')).toEqual(['Words']);
    expect(await titles('jumps')).toEqual(['Words']);
    const { data } = await ada.ask<ThreadDto[]>('GET', '/api/threads?q=swimming');
    expect(data[0]?.match).toMatchObject({ text: 'He swims', ranges: [{ start: 3, end: 8 }] });
  });

  it('finds nothing by stop words alone', async () => {
    await ada.createThread('The running of the bulls');
    expect(await titles('the')).toHaveLength(1);
    await configure('english');
    await allIsIndexed();
    expect(await titles('the')).toEqual([]);
    expect(await titles('"of the"')).toEqual([]);
    expect(await titles('the%20bull')).toHaveLength(1);
  });
});

/** Messages that no trigger has seen. */
async function addMessages(thread: string, count: number, content: string): Promise<void> {
  await parley.first.database.transaction(async (db) => {
    await db.query('SET LOCAL session_replication_role = replica');
    await db.query(
      `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, role, status, content, parts,
                             cancel_requested, created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, user_id, id, 'old', 'user', 'complete', $3 || ' w' || n, '[]', false, now(), now()
         FROM threads, generate_series(1, $2::integer) n WHERE id = $1`,
      [fromWireId('thread', thread), count, content],
    );
  });
}

async function indexedOf(thread: string): Promise<number | undefined> {
  const [row] = await parley.first.database.query<{ count: number }[]>(
    `SELECT count(DISTINCT source_id)::integer AS count FROM search_documents WHERE thread_id = $1 AND kind = 'message'`,
    [fromWireId('thread', thread)],
  );
  return row?.count;
}

/** As if all threads before this one were indexed. */
function indexFrom(thread: string): Promise<unknown> {
  return parley.first.database.query(
    `UPDATE search_configuration SET pending_message = NULL, pending_after = coalesce(
       (SELECT id FROM threads WHERE id < $1 ORDER BY id DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')`,
    [fromWireId('thread', thread)],
  );
}

describe('a long thread', () => {
  it('is indexed a hundred messages at a time, and a million bytes', async () => {
    const many = await ada.createThread('Many');
    await addMessages(many, 230, 'old');
    const large = await ada.createThread('Large');
    await addMessages(large, 3, 'large '.repeat(80_000));
    await indexFrom(many);
    const index = parley.first.app.get(SearchIndexRepository);
    const counts: unknown[] = [];
    while ((await index.indexSome()) === 'some') counts.push([await indexedOf(many), await indexedOf(large)]);
    expect(counts).toEqual([
      [100, 0],
      [200, 0],
      [230, 0],
      [230, 2],
      [230, 3],
    ]);
    expect(await titles('w230')).toEqual(['Many']);
  });

  it('that goes meanwhile is left, and the next is indexed from its start', async () => {
    const gone = await ada.createThread('Gone');
    await addMessages(gone, 101, 'gone');
    const next = await ada.createThread('Next');
    await addMessages(next, 3, 'next');
    await indexFrom(gone);
    const index = parley.first.app.get(SearchIndexRepository);
    expect(await index.indexSome()).toBe('some');
    await ada.ask('DELETE', `/api/threads/${gone}`);
    expect(await index.indexSome()).toBe('some');
    expect(await indexedOf(next)).toBe(3);
  });

  it('is passed over where it cannot be indexed, with a line in the log', async () => {
    const { app, database } = parley.first;
    const bad = await ada.createThread('Bad');
    await addMessages(bad, 1, 'poison');
    const next = await ada.createThread('Good');
    await addMessages(next, 1, 'good');
    await indexFrom(bad);
    await database.query(
      `ALTER TABLE search_documents ADD CONSTRAINT ck_test CHECK (NOT words @@ 'poison'::tsquery)`,
    );
    const lines: unknown[] = [];
    const log = { error: (line: unknown): number => lines.push(line) } as unknown as Log; // only what is called
    const index = new SearchIndexRepository(app.get(Transactions), log);
    while ((await index.indexSome()) === 'some');
    await database.query('ALTER TABLE search_documents DROP CONSTRAINT ck_test');
    expect([await indexedOf(bad), await indexedOf(next)]).toEqual([0, 1]);
    expect(lines).toMatchObject([{ thread: fromWireId('thread', bad) }]);
  });
});

describe('what was stored before there was an index', () => {
  it('is indexed after the start, once, whichever replica does it', async () => {
    const { database } = parley.first;
    for (let count = 0; count < 12; count++) await ada.createThread(`Old ${count}`);
    await forgetIndex();
    await database.query(
      `UPDATE search_configuration SET pending_after = '00000000-0000-0000-0000-000000000000'`,
    );
    await Promise.all([configure('simple'), configure('simple')]);
    await allIsIndexed();
    expect(await titles('old')).toHaveLength(12);
  });

  it('is left alone when it is indexed', async () => {
    await ada.createThread('Old');
    await forgetIndex();
    await configure('simple');
    expect(await parley.first.app.get(SearchIndexRepository).indexSome()).toBe('done');
    expect(await titles('old')).toEqual([]);
  });
});
