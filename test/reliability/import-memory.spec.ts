import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { stopPostmaster } from '../../src/embedded/postmaster.js';
import type { ImportReport } from '../../src/portability/import/import-report.js';
import { chatGptConversation, said, type ChatGptNode } from '../support/foreign-exports.js';
import type { Person } from '../support/parley.js';
import { ParleyProcess } from '../support/parley-process.js';
import { makeDataDirectory } from '../support/test-postgres.js';
import { isLong } from './extent.js';

jest.setTimeout(900_000);

const inLongRuns = isLong ? describe : describe.skip;

const megabyte = 1024 ** 2;
const fileBytes = 200 * megabyte;
const mostAboveIdle = 256 * megabyte;

let dataDirectory: string;
let parley: ParleyProcess;

beforeAll(async () => {
  dataDirectory = await makeDataDirectory();
  parley = await ParleyProcess.start(dataDirectory, {}, undefined);
});

afterAll(async () => {
  await parley.end('SIGTERM');
  await stopPostmaster(path.join(dataDirectory, 'postgres', 'data'));
  await rm(dataDirectory, { recursive: true, force: true });
});

/** The same words every time, and no sentence twice. */
function* words(): Generator<string, never> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield `w${(state >>> 8) % 20_000}`;
  }
}

const vocabulary = words();

function sentence(characters: number): string {
  let text = '';
  while (text.length < characters) text += `${vocabulary.next().value} `;
  return text;
}

function conversation(id: string, messages: number, characters: number): string {
  const nodes = Array.from({ length: messages }, (_, index): ChatGptNode => ({
    id: `${id}-${index}`,
    parent: index === 0 ? null : `${id}-${index - 1}`,
    message: said(index % 2 === 0 ? 'user' : 'assistant', sentence(characters), {
      create_time: 1_700_000_000 + index,
    }),
  }));
  return JSON.stringify(chatGptConversation(id, nodes));
}

/** An export of at least so many bytes: conversations of 30 messages, the first of 15 MB. */
function* chatGptExport(bytes: number): Generator<string> {
  const large = conversation('large', 30, 520_000);
  yield `[${large}`;
  for (let sent = large.length, index = 0; sent < bytes; index++) {
    const text = `,${conversation(`c${index}`, 30, 1500)}`;
    sent += text.length;
    yield text;
  }
  yield ']';
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${parley.child.pid ?? 0}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

async function upload(
  person: Person,
  file: Iterable<string>,
): Promise<{ status: number; report: ImportReport }> {
  const cookie = [...person.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  const sent = request(`${parley.url}/api/threads/import`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
  });
  const answer = once(sent, 'response') as Promise<[IncomingMessage]>;
  await pipeline(Readable.from(file), sent);
  const [response] = await answer;
  const body = (await json(response)) as {
    data?: ImportReport;
    error?: { details: { report: ImportReport } };
  };
  const report = body.data ?? body.error?.details.report;
  if (report === undefined) throw new Error(JSON.stringify(body));
  return { status: response.statusCode ?? 0, report };
}

/** Does something and answers how much more memory than `idle` the server had at most, and how long it took. */
async function measured<Result>(
  idle: number,
  work: () => Promise<Result>,
): Promise<{ result: Result; aboveIdle: number; seconds: number }> {
  let most = 0;
  const sampling = setInterval(() => {
    void residentBytes().then((bytes) => (most = Math.max(most, bytes)));
  }, 50);
  const begun = performance.now();
  try {
    const result = await work();
    return { result, aboveIdle: most - idle, seconds: (performance.now() - begun) / 1000 };
  } finally {
    clearInterval(sampling);
  }
}

inLongRuns('an import of 200 MB', () => {
  it('takes less than 256 MB of memory, and so does the same file again, which adds nothing', async () => {
    const ada = await parley.logIn('ada');
    await upload(ada, [`[${conversation('warm', 4, 100)}]`]);
    const idle = await residentBytes();
    const first = await measured(idle, () => upload(ada, chatGptExport(fileBytes)));
    const { status, report } = first.result;
    expect(status).toBe(200);
    expect(report).toMatchObject({ complete: true, skipped: { count: 0 }, refused: { count: 0 } });
    expect(report.importedMessages).toBe(report.imported * 30);
    // Other sentences, for the same conversations: seen, and left alone.
    const second = await measured(idle, () => upload(ada, chatGptExport(fileBytes)));
    expect([second.result.status, second.result.report.imported]).toEqual([422, 0]);
    for (const [name, { aboveIdle, seconds }] of Object.entries({ first, second })) {
      const speed = fileBytes / megabyte / seconds;
      process.stdout.write(
        `${name} import: ${speed.toFixed(1)} MB/s, ${(aboveIdle / megabyte).toFixed(0)} MB above ${(idle / megabyte).toFixed(0)} MB idle\n`,
      );
      expect(aboveIdle).toBeLessThan(mostAboveIdle);
    }
  });

  it('refuses a conversation of more than 16 MB, and imports the others', async () => {
    const uma = await parley.logIn('uma');
    const idle = await residentBytes();
    const file = [`[${conversation('huge', 33, 520_000)}`, `,${conversation('small', 2, 100)}]`];
    const { result, aboveIdle } = await measured(idle, () => upload(uma, file));
    expect(result.report).toMatchObject({
      imported: 1,
      refused: { conversations: [{ sourceId: null, title: null, reason: 'too_large' }] },
    });
    expect(aboveIdle).toBeLessThan(mostAboveIdle);
  });
});
