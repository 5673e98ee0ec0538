import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  chatGptConversation,
  claudeConversation,
  said,
  simpleChatGptConversation,
  zipOf,
} from '../support/foreign-exports.js';
import { exported, importFile, reportOf } from '../support/imports.js';
import { Parley, type Person } from '../support/parley.js';
import { auditOf, idOf } from '../support/people.js';

let parley: Parley;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
});

afterAll(() => parley.stop());

/** Of a thread, what was said on its current branch. */
async function branchOf(person: Person, title: string): Promise<string[]> {
  const { data } = await person.ask<{ id: string; title: string }[]>(
    'GET',
    '/api/threads?limit=100&archived=all',
  );
  const thread = data.find((candidate) => candidate.title === title);
  return (await person.messages(thread?.id ?? '')).map(({ role, content }) => `${role}: ${content}`);
}

describe('a file that is no export', () => {
  it.each([
    ['an object of ours', '{"format":"parley.threads","version":2,"threads":[{}]}', 'IMPORT_FORMAT_UNKNOWN'],
    ['another object', '{"conversations":[]}', 'IMPORT_FORMAT_UNKNOWN'],
    ['threads before their format', '{"threads":[{}],"format":"parley.threads"}', 'IMPORT_FORMAT_UNKNOWN'],
    ['a list of other things', '[{"a":1},5,null]', 'IMPORT_FORMAT_UNKNOWN'],
    ['an empty list', '[]', 'IMPORT_FORMAT_UNKNOWN'],
    ['a hundred other things without an end', `[${'0,'.repeat(100)}`, 'IMPORT_FORMAT_UNKNOWN'],
    ['no JSON', 'hello', 'IMPORT_FILE_BROKEN'],
    ['half of one', '[{"mapping":{', 'IMPORT_FILE_BROKEN'],
    ['our own without its end', '{"format":"parley.threads","version":1,"threads":[]}', 'IMPORT_FILE_BROKEN'],
  ])('is refused: %s', async (_what, file, code) => {
    const before = await parley.ownedRows();
    const answer = await importFile(ada, file);
    expect(answer).toMatchObject({ status: 422, error: { code } });
    expect(reportOf(answer)).toMatchObject({ imported: 0, complete: false });
    expect(await parley.ownedRows()).toEqual(before);
  });

  it('is refused as an archive without conversations, and as no archive', async () => {
    const type = 'application/zip';
    const empty = await importFile(ada, zipOf({ 'chat.html': '<p>', 'x/._conversations.json': '[]' }), {
      type,
    });
    expect(empty).toMatchObject({ status: 422, error: { code: 'IMPORT_FORMAT_UNKNOWN' } });
    const none = await importFile(ada, '[]', { type });
    expect(none).toMatchObject({ status: 422, error: { code: 'IMPORT_FILE_BROKEN' } });
  });

  it('is refused without a body, of another type, and with a query that is not known', async () => {
    expect(await ada.ask('POST', '/api/threads/import')).toMatchObject({
      status: 400,
      error: { code: 'INVALID_BODY' },
    });
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/json+x']) {
      const answer = await importFile(ada, '[]', { type });
      expect(answer).toMatchObject({ status: 415, error: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
    }
    for (const query of ['?modelId=', '?modelId=a%00b', `?modelId=${'x'.repeat(201)}`, '?model=x']) {
      const answer = await importFile(ada, '[]', { query });
      expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED' } });
    }
  });
});

describe('a conversation that cannot be understood', () => {
  const node = (id: string, parent: string | null, text = id) => ({
    id,
    parent,
    message: said('user', text),
  });

  it('is refused with its reason, and the others are imported', async () => {
    const many = Array.from({ length: 10_001 }, (_, index) => node(`n${index}`, null));
    const file = [
      chatGptConversation('cycle', [node('a', 'b'), node('b', 'a')]),
      chatGptConversation('orphan', [node('a', 'nobody')]),
      chatGptConversation('many', many),
      { ...chatGptConversation('nameless', [node('a', null)]), id: 5, conversation_id: undefined },
      { id: 'wrong', title: 'Wrong', mapping: { a: 5 } },
      { id: 'wronger', mapping: { a: { message: { author: 'me' } } } },
      'text',
      claudeConversation('twice', [
        { uuid: 'm', sender: 'human', text: 'a' },
        { uuid: 'm', sender: 'human', text: 'b' },
      ]),
      claudeConversation('who', [{ uuid: 'm', sender: 'robot', text: 'a' }]),
      simpleChatGptConversation('good among bad'),
    ];
    const bob = await parley.first.logIn('bob');
    const answer = await importFile(bob, file);
    expect(answer.status).toBe(200);
    const report = reportOf(answer);
    expect(report).toMatchObject({ complete: true, conversations: 10, imported: 1, importedMessages: 2 });
    expect(report.refused).toMatchObject({ count: 9, truncated: false });
    expect(report.refused.conversations.map(({ sourceId, reason }) => [sourceId, reason])).toEqual([
      ['cycle', 'cycle'],
      ['orphan', 'parent_missing'],
      ['many', 'too_many_messages'],
      [null, 'no_id'],
      ['wrong', 'malformed'],
      ['wronger', 'malformed'],
      [null, 'malformed'],
      ['twice', 'duplicate_message'],
      ['who', 'malformed'],
    ]);
    expect(report.refused.conversations[0]?.title).toBe('Talk cycle');
  });

  it('is refused when it is no UTF-8, and is listed no more than a thousand times', async () => {
    const carl = await parley.first.logIn('carl');
    const good = JSON.stringify(simpleChatGptConversation('small'));
    const bad = Buffer.from(JSON.stringify(simpleChatGptConversation('bad', 'a?b')));
    bad[bad.indexOf('a?b') + 1] = 0xff;
    const pieces = ['[', bad, ',', good, ',1'.repeat(1200), ']'].map((piece) => Buffer.from(piece));
    const report = reportOf(await importFile(carl, Buffer.concat(pieces)));
    expect(report).toMatchObject({ imported: 1, refused: { count: 1201, truncated: true } });
    expect(report.refused.conversations).toHaveLength(1000);
    const reasons = report.refused.conversations.map(({ reason }) => reason);
    expect(reasons.slice(0, 2)).toEqual(['not_utf8', 'malformed']);
  });
});

describe('a file that was made to keep us busy', () => {
  const good = JSON.stringify(simpleChatGptConversation('good'));

  it('is read until 10,000 of its conversations were refused', async () => {
    const nora = await parley.first.logIn('nora');
    const bad = (count: number): string => `[${good}${',0'.repeat(count)}]`;
    const stopped = await importFile(nora, bad(10_001));
    expect(stopped).toMatchObject({ status: 422, error: { code: 'IMPORT_FILE_BROKEN' } });
    expect(stopped.error?.details).toMatchObject({
      damage: 'too_many_refused',
      report: { complete: false, imported: 1, refused: { count: 10_000 } },
    });
    expect(reportOf(await importFile(nora, bad(10_000))).complete).toBe(true);
  });

  it('has 100,000 conversations at most', async () => {
    const otto = await parley.first.logIn('otto');
    const empty = ',{"uuid":"e","chat_messages":[]}'.repeat(100_000);
    const answer = await importFile(otto, `[${good}${empty}]`);
    expect(answer).toMatchObject({
      status: 413,
      error: { code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('100000 conversations') },
    });
    expect(reportOf(answer)).toMatchObject({ imported: 1, skipped: { count: 99_999 }, complete: false });
  });

  it('loses what is nested too deep, and what is of half a million values, alone', async () => {
    const pia = await parley.first.logIn('pia');
    const deep = `{"uuid":"deep","chat_messages":[{"uuid":"m","sender":"assistant","content":[{"type":"tool_use","input":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}]}`;
    const wide = `{"id":"wide","mapping":{"a":[${'0,'.repeat(500_000)}0]}}`;
    const answer = await importFile(pia, `[${deep},${wide},${good}]`);
    expect(answer.status).toBe(200);
    expect(reportOf(answer)).toMatchObject({
      imported: 1,
      refused: {
        conversations: [
          { sourceId: 'deep', reason: 'malformed' },
          { sourceId: null, reason: 'too_large' },
        ],
      },
    });
  });
});

describe('a file of which a part arrives', () => {
  it('leaves whole conversations, is no success, and is completed by the whole file', async () => {
    const dora = await parley.first.logIn('dora');
    const file = JSON.stringify(['one', 'two', 'three'].map((id) => simpleChatGptConversation(id)));
    const half = await importFile(dora, file.slice(0, file.indexOf('"three"') + 50));
    expect(half).toMatchObject({ status: 422, error: { code: 'IMPORT_FILE_BROKEN' } });
    expect(half.error?.details).toMatchObject({
      damage: 'truncated',
      report: { imported: 2, complete: false },
    });
    const whole = await importFile(dora, file);
    expect(whole.status).toBe(200);
    expect(reportOf(whole)).toMatchObject({ imported: 1, skipped: { count: 2 } });
    const archive = zipOf({ 'conversations.json': JSON.stringify([simpleChatGptConversation('four')]) });
    const broken = await importFile(dora, archive.subarray(0, archive.length - 30), {
      type: 'application/zip',
    });
    expect(broken.error).toMatchObject({ code: 'IMPORT_FILE_BROKEN', details: { report: { imported: 1 } } });
  });
});

describe('the same file twice', () => {
  const file = [simpleChatGptConversation('twice'), simpleChatGptConversation('thrice')];

  it('adds nothing, and says so as an error with the report', async () => {
    const emma = await parley.first.logIn('emma');
    expect(await importFile(emma, file)).toMatchObject({ status: 200, data: { imported: 2 } });
    const before = await parley.ownedRows();
    const again = await importFile(emma, file);
    expect(again).toMatchObject({ status: 422, error: { code: 'NOTHING_IMPORTED' } });
    expect(reportOf(again)).toMatchObject({
      imported: 0,
      complete: true,
      skipped: { count: 2 },
      refused: { count: 0 },
    });
    expect(reportOf(again).skipped.conversations[0]).toEqual({
      sourceId: 'twice',
      title: 'Talk twice',
      reason: 'already_imported',
    });
    expect(await parley.ownedRows()).toEqual(before);
  });

  it('at once, at two replicas, adds everything once', async () => {
    const fred = await parley.first.logIn('fred');
    const other = fred.at(await parley.addReplica());
    const large = Array.from({ length: 30 }, (_, index) => simpleChatGptConversation(`c${index}`));
    const answers = await Promise.all([importFile(fred, large), importFile(other, large)]);
    const reports = answers.map(reportOf);
    expect(reports.reduce((sum, { imported }) => sum + imported, 0)).toBe(30);
    expect(reports.reduce((sum, { skipped }) => sum + skipped.count, 0)).toBe(30);
    expect((await exported(fred)).counts).toEqual({ threads: 30, messages: 60 });
  });

  it('passes over what has grown since, and brings back what was deleted', async () => {
    const gina = await parley.first.logIn('gina');
    await importFile(gina, [simpleChatGptConversation('grows')]);
    const grown = await importFile(gina, [simpleChatGptConversation('grows', 'Hello?', 'Hi, and more.')]);
    expect(reportOf(grown).skipped.conversations[0]?.reason).toBe('changed_since_import');
    await gina.ask('DELETE', '/api/threads?confirm=all');
    expect(await importFile(gina, [simpleChatGptConversation('grows')])).toMatchObject({ status: 200 });
    expect(await branchOf(gina, 'Talk grows')).toEqual(['user: Hello?', 'assistant: Hi.']);
  });

  it("is somebody else's own import", async () => {
    const hugo = await parley.first.logIn('hugo');
    await importFile(hugo, file);
    const ines = await parley.first.logIn('ines');
    expect(await importFile(ines, file)).toMatchObject({ status: 200, data: { imported: 2 } });
  });
});

describe('an export of ChatGPT', () => {
  it('keeps every branch, who answered, and the way to the current node', async () => {
    const jane = await parley.first.logIn('jane');
    const hidden = { weight: 0 };
    const picture = {
      content: { content_type: 'multimodal_text', parts: [{ content_type: 'image_asset_pointer' }] },
    };
    const conversation = chatGptConversation(
      'tree',
      [
        { id: 'root', parent: null, message: null },
        { id: 'sys', parent: 'root', message: said('system', '', hidden) },
        {
          id: 'q1',
          parent: 'sys',
          message: said('user', 'First\u0000 \ud800?', { create_time: 1_700_000_001 }),
        },
        {
          id: 'think',
          parent: 'q1',
          message: said('assistant', '', {
            content: { content_type: 'thoughts', thoughts: [{ summary: 's', content: 'Hm.' }] },
          }),
        },
        {
          id: 'a1',
          parent: 'think',
          message: said('assistant', 'Old answer', { create_time: 1_700_000_002 }),
        },
        {
          id: 'a2',
          parent: 'think',
          message: said('assistant', 'New answer', {
            create_time: 1_700_000_003,
            metadata: { model_slug: 'o3', finish_details: { type: 'interrupted' } },
          }),
        },
        { id: 'pic', parent: 'a2', message: said('user', '', picture) },
        { id: 'q2', parent: 'pic', message: said('user', 'And this?', { create_time: 1e15 }) },
        { id: 'q3', parent: 'q2', message: said('user', 'Hello?', { create_time: -5 }) },
        {
          id: 'tool',
          parent: 'q3',
          message: said('assistant', '', {
            recipient: 'python',
            content: { content_type: 'code', text: '1+1' },
          }),
        },
        {
          id: 'result',
          parent: 'tool',
          message: said('tool', '', { content: { content_type: 'execution_output', text: '2' } }),
        },
        {
          id: 'new',
          parent: 'result',
          message: said('assistant', 'x', { content: { content_type: 'hologram' } }),
        },
      ],
      { is_archived: true, title: `  ${'T'.repeat(199)}😀!` },
    );
    const answer = await importFile(
      jane,
      zipOf({ 'conversations-000.json': JSON.stringify([conversation]) }),
      {
        type: 'application/zip',
      },
    );
    expect(reportOf(answer)).toMatchObject({
      source: 'chatgpt',
      imported: 1,
      importedMessages: 8,
      omitted: { hidden: 1, attachment: 1, unsupported: 1 },
    });
    const [thread] = (await exported(jane)).threads;
    expect(thread).toMatchObject({
      title: `${'T'.repeat(199)}😀`,
      archived: true,
      createdAt: '2023-11-14T22:13:20.123Z',
      updatedAt: '2023-11-14T22:15:00.500Z',
    });
    const messages = thread?.messages ?? [];
    const shown = messages.map(({ role, content, parentId, status }) => {
      const parent = messages.findIndex(({ id }) => id === parentId);
      return `${role} ${content} <${parent}> ${status}`;
    });
    expect(shown).toEqual([
      'user First\ufffd \ufffd? <-1> complete',
      'assistant  <0> complete',
      'assistant Old answer <1> complete',
      'assistant New answer <1> interrupted',
      'user And this? <3> complete',
      'user Hello? <4> complete',
      'assistant  <5> complete',
      'tool 2 <6> complete',
    ]);
    expect(messages[1]?.parts).toEqual([{ type: 'reasoning', text: 'Hm.' }]);
    expect(messages[6]?.parts).toEqual([{ type: 'tool_call', id: '', name: 'python', input: '1+1' }]);
    expect(messages.map(({ providerModel }) => providerModel)).toEqual([
      null,
      'gpt-4o',
      'gpt-4o',
      'o3',
      null,
      null,
      'gpt-4o',
      null,
    ]);
    expect(new Set(messages.map(({ modelId }) => modelId))).toEqual(new Set(['gpt-4o']));
    // Absurd times become those of what was said before.
    expect(new Set(messages.slice(3).map(({ createdAt }) => createdAt))).toEqual(
      new Set(['2023-11-14T22:13:23.000Z']),
    );
    expect(thread?.models['gpt-4o']?.currentLeafId).toBe(messages[7]?.id);
    expect(await branchOf(jane, thread?.title ?? '')).toHaveLength(7);
  });

  it('is given to a model that can be asked, though its own may be called what none is', async () => {
    const quinn = await parley.first.logIn('quinn');
    const answer = (slug: string): Record<string, unknown> =>
      said('assistant', 'Hi.', { metadata: { model_slug: slug } });
    const question = { id: 'q', parent: null, message: said('user', 'Hello?') };
    const file = [
      chatGptConversation('bad slug', [question, { id: 'a', parent: 'q', message: answer('a\nb') }]),
      chatGptConversation('worse', [question], { default_model_slug: 'a\u0000b' }),
    ];
    expect(reportOf(await importFile(quinn, `\ufeff${JSON.stringify(file)}`)).imported).toBe(2);
    const { threads } = await exported(quinn);
    expect(threads.flatMap(({ models }) => Object.keys(models))).toEqual(['auto', 'chatgpt']);
    expect(threads[0]?.messages[1]?.providerModel).toBeNull();
    const claude = claudeConversation('c', [{ uuid: '1', sender: 'human', text: 'x' }], { model: 'a\tb' });
    await importFile(quinn, [claude]);
    expect(Object.keys((await exported(quinn)).threads.at(-1)?.models ?? {})).toHaveLength(1);
    expect((await exported(quinn)).threads.flatMap(({ models }) => Object.keys(models))).toContain('claude');
  });

  it('is given to the model that is asked for, with which it goes on, and is found', async () => {
    const kim = await parley.first.logIn('kim');
    await importFile(kim, [simpleChatGptConversation('goes on', 'Zirkonium?')], { query: '?modelId=demo' });
    const { data } = await kim.ask<{ id: string; activeModels: string[]; messageCount: number }[]>(
      'GET',
      '/api/threads?q=zirkonium',
    );
    expect(data).toMatchObject([{ activeModels: ['demo'], messageCount: 2, lastMessagePreview: 'Hi.' }]);
    const thread = data[0]?.id ?? '';
    expect(await kim.post(thread, 'demo', { content: 'Go on' })).toMatchObject({ status: 200 });
    const messages = await kim.messages(thread);
    expect(messages.map(({ content }) => content).slice(0, 3)).toEqual(['Zirkonium?', 'Hi.', 'Go on']);
    expect(messages[2]?.parentId).toBe(messages[1]?.id);
  });
});

describe('an export of Claude', () => {
  const root = '00000000-0000-4000-8000-000000000000';

  it('keeps texts, thoughts, calls of tools and branches', async () => {
    const lea = await parley.first.logIn('lea');
    const at = (second: number): string => `2024-05-01T10:00:0${second}.000000Z`;
    const file = [
      claudeConversation('tree', [
        {
          ...{ uuid: 'q', sender: 'human', text: 'Why?', parent_message_uuid: root, created_at: at(1) },
          attachments: [{ file_name: 'a.txt', extracted_content: 'A' }],
        },
        { uuid: 'a1', sender: 'assistant', text: 'One', parent_message_uuid: 'q', created_at: at(2) },
        {
          ...{ uuid: 'a2', sender: 'assistant', parent_message_uuid: 'q', created_at: at(3) },
          content: [
            { type: 'thinking', thinking: 'Hm' },
            { type: 'tool_use', id: 't1', name: 'search', input: { q: 'x' } },
            { type: 'tool_result', tool_use_id: 't1', content: [] },
            { type: 'text', text: 'Two' },
          ],
        },
        { uuid: 'empty', sender: 'human', text: '', parent_message_uuid: 'a2', created_at: at(4) },
        { uuid: 'q2', sender: 'human', text: 'Sure?', parent_message_uuid: 'empty', created_at: at(5) },
      ]),
      claudeConversation('list', [
        { uuid: '1', sender: 'human', text: 'Old' },
        { uuid: '2', sender: 'assistant', text: 'list' },
      ]),
      claudeConversation('nothing', []),
    ];
    const report = reportOf(await importFile(lea, file));
    expect(report).toMatchObject({
      source: 'claude',
      imported: 2,
      importedMessages: 6,
      omitted: { attachment: 1, tool_result: 1, no_text: 1 },
    });
    expect(report.skipped.conversations).toEqual([
      { sourceId: 'nothing', title: 'Chat nothing', reason: 'empty' },
    ]);
    expect(await branchOf(lea, 'Chat tree')).toEqual(['user: Why?', 'assistant: Two', 'user: Sure?']);
    expect(await branchOf(lea, 'Chat list')).toEqual(['user: Old', 'assistant: list']);
    const { threads } = await exported(lea);
    const tree = threads.find(({ title }) => title === 'Chat tree');
    expect(tree?.messages[2]?.parts).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'tool_call', id: 't1', name: 'search', input: '{"q":"x"}' },
      { type: 'text', text: 'Two' },
    ]);
  });
});

describe('what an import does', () => {
  it('is on record, once as begun and once with what came of it', async () => {
    const mia = await parley.first.logIn('mia');
    await importFile(mia, [simpleChatGptConversation('a'), simpleChatGptConversation('b')]);
    const entries = (await auditOf(parley, await idOf(mia))).filter(
      ({ action }) => action === 'thread.imported',
    );
    expect(entries.map(({ details }) => details)).toEqual([
      { source: 'chatgpt', state: 'begun' },
      { source: 'chatgpt', state: 'ended', threads: 2, messages: 4 },
    ]);
  });

  it('leaves counters, leaves and branches as posting would', async () => {
    const wrong = await parley.first.database.query<unknown[]>(
      `SELECT t.id FROM threads t WHERE t.message_count <> (SELECT count(*) FROM messages m WHERE m.thread_id = t.id)
       UNION ALL SELECT thread_id FROM thread_models tm WHERE message_count <>
         (SELECT count(*) FROM messages m WHERE m.thread_id = tm.thread_id AND m.model_id = tm.model_id)
       UNION ALL SELECT m.id FROM messages m JOIN messages p ON p.id = m.parent_id WHERE p.id >= m.id OR p.model_id <> m.model_id
       UNION ALL SELECT m.id FROM messages m WHERE m.on_current_branch <> EXISTS (
         WITH RECURSIVE up AS (
           SELECT l.id, l.parent_id FROM thread_models tm JOIN messages l ON l.id = tm.current_leaf_id
            WHERE tm.thread_id = m.thread_id AND tm.model_id = m.model_id
           UNION ALL SELECT p.id, p.parent_id FROM up JOIN messages p ON p.id = up.parent_id)
         SELECT FROM up WHERE up.id = m.id)`,
    );
    expect(wrong).toEqual([]);
  });
});
