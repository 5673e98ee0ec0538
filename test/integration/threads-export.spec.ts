import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { fromWireId } from '../../src/common/ids.js';
import { Gate } from '../../bench/upstream/gate.js';
import { stream } from '../../bench/upstream/scripts.js';
import {
  exported,
  importFile,
  withoutIds,
  type ExportedFile,
  type ExportedThread,
} from '../support/imports.js';
import { answerPieces, answers, eventually, Parley, upstreamModel, type Person } from '../support/parley.js';
import { auditOf, idOf } from '../support/people.js';

let parley: Parley;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
});

afterAll(() => parley.stop());

/** A thread with branches, of two models, one of which has a summary. */
async function addTalk(person: Person): Promise<string> {
  const thread = await person.createThread('Talk *with* <b>markup</b>\u2028# x');
  const first = await person.post(thread, 'demo', {
    content: 'Hello\n# Not a heading\n```\nopen <i>code</i>',
  });
  await person.post(thread, 'demo', { content: 'Left' });
  await person.post(thread, 'demo', { content: 'Taken', parentId: first.data.assistantMessage.id });
  parley.upstream.enqueue(answers('Hi', ' there'));
  await person.post(thread, upstreamModel, { content: 'Hello you' });
  await parley.first.database.query(
    `UPDATE thread_models SET summary = 'About hello', summary_updated_at = now(), summary_through_id = $2
      WHERE thread_id = $1 AND model_id = 'demo'`,
    [fromWireId('thread', thread), fromWireId('message', first.data.assistantMessage.id)],
  );
  return thread;
}

async function addEmptyThreads(person: Person, count: number): Promise<void> {
  await parley.first.database.query(
    `INSERT INTO threads (id, tenant_id, user_id, title, archived, message_count, created_at, updated_at)
     SELECT gen_random_uuid(), tenant_id, id, 'Empty ' || n, false, 0, now() + n * interval '1 second', now()
       FROM users, generate_series(1, $2) n WHERE id = $1`,
    [fromWireId('user', await idOf(person)), count],
  );
}

describe('exporting', () => {
  it.each(['?format=xml', '?format=', '?format=json&format=json', '?all=1'])(
    'refuses the query %s',
    async (query) => {
      expect(await ada.ask('GET', `/api/threads/export${query}`)).toMatchObject({
        status: 400,
        error: { code: 'VALIDATION_FAILED' },
      });
    },
  );

  it('has nothing of a thread that is not there or not the caller’s', async () => {
    const thread = await ada.createThread();
    const eve = await parley.first.logIn('eve');
    for (const path of [
      `/api/threads/${thread}/export`,
      '/api/threads/thread_01jd0v3kq9e8vb5t2m4y6z8a0c/export',
    ]) {
      const answer = await eve.ask('GET', path);
      expect(answer).toMatchObject({ status: 404, error: { code: 'THREAD_NOT_FOUND' } });
    }
    expect((await eve.ask('GET', '/api/threads/x/export')).status).toBe(404);
    expect(await exported(eve)).toMatchObject({ threads: [], counts: { threads: 0, messages: 0 } });
  });

  it('is a file to be saved, kept by no cache, and on record', async () => {
    const bob = await parley.first.logIn('bob');
    const thread = await addTalk(bob);
    for (const [path, type, name] of [
      ['/api/threads/export', 'application/json', 'parley-threads.json'],
      ['/api/threads/export?format=markdown', 'text/markdown', 'parley-threads.md'],
      [`/api/v1/threads/${thread}/export`, 'application/json', `parley-${thread}.json`],
    ] as const) {
      const { headers, body } = await bob.browser.fetch(path);
      await body?.cancel();
      expect(headers.get('content-type')).toBe(`${type}; charset=utf-8`);
      expect(headers.get('content-disposition')).toBe(`attachment; filename="${name}"`);
      expect(headers.get('cache-control')).toBe('no-store');
    }
    const head = await bob.browser.fetch('/api/threads/export', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(await auditOf(parley, thread)).toMatchObject([
      { action: 'thread.exported', details: { format: 'json' } },
    ]);
    const all = (await auditOf(parley, await idOf(bob))).filter(({ action }) => action === 'thread.exported');
    expect(all.map(({ details }) => details)).toEqual([
      { format: 'json' },
      { format: 'markdown' },
      { format: 'json' },
    ]);
  });

  it('has every thread and branch, and is the same again when somebody else imports it', async () => {
    const carl = await parley.first.logIn('carl');
    const talk = await addTalk(carl);
    await carl.ask('PATCH', `/api/threads/${talk}`, { archived: true });
    await addEmptyThreads(carl, 102);
    const file = await exported(carl);
    expect(file).toMatchObject({
      format: 'parley.threads',
      version: 1,
      counts: { threads: 103, messages: 8 },
    });
    expect(file.threads[0]).toMatchObject({
      id: talk,
      archived: true,
      models: { demo: { summary: 'About hello' } },
    });
    expect(await exported(carl, `/api/threads/${talk}/export`)).toMatchObject({ threads: [file.threads[0]] });
    expect(await importFile(carl, file)).toMatchObject({ status: 422, error: { code: 'NOTHING_IMPORTED' } });
    const dora = await parley.first.logIn('dora');
    expect(await importFile(dora, file)).toMatchObject({
      status: 200,
      data: { source: 'parley', complete: true, imported: 103, importedMessages: 8, refused: { count: 0 } },
    });
    const copy = await exported(dora);
    const inOrder = (exportedFile: ExportedFile): ExportedFile => ({
      ...exportedFile,
      threads: [...exportedFile.threads].sort((a, b) => (a.title < b.title ? -1 : 1)),
    });
    expect(withoutIds(inOrder(copy))).toEqual(withoutIds(inOrder(file)));
    const previews = async (person: Person): Promise<unknown> =>
      (await person.ask('GET', '/api/threads?archived=true')).data;
    expect(await previews(dora)).toMatchObject([{ lastMessagePreview: 'Hi there', messageCount: 8 }]);
    expect(await importFile(dora, file)).toMatchObject({ status: 422, error: { code: 'NOTHING_IMPORTED' } });
  });

  it('has nothing that an import refuses, and of texts that are too long an import takes the beginning', async () => {
    const kurt = await parley.first.logIn('kurt');
    const thread = await addTalk(kurt);
    const title = '😀'.repeat(200);
    await parley.first.database.query('UPDATE threads SET title = $2 WHERE id = $1', [
      fromWireId('thread', thread),
      title,
    ]);
    await parley.first.database.query(
      `UPDATE messages SET provider_model = repeat('😀', 200), provider_finish_reason = '' WHERE thread_id = $1`,
      [fromWireId('thread', thread)],
    );
    const file = await exported(kurt);
    const [original] = file.threads;
    const longer = { ...original, id: 'longer', title: `${title}!` };
    const lena = await parley.first.logIn('lena');
    const answer = await importFile(lena, {
      ...file,
      threads: [original, longer],
      counts: { threads: 2 },
    });
    expect(answer).toMatchObject({ status: 200, data: { imported: 2, refused: { count: 0 } } });
    const copies = (await exported(lena)).threads;
    expect(copies.map((copy) => copy.title)).toEqual([title, title]);
    expect(copies[0]?.messages[0]).toMatchObject({
      providerModel: '😀'.repeat(200),
      providerFinishReason: null,
    });
  });

  it('refuses what was changed by hand so that it is no tree of ours', async () => {
    const fred = await parley.first.logIn('fred');
    await addTalk(fred);
    const {
      threads: [thread],
      ...file
    } = await exported(fred);
    if (thread === undefined) throw new Error('nothing was exported');
    const [first, second, ...others] = thread.messages;
    const last = others.at(-1);
    const withSummaries = ({ models }: ExportedThread, summary: string): object =>
      Object.fromEntries(Object.entries(models).map(([id, model]) => [id, { ...model, summary }]));
    const changed: [string, object][] = [
      ['mixed_models', { messages: [...thread.messages.slice(0, -1), { ...last, parentId: first?.id }] }],
      ['malformed', { messages: [second, first, ...others] }],
      ['malformed', { models: {} }],
      ['malformed', { messages: [{ ...first, role: 'robot' }, second, ...others] }],
      ['malformed', { messages: [{ ...first, parts: [{ type: 'image' }] }, second, ...others] }],
      ['malformed', { messages: [{ ...first, temperature: '1' }, second, ...others] }],
      ['malformed', { title: undefined }],
      ['malformed', { models: withSummaries(thread, 'x'.repeat(50_001)) }],
      ['incomplete', { incomplete: true }],
      ['malformed', { createdAt: '+040000-01-01T00:00:00Z' }],
      ['parent_missing', { messages: [second, ...others] }],
    ];
    const threads = changed.map(([, change], index) => ({ ...thread, id: `t${index}`, ...change }));
    const answer = await importFile(fred, { ...file, threads, counts: { threads: threads.length } });
    expect(answer.error?.details).toMatchObject({
      report: {
        refused: { conversations: changed.map(([reason], index) => ({ sourceId: `t${index}`, reason })) },
      },
    });
    const short = await importFile(fred, { ...file, threads: [thread] });
    expect(short.error?.code).toBe('NOTHING_IMPORTED');
    const missing = await importFile(fred, { ...file, threads: [], counts: { threads: 1 } });
    expect(missing.error).toMatchObject({ code: 'IMPORT_FILE_BROKEN', details: { damage: 'truncated' } });
  });

  it('shows an answer that is under way as it is, which an import ends', async () => {
    const gina = await parley.first.logIn('gina');
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces('Slow'), { gates: { 2: gate } }));
    const thread = await gina.createThread('Slow');
    const open = await gina.stream(thread, upstreamModel, 'Hi');
    expect((await open.next()).type).toBe('message_start');
    const file = await exported(gina);
    expect(['pending', 'streaming']).toContain(file.threads[0]?.messages[1]?.status);
    const hugo = await parley.first.logIn('hugo');
    await importFile(hugo, file);
    expect((await exported(hugo)).threads[0]?.messages[1]?.status).toBe('interrupted');
    gate.open();
    await open.rest();
  });

  it('as Markdown shows the current branches, of which no text can pose as another message', async () => {
    const ines = await parley.first.logIn('ines');
    await addTalk(ines);
    const text = await (await ines.browser.fetch('/api/threads/export?format=markdown')).text();
    expect(text).toContain('\n# Talk \\*with\\* \\<b\\>markup\\</b\\> \\# x\n');
    expect(text).not.toContain('Left');
    const headings = text.split('\n').filter((line) => line.startsWith('#'));
    expect(headings.map((line) => line.replace(/, \d{4}-.*/, ''))).toEqual([
      '# Talk \\*with\\* \\<b\\>markup\\</b\\> \\# x',
      '## User, to demo',
      expect.stringMatching(/^## Assistant, demo/),
      '## User, to demo',
      expect.stringMatching(/^## Assistant, demo/),
      `## User, to ${upstreamModel}`,
      expect.stringMatching(/^## Assistant, scripted/),
    ]);
    expect(text).toContain('> Hello\n> # Not a heading\n> ```\n> open <i>code</i>\n> ```\n');
    expect(text).toMatch(/\n---\n\n1 threads, 6 messages\.\n$/);
  });
});

describe('a long export', () => {
  const messages = 500;

  async function addLongThread(person: Person): Promise<void> {
    const id = fromWireId('thread', await person.createThread('Long'));
    await parley.first.database.query(
      `INSERT INTO messages (id, tenant_id, user_id, thread_id, model_id, role, status, content, parts,
         cancel_requested, created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, user_id, id, 'demo', 'user', 'complete', '', jsonb_build_array(
         jsonb_build_object('type', 'reasoning', 'text', repeat('x', 40000))), false, now(), now()
         FROM threads, generate_series(1, $2) WHERE id = $1`,
      [id, messages],
    );
  }

  async function request(person: Person): Promise<IncomingMessage> {
    const cookie = [...person.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
    const [response] = (await once(
      get(`${parley.first.url}/api/threads/export`, { headers: { cookie } }),
      'response',
    )) as [IncomingMessage];
    // That it was cut off is what is asked for.
    response.on('error', () => undefined);
    return response;
  }

  /** Reads to the end; answers whether the transfer was whole. */
  async function isWhole(response: IncomingMessage): Promise<boolean> {
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.resume();
    await closed;
    return response.complete;
  }

  it('waits for its reader, holds no connection meanwhile, and is cut off when it fails or may not go on, but not by what is deleted', async () => {
    const jane = await parley.first.logIn('jane');
    await addLongThread(jane);
    const busy = async (): Promise<number> => {
      const [row] = await parley.first.database.query<{ count: string }[]>(
        `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`,
      );
      return Number(row?.count);
    };
    const stalled = await request(jane);
    await once(stalled, 'readable');
    const before = process.memoryUsage().rss;
    const overtaken = await request(jane);
    await once(overtaken, 'readable');
    expect(await busy()).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
    // The thread goes while it is read.
    await jane.ask('DELETE', '/api/threads?confirm=all');
    const file = await textOf(overtaken);
    const { threads, counts } = JSON.parse(file) as ExportedFile;
    expect(threads).toMatchObject([{ title: 'Long', incomplete: true }]);
    expect(threads[0]?.messages.length).toBeLessThan(messages);
    expect(counts).toEqual({ threads: 1, messages: threads[0]?.messages.length });
    expect((await importFile(jane, file)).error?.details).toMatchObject({
      report: { refused: { conversations: [{ reason: 'incomplete' }] } },
    });
    await addLongThread(jane);
    const failing = await request(jane);
    await once(failing, 'readable');
    const revoked = await request(jane);
    await once(revoked, 'readable');
    const whole = await request(jane);
    expect(await isWhole(whole)).toBe(true);
    await parley.first.database.query('ALTER TABLE messages RENAME TO messages_away');
    expect(await isWhole(failing)).toBe(false);
    await parley.first.database.query('ALTER TABLE messages_away RENAME TO messages');
    await jane.ask('POST', '/api/logout', {});
    expect(await isWhole(revoked)).toBe(false);
    stalled.destroy();
    await eventually(async () => ((await busy()) === 0 ? true : undefined));
  });
});
