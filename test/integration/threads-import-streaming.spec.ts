import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { simpleChatGptConversation, zipOf } from '../support/foreign-exports.js';
import { importFile, reportOf } from '../support/imports.js';
import { eventually, OpenStream, Parley, type Person } from '../support/parley.js';

const maxFileBytes = 3_000_000;
let parley: Parley;

beforeAll(async () => {
  parley = await Parley.start({ 'import.maxFileBytes': maxFileBytes, 'server.bodyLimitBytes': 10_000 });
});

afterAll(() => parley.stop());

/** An upload that goes on as the test says. */
function upload(person: Person, headers: Record<string, string> = {}): ClientRequest {
  const cookie = [...person.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  const sent = request(`${parley.first.url}/api/threads/import`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers },
  });
  // Cut off on purpose, here or there.
  sent.on('error', () => undefined);
  return sent;
}

async function answerTo(sent: ClientRequest): Promise<{ status: number | undefined; body: string }> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

async function threadsOf(person: Person): Promise<number | undefined> {
  return (await person.ask('GET', '/api/threads?limit=1')).pagination.totalCount;
}

const conversations = (count: number, name = 'c'): string =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify(simpleChatGptConversation(`${name}${index}`, 'x'.repeat(2000))),
  ).join();

describe('a file that is larger than may be', () => {
  it('is refused before it comes, where that is announced, and as soon as it is too much', async () => {
    const ada = await parley.first.logIn('ada');
    const announced = upload(ada, { 'content-length': String(maxFileBytes + 1) });
    announced.write('[');
    expect(await answerTo(announced)).toMatchObject({ status: 413 });
    announced.destroy();
    const growing = upload(ada);
    const answer = answerTo(growing);
    growing.write(`[${conversations(2)},"`);
    for (let sent = 0; sent <= maxFileBytes; sent += 100_000) growing.write('x'.repeat(100_000));
    const { status, body } = await answer;
    expect([status, body]).toEqual([413, expect.stringContaining('"imported":2')]);
    growing.destroy();
    const unpacked = zipOf({ 'conversations.json': `[${conversations(2)}${' '.repeat(maxFileBytes)}]` });
    expect(await importFile(ada, unpacked, { type: 'application/zip' })).toMatchObject({
      status: 413,
      error: { code: 'PAYLOAD_TOO_LARGE' },
    });
  });

  it('may be larger than other bodies', async () => {
    const bob = await parley.first.logIn('bob');
    const large = simpleChatGptConversation('large', 'x'.repeat(1_000_000));
    expect(await importFile(bob, [large, simpleChatGptConversation('small')])).toMatchObject({
      status: 200,
      data: { imported: 2 },
    });
  });
});

describe('an import under way', () => {
  it('tells how far it has come, and in the end what came of it', async () => {
    const carl = await parley.first.logIn('carl');
    const sent = upload(carl, { accept: 'text/event-stream', 'content-length': '1000000' });
    const first = `[${conversations(3, 'a')}`;
    sent.write(first);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const events = new OpenStream(new Response(Readable.toWeb(response)), new AbortController());
    let event = await events.next();
    while (event.data['imported'] !== 3) event = await events.next();
    expect(event).toEqual({
      id: '',
      type: 'progress',
      data: {
        conversations: 3,
        imported: 3,
        skipped: 0,
        refused: 0,
        bytesRead: first.length,
        bytesTotal: 1_000_000,
      },
    });
    const second = `,${conversations(2, 'b')},5]`;
    sent.end(second.padEnd(1_000_000 - first.length));
    const rest = await events.rest();
    expect(rest.at(-1)).toMatchObject({
      type: 'report',
      data: { imported: 5, refused: { count: 1 }, complete: true },
    });
    expect(rest.at(-2)).toMatchObject({ type: 'progress', data: { bytesRead: 1_000_000 } });
  });

  it('tells what was wrong', async () => {
    const dora = await parley.first.logIn('dora');
    const sent = upload(dora, { accept: 'text/event-stream' });
    sent.end(`[${conversations(1)}`);
    const { status, body } = await answerTo(sent);
    expect(status).toBe(200);
    expect(body).toMatch(/event: error\ndata: \{"code":"IMPORT_FILE_BROKEN".*"imported":1/);
    expect(body).not.toContain('event: report');
  });

  it('is the only one of its person, and leaves whole conversations when the client goes away', async () => {
    const emma = await parley.first.logIn('emma');
    const sent = upload(emma);
    sent.write(`[${conversations(2, 'a')},${conversations(1, 'b').slice(0, 500)}`);
    await eventually(async () => ((await threadsOf(emma)) === 2 ? true : undefined));
    expect(await importFile(emma, '[]')).toMatchObject({
      status: 409,
      error: { code: 'IMPORT_IN_PROGRESS' },
    });
    sent.destroy();
    const again = await eventually(async () => {
      const answer = await importFile(emma, `[${conversations(2, 'a')},${conversations(1, 'b')}]`);
      return answer.status === 409 ? undefined : answer;
    });
    expect(reportOf(again)).toMatchObject({ imported: 1, skipped: { count: 2 } });
  });

  it('waits until fewer than two are under way at its replica', async () => {
    const people = ['gina', 'hugo', 'ines'];
    const [first, second, third] = await Promise.all(people.map((name) => parley.first.logIn(name)));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('nobody is there');
    const open = [first, second].map((person) => upload(person));
    open.forEach((sent) => sent.write(`[${conversations(1)},`));
    for (const person of [first, second]) {
      await eventually(async () => ((await threadsOf(person)) === 1 ? true : undefined));
    }
    const file = `[${conversations(1)}]`;
    const refused = await importFile(third, file);
    expect(refused).toMatchObject({ status: 503, error: { code: 'IMPORTS_BUSY' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await threadsOf(third)).toBe(0);
    open.forEach((sent) => sent.end(`${conversations(1, 'more')}]`));
    await eventually(async () => ((await importFile(third, file)).status === 200 ? true : undefined));
  });

  it('ends with the session of its caller, and says so', async () => {
    const fred = await parley.first.logIn('fred');
    const sent = upload(fred);
    sent.write(`[${conversations(1)},`);
    const answer = answerTo(sent);
    await eventually(async () => ((await threadsOf(fred)) === 1 ? true : undefined));
    const again = fred.at(parley.first);
    await fred.ask('POST', '/api/logout', {});
    expect(await answer).toMatchObject({ status: 401, body: expect.stringContaining('SESSION_ENDED') });
    sent.end(`${conversations(1, 'late')}]`);
    expect((await again.ask('GET', '/api/threads')).status).toBe(401);
    const back = await parley.first.logIn('fred');
    expect(await threadsOf(back)).toBe(1);
  });
});
