import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromWireId } from '../../src/common/ids.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import type { ThreadDto } from '../../src/threads/dto/thread.dto.js';
import { ThreadsService } from '../../src/threads/threads.service.js';
import { answers, Parley, upstreamModel, type Answer, type Person } from '../support/parley.js';

let parley: Parley;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
  bob = await parley.first.logIn('bob');
});

afterAll(() => parley.stop());

function search(q: string, more = '', person = ada): Promise<Answer<ThreadDto[]>> {
  return person.ask('GET', `/api/threads?q=${encodeURIComponent(q)}${more}`);
}

async function titles(q: string, more = '', person = ada): Promise<string[]> {
  const { status, data } = await search(q, more, person);
  expect(status).toBe(200);
  return data.map(({ title }) => title);
}

/** A thread in which the person says something, and the model answers something. */
async function say(title: string, content: string, answer = 'Yes', person = ada): Promise<string> {
  const thread = await person.createThread(title);
  parley.upstream.enqueue(answers(answer));
  expect((await person.post(thread, upstreamModel, { content })).status).toBe(200);
  return thread;
}

/** What is highlighted of the first thread that is found. */
async function highlighted(q: string, person = ada): Promise<string[]> {
  const match = (await search(q, '', person)).data[0]?.match;
  return match?.ranges.map(({ start, end }) => match.text.slice(start, end)) ?? [];
}

describe('a search', () => {
  it.each([
    ['nothing', '', 'q'],
    ['blanks', '  ', 'q'],
    ['NUL', 'a\0b', 'q'],
    ['more than 500 characters', 'x'.repeat(501), 'q'],
    ['more than 32 words', 'a '.repeat(33), 'q'],
    ['more than 32 words in a phrase', `"${'a.'.repeat(33)}"`, 'q'],
    ['more than 32 words that must not be there', '-a '.repeat(33), 'q'],
    ['more than 32 characters of a script without spaces', '字'.repeat(33), 'q'],
    ['characters that are more than 32 words', '\ufdfb'.repeat(32), 'q'],
  ])('refuses to look for %s', async (_name, q, param) => {
    const answer = await search(q);
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
  });

  it('refuses half a character, several queries, and relevance to nothing', async () => {
    for (const [query, param] of [
      ['q=%ED%A0%80', undefined],
      ['q=a&q=b', 'q'],
      ['q[x]=a', 'q[x]'],
      ['orderBy=relevance', 'orderBy'],
    ] as const) {
      const answer = await ada.ask('GET', `/api/threads?${query}`);
      if (param === undefined) expect(answer.data).toEqual([]);
      else expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
    }
  });

  it.each([
    ...[
      '"',
      '""',
      '"open',
      '-',
      '--',
      '-"',
      'or',
      'OR or -or',
      "'",
      "''",
      '\\',
      "\\'",
      ':*',
      '<->',
      '&',
      '|',
      '!',
      '()',
    ],
    ...[
      'a:b',
      'a & b',
      "'a' <-> 'b'",
      '%',
      '_',
      '; DROP TABLE threads',
      '💥',
      '\u0301',
      '\u200d',
      '\ufdfb'.repeat(31),
    ],
    ...[
      'x'.repeat(500),
      '字'.repeat(32),
      '- '.repeat(250),
      '-a '.repeat(32),
      '"a" or '.repeat(32),
      'a'.repeat(499) + '"',
    ],
  ])('for %s is answered', async (q) => {
    const { status, pagination } = await search(q, '', bob);
    expect([status, pagination.totalCount]).toEqual([200, 0]);
  });

  it('is given up when it takes longer than 2 seconds', async () => {
    await parley.first.app.get(Transactions).run(async (db) => {
      await db.query('LOCK TABLE search_documents');
      const before = performance.now();
      const answer = await search('anything', '', bob);
      expect(answer).toMatchObject({ status: 503, error: { code: 'SEARCH_TIMEOUT' } });
      expect(performance.now() - before).toBeLessThan(5000);
    });
    expect((await search('anything', '', bob)).status).toBe(200);
  });

  it('is answered with no body of somebody else', async () => {
    await say('Private', 'the unicorn is mine');
    expect(await titles('unicorn')).toEqual(['Private']);
    expect(await titles('unicorn', '', bob)).toEqual([]);
    expect((await search('unicorn', '', bob)).pagination.totalCount).toBe(0);
  });
});

describe('what is found', () => {
  it('is in titles, in what people say, in what models answer, and in summaries', async () => {
    await ada.createThread('About quokkas');
    const said = await say('Said', 'tell me of wombats', 'They are marsupials');
    expect(await titles('quokkas')).toEqual(['About quokkas']);
    expect(await titles('wombats')).toEqual(['Said']);
    expect(await titles('marsupials')).toEqual(['Said']);
    await parley.first.database.query(
      `UPDATE thread_models SET summary = 'of burrowing' WHERE thread_id = $1`,
      [fromWireId('thread', said)],
    );
    expect((await search('burrowing')).data).toMatchObject([
      { title: 'Said', match: { kind: 'summary', messageId: null, text: 'of burrowing' } },
    ]);
  });

  it('is in step with a title that changes, and with a thread that goes', async () => {
    const thread = await ada.createThread('Before sunrise');
    await ada.ask('PATCH', `/api/threads/${thread}`, { title: 'After sunset' });
    expect(await titles('sunrise')).toEqual([]);
    expect(await titles('sunset')).toEqual(['After sunset']);
    await ada.ask('DELETE', `/api/threads/${thread}`);
    expect(await titles('sunset')).toEqual([]);
    const rows = await parley.first.database.query<unknown[]>(
      'SELECT FROM search_documents WHERE thread_id = $1',
      [fromWireId('thread', thread)],
    );
    expect(rows).toEqual([]);
  });

  it('changes in the transaction that changes the text, and not without it', async () => {
    const id = fromWireId('thread', await ada.createThread('Committed')) ?? '';
    const [owner] = await parley.first.database.query<{ tenantId: string; userId: string }[]>(
      'SELECT tenant_id AS "tenantId", user_id AS "userId" FROM threads WHERE id = $1',
      [id],
    );
    if (owner === undefined) throw new Error('no thread');
    const found = (): Promise<string[]> => titles('committed or undone');
    const undone = parley.first.app.get(Transactions).run(async (db) => {
      await db.query(`UPDATE threads SET title = 'Undone' WHERE id = $1`, [id]);
      const [row] = await db.query<{ words: string }[]>(
        'SELECT words FROM search_documents WHERE thread_id = $1',
        [id],
      );
      expect(row?.words).toBe("'undone':1A");
      expect(await found()).toEqual(['Committed']);
      throw new Error('no');
    });
    await expect(undone).rejects.toThrow('no');
    expect(await found()).toEqual(['Committed']);
    await parley.first.app.get(ThreadsService).change(owner, id, { title: 'Undone' });
    expect(await found()).toEqual(['Undone']);
  });

  it('goes with a message that goes', async () => {
    const thread = await say('Shorter', 'a platypus');
    const { database } = parley.first;
    await database.query(`DELETE FROM messages WHERE thread_id = $1`, [fromWireId('thread', thread)]);
    expect(await titles('platypus')).toEqual([]);
    expect(await titles('shorter')).toEqual(['Shorter']);
  });

  it('answers words, phrases, alternatives and exclusions', async () => {
    const carl = await parley.first.logIn('carl');
    await carl.createThread('red apple pie');
    await carl.createThread('apple red');
    await carl.createThread('green pear');
    const found = async (q: string): Promise<string[]> => (await titles(q, '', carl)).sort();
    expect(await found('red apple')).toEqual(['apple red', 'red apple pie']);
    expect(await found('"red apple"')).toEqual(['red apple pie']);
    expect(await found('apple -pie')).toEqual(['apple red']);
    expect(await found('pie or pear')).toEqual(['green pear', 'red apple pie']);
    expect(await found('pie OR -"red apple" pear')).toEqual(['green pear', 'red apple pie']);
    expect(await found('or pear')).toEqual(['green pear']);
    expect(await found('APPLE Pie')).toEqual(['red apple pie']);
    expect(await found('app')).toEqual([]);
  });

  it('is in long messages up to their end, in one of any size', async () => {
    const dora = await parley.first.logIn('dora');
    const filler = Array.from({ length: 60_000 }, (_, index) => `w${index.toString(36)}`).join(' ');
    await say('Long', `${filler} ${'y'.repeat(3000)} needle in it`, 'Yes', dora);
    await say('Long without spaces', `${'中'.repeat(20_000)}終わり${'中'.repeat(20_000)}`, 'Yes', dora);
    expect(await titles('"needle in it"', '', dora)).toEqual(['Long']);
    expect(await titles('終わり', '', dora)).toEqual(['Long without spaces']);
    expect(await highlighted('needle', dora)).toEqual(['needle']);
    expect(await highlighted('終わり', dora)).toEqual(['終わり']);
  });
});

describe('a long message of a script without spaces', () => {
  it.each([
    [
      'ประเทศไทยเป็นประเทศที่ตั้งอยู่ในเอเชียตะวันออกเฉียงใต้ มีภาษาไทยเป็นภาษาราชการ การศึกษาและการพัฒนาระบบงานสาธารณะเป็นภารกิจของรัฐบาล ',
      'ช้างน้ำตาล',
    ],
    [
      'このシステムの設定は管理者の画面からいつでも変更することができますので、お使いの環境に合わせて必要な項目の値を見直してください。また、利用者の情報の扱いについては会社の規則の範囲の中で行うものとし、',
      '富士山の頂',
    ],
  ])('keeps its common characters up to its end: %s', async (prose, end) => {
    const iris = await parley.first.logIn(`iris ${end.length}`);
    await say('Prose', prose.repeat(60).slice(0, 5700) + end, 'Yes', iris);
    expect(await titles(end, '', iris)).toEqual(['Prose']);
    expect(await highlighted(end, iris)).toEqual([end]);
  });

  it('is indexed in its first 200 parts, and stored whole', async () => {
    const jan = await parley.first.logIn('jan');
    const content = `${'中'.repeat(260_190)}始まり${'中'.repeat(100)}終わり`;
    const thread = await say('Very long', content, 'Yes', jan);
    expect(await titles('始まり', '', jan)).toEqual(['Very long']);
    expect(await titles('終わり', '', jan)).toEqual([]);
    expect((await jan.messages(thread))[0]?.content).toBe(content);
  });
});

describe('words of any script', () => {
  const texts: readonly (readonly [text: string, finds: string, doesNot: string])[] = [
    ['Die Straße nach Süden', 'süden', 'sud'],
    ['Привет, МИР!', 'мир', 'ми'],
    ['ΛΟΓΟΣ και μύθος', 'λόγος'.normalize().replace('ό', 'ο'), 'λογο'],
    ['今日は東京都で会議があります', '東京都', '京東'],
    ['今日は東京都で会議があります', '会', '海'],
    ['我们在北京大学学习中文', '北京大学', '大北'],
    ['コンピュータを買う', 'コンピュータ', 'ピコ'],
    ['서울에서 만나요', '서울', '울서'],
    ['วันนี้ไม่มีเรียน', 'ไม่มี', 'มีไม่'],
    ['ພາສາລາວ', 'ລາວ', 'ວລາ'],
    ['ភាសាខ្មែរ', 'ខ្មែរ', 'រខ្មែ'],
    ['မြန်မာဘာသာ', 'ဘာသာ', 'သာဘာ'],
    ['نص باللغة العربية، هنا', 'العربية', 'عرب'],
    ['שלום, עולם', 'עולם', 'עול'],
    ['हिन्दी में क्षेत्र।', 'क्षेत्र', 'क्ष'],
    ['தமிழ் மொழி', 'மொழி', 'மொ'],
    ['ＡＢＣ の ｶﾀｶﾅ', 'abc', 'ab'],
    ['cafe\u0301 noir', 'caf\u00e9', 'caf'],
    ['call config.yaml or lodash.map()', 'lodash', 'lod'],
    ['call config.yaml or lodash.map()', 'config.yaml', 'yaml.config'],
    ['snake_case/and-dashes', 'case', 'cas'],
    ['mail ada@example.org 3.14', 'ada@example.org', 'org.example'],
    ['<b>bold</b>&amp;', 'bold', 'bol'],
  ];

  it.each(texts)('are found in %s: %s, not %s', async (text, finds, doesNot) => {
    const eve = await parley.first.logIn(`eve ${texts.findIndex((row) => row[1] === finds)}`);
    await eve.createThread(text);
    expect(await titles(finds, '', eve)).toEqual([text]);
    expect(await titles(doesNot, '', eve)).toEqual([]);
    expect((await highlighted(finds, eve)).length).toBeGreaterThan(0);
  });
});

describe('what is shown of a match', () => {
  it('names the message and marks words by their place in plain text', async () => {
    const finn = await parley.first.logIn('finn');
    const text = `${'far away. '.repeat(50)}Here <b>Bold</b> & "bold" <script>alert(1)</script> ${'x '.repeat(500)}`;
    const thread = await say('Plain', text, 'Yes', finn);
    const { data } = await search('bold script', '', finn);
    const [message] = await finn.messages(thread);
    expect(data[0]?.match).toMatchObject({ kind: 'message', messageId: message?.id });
    const shown = data[0]?.match?.text ?? '';
    expect(text).toContain(shown);
    expect(shown.length).toBeLessThanOrEqual(240);
    expect(await highlighted('bold script', finn)).toEqual(['Bold', 'bold', 'script', 'script']);
    expect((await finn.ask<ThreadDto[]>('GET', '/api/threads')).data[0]).not.toHaveProperty('match');
  });

  it('marks characters of scripts without spaces only where the whole word is', async () => {
    const gina = await parley.first.logIn('gina');
    await gina.createThread('京の東と東京と京東 𠮷野家');
    expect(await highlighted('東京', gina)).toEqual(['東京']);
    expect(await highlighted('𠮷野', gina)).toEqual(['𠮷野']);
  });
});

describe('the order of what is found', () => {
  let hugo: Person;

  beforeAll(async () => {
    hugo = await parley.first.logIn('hugo');
    await say('One', 'a long talk of many things, and of otters once', 'Yes', hugo);
    await say('Two', 'otters otters otters', 'Yes', hugo);
    await hugo.createThread('Otters');
    for (const title of ['Four', 'Five', 'Six', 'Seven']) await say(title, 'an otters', 'Yes', hugo);
  });

  const all = ['One', 'Two', 'Otters', 'Four', 'Five', 'Six', 'Seven'];

  async function walk(query: string): Promise<string[]> {
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { data, pagination } = await search('otters', `&${query}${cursor}`, hugo);
      expect(pagination.totalCount).toBe(7);
      seen.push(...data.map(({ title }) => title));
      if (pagination.cursor === null) return seen;
      cursor = `&cursor=${pagination.cursor}`;
    }
  }

  it('is by relevance: titles first, then by how much of a text it is', async () => {
    const found = await titles('otters', '', hugo);
    expect(found.slice(0, 2)).toEqual(['Otters', 'Two']);
    expect(found.at(-1)).toBe('One');
  });

  it.each([
    ['orderBy=created_at&order=asc', all],
    ['orderBy=updated_at', [...all].reverse()],
  ])('is by time when asked: %s', async (query, expected) => {
    expect(await walk(`${query}&limit=2`)).toEqual(expected);
  });

  it.each(['limit=1', 'limit=2', 'limit=3', 'limit=2&order=asc', 'limit=7'])(
    'is the same on pages of any size, equal ranks included: %s',
    async (query) => {
      const whole = await titles('otters', `&limit=100${query.includes('asc') ? '&order=asc' : ''}`, hugo);
      expect(await walk(query)).toEqual(whole);
      expect([...whole].sort()).toEqual([...all].sort());
    },
  );

  it('refuses a cursor of another query', async () => {
    const { pagination } = await search('otters', '&limit=2', hugo);
    const cursor = `&limit=2&cursor=${String(pagination.cursor)}`;
    for (const [q, more] of [
      ['otter', ''],
      ['otters', '&orderBy=updated_at'],
      ['otters', '&archived=all'],
    ] as const) {
      expect((await search(q, `${cursor}${more}`, hugo)).error?.code).toBe('INVALID_CURSOR');
    }
    expect((await hugo.ask('GET', `/api/threads?limit=2${cursor}`)).status).toBe(400);
  });

  it('leaves out what is archived, unless asked', async () => {
    const { data } = await search('otters', '&limit=1', hugo);
    const path = `/api/threads/${String(data[0]?.id)}`;
    await hugo.ask('PATCH', path, { archived: true });
    expect(await titles('otters', '', hugo)).toHaveLength(6);
    expect(await titles('otters', '&archived=true', hugo)).toEqual(['Otters']);
    expect((await search('otters', '&archived=all', hugo)).pagination.totalCount).toBe(7);
    await hugo.ask('PATCH', path, { archived: false });
  });
});
