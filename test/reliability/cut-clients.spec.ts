import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import { eventually, type Person } from '../support/parley.js';
import { isLong, report, seed } from './extent.js';
import { Installation, plannedModel } from './installation/installation.js';
import { questionOf, type AnswerPlan } from './installation/planned-upstream.js';
import type { ReplicaProcess } from './installation/replica-process.js';
import type { Exchange } from './journal/facts.js';
import { findings } from './journal/findings.js';
import { SeededRandom } from './seeded-random.js';

/** Between two bytes after which a client goes away. */
const step = isLong ? 1 : 60;
const atOnce = 16;
jest.setTimeout(isLong ? 1_800_000 : 300_000);

let installation: Installation;
let replica: ReplicaProcess;
let ada: Person;
const journal: Exchange[] = [];
const random = new SeededRandom(seed);

beforeAll(async () => {
  installation = await Installation.start();
  [replica] = installation.replicas;
  ada = await installation.logIn('ada');
});

afterAll(() => installation.stop());

function cookie(): string {
  return [...ada.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** One request as its bytes. */
function requestOf(method: string, path: string, headers: Record<string, string> = {}, body = ''): Buffer {
  const all = {
    host: new URL(installation.balancer.url).host,
    cookie: cookie(),
    'sec-fetch-site': 'same-origin',
    ...(body === ''
      ? {}
      : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}` }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Goes away by a reset or in good order, as the seed has it. */
function leave(socket: Socket): void {
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Sends all of a request and goes away after so many bytes of the answer; answers what was read. */
async function cutAnswer(request: Buffer, bytes: number): Promise<Buffer> {
  const socket = connect(replica.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(request);
  const read: Buffer[] = [];
  let length = 0;
  socket.on('data', (data: Buffer) => {
    read.push(data);
    length += data.length;
    if (length >= bytes) leave(socket);
  });
  await once(socket, 'connect');
  if (bytes === 0) leave(socket);
  await once(socket, 'close');
  return Buffer.concat(read).subarray(0, bytes);
}

let asked = 0;

function nextExchange(threadId: string): Exchange {
  const key = `cut-${String(++asked).padStart(6, '0')}`;
  const plan: AnswerPlan = { key, chunks: 6, intervalMs: 2, ending: 'complete' };
  return { plan, subject: 'ada', threadId, isStreamed: true, facts: [] };
}

/** A post that asks for a stream, closed by the server at its end. */
function postOf({ plan, threadId }: Exchange): Buffer {
  return requestOf(
    'POST',
    `/api/threads/${threadId}/models/${plannedModel}/messages`,
    { 'idempotency-key': plan.key, connection: 'close' },
    JSON.stringify({ content: questionOf(plan), stream: true }),
  );
}

async function finished({ threadId, plan }: Exchange): Promise<MessageDto> {
  // Asked of the upstream, which is here, until there is something to ask the server for.
  const { upstream } = installation;
  await eventually(() =>
    Promise.resolve(upstream.callsOf(plan.key).some(({ isWhole }) => isWhole) || undefined),
  );
  return eventually(async () => {
    const messages = await ada.messages(threadId);
    const question = messages.find(({ content }) => content === questionOf(plan));
    const answer = messages.find(({ parentId }) => parentId === question?.id);
    return answer !== undefined && !['pending', 'streaming'].includes(answer.status) ? answer : undefined;
  });
}

/** Does something for each byte up to `length`, in some threads at once. */
async function atEachByte(
  length: number,
  work: (bytes: number, threadId: string) => Promise<void>,
): Promise<number> {
  const places = Array.from({ length: Math.ceil((length + 1) / step) }, (_, index) => index * step);
  const { length: count } = places;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let bytes = places.shift(); bytes !== undefined; bytes = places.shift()) {
        // Of its own: nobody waits for an answer that was asked for by a client who left.
        await work(bytes, await ada.createThread('Cut'));
      }
    }),
  );
  return count;
}

/** The least that the process holds in some looks: when all that is over has gone, whatever comes and goes by itself. */
async function atRest(): Promise<Held> {
  let least = await held();
  for (let look = 0; look < 2; look++) {
    const now = await held();
    least = Object.fromEntries(
      Object.entries(least).map(([name, count]) => [name, Math.min(count, now[name] ?? 0)]),
    );
  }
  return least;
}

/** @throws Error with what it still holds beyond this after a while */
async function restsAt(most: Held): Promise<Held> {
  let last: Held = {};
  return eventually(async () => {
    last = await held();
    return exceeding(last, most).length === 0 ? last : undefined;
  }, 120_000).catch(() => {
    throw new Error(`more is held than before: ${exceeding(last, most).join()}`);
  });
}

type Held = Readonly<Record<string, number>>;

async function held(): Promise<Held> {
  await wait(500); // Looking makes garbage of its own.
  return { ...(await replica.held()), descriptors: await replica.descriptors() };
}

/** A few sockets and timers come and go with the pools of Postgres and of the upstream. */
const tolerance = 4;

function exceeding(found: Held, most: Held): string[] {
  return Object.entries(found)
    .filter(([name, count]) => count > (most[name] ?? 0) + tolerance)
    .map(([name, count]) => `${name}: ${count} instead of ${most[name] ?? 0}`);
}

describe('clients that go away after any byte', () => {
  it('leave nothing behind: the server holds what it held before, and every answer is finished', async () => {
    const warm = nextExchange(await ada.createThread('Whole'));
    const whole = await cutAnswer(postOf(warm), Infinity);
    journal.push(warm);
    expect(whole.toString()).toContain('event: close');
    const { id } = await finished(warm);
    await atEachByte(step * (atOnce * 2 - 1), async (_bytes, threadId) => {
      const exchange = nextExchange(threadId);
      journal.push(exchange);
      await cutAnswer(postOf(exchange), Infinity);
    });
    const before = await atRest();

    const posts = await atEachByte(whole.length, async (bytes, threadId) => {
      const exchange = nextExchange(threadId);
      journal.push(exchange);
      const read = await cutAnswer(postOf(exchange), bytes);
      // Whoever has the head knows that both messages are there. One who left before may have come to nothing.
      if (read.length > 0 || (await calledFor(exchange))) await finished(exchange);
    });
    const resume = requestOf('GET', `/api/messages/${id}/stream`, { connection: 'close' });
    const { length } = await cutAnswer(resume, Infinity);
    const resumes = await atEachByte(length, async (bytes) => {
      await cutAnswer(resume, bytes);
    });
    const unsent = await cutRequests();

    const after = await restsAt(before);
    const verdict = await findings({ installation, people: new Map([['ada', ada]]), journal });
    report('clients cut', {
      posts,
      resumes,
      requests: unsent,
      before,
      after,
      byStatus: verdict.byStatus,
      violations: verdict.violations.length,
    });
    expect(verdict.violations).toEqual([]);
    expect(verdict.byStatus).toEqual({ complete: expect.any(Number) as unknown });
    expect(replica.output).not.toMatch(/MaxListenersExceeded|INTERNAL_ERROR/);
  });
});

/** Whether the upstream was asked within a moment: of a client that left before it heard anything. */
async function calledFor({ plan }: Exchange): Promise<boolean> {
  return eventually(
    () => Promise.resolve(installation.upstream.callsOf(plan.key).length > 0 || undefined),
    500,
  ).catch(() => false);
}

/** Sends a post up to each byte and goes away: without its last byte it is none. */
async function cutRequests(): Promise<number> {
  const sent: Exchange[] = [];
  const probe = postOf(nextExchange(await ada.createThread('Unsent')));
  const count = await atEachByte(probe.length - 1, async (bytes, threadId) => {
    const exchange = nextExchange(threadId);
    sent.push(exchange);
    const socket = connect(replica.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(postOf(exchange).subarray(0, bytes), () => leave(socket));
    await once(socket, 'close');
  });
  for (const { plan } of sent) expect(installation.upstream.callsOf(plan.key)).toEqual([]);
  return count;
}
