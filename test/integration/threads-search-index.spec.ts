import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../src/config/configuration-error.js';
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
