import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { eventually, type Person } from '../support/parley.js';
import { isLong, quantile, report } from './extent.js';
import { Installation, plannedModel } from './installation/installation.js';
import { questionOf, type AnswerPlan } from './installation/planned-upstream.js';
import type { ReplicaProcess } from './installation/replica-process.js';

/** Time-outs of a minute are waited for. */
const inLongRuns = isLong ? describe : describe.skip;
jest.setTimeout(400_000);

const trickling = 500;
const slowReaders = 20;
const slowReaderTimeoutMs = 1000;
const measuredMs = 15_000;
const askers = 4;
/** A minute for the head of a request, and Node looks every 30 s. */
const cutWithinMs = 100_000;
/** Of a server whose readers do not read: 20 answers of 6 MB would be more. */
const mostGrowthBytes = 100_000_000;

let installation: Installation;
let replica: ReplicaProcess;
let ada: Person;

beforeAll(async () => {
  installation = await Installation.start({
    settings: {
      'server.slowReaderTimeoutMs': slowReaderTimeoutMs,
      'generation.maxAnswerCharacters': 50_000_000,
    },
  });
  [replica] = installation.replicas;
  ada = await installation.logIn('ada');
});

afterAll(() => installation.stop());

function headers(): Record<string, string> {
  const cookie = [...ada.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  return { cookie, 'sec-fetch-site': 'same-origin' };
}

/** The 99th percentile of what a few people wait for their lists meanwhile, in ms. */
async function waitP99(): Promise<number> {
  const waitedMs: number[] = [];
  const until = performance.now() + measuredMs;
  const keepAsking = async (): Promise<void> => {
    while (performance.now() < until) {
      const askedAt = performance.now();
      const response = await fetch(`${replica.url}/api/threads`, { headers: headers() });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      waitedMs.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: askers }, keepAsking));
  return quantile(waitedMs, 0.99);
}

/** Opens a connection that sends the head of a request, a byte at a time, and never comes to its end. */
async function trickle(): Promise<{ socket: Socket; stop: () => void }> {
  const socket = connect(replica.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('GET /api/threads HTTP/1.1\r\nx-slow: ');
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.once('close', () => clearInterval(timer));
  return { socket, stop: () => socket.destroy() };
}

inLongRuns('500 connections that trickle', () => {
  it('are cut by time-outs, and others wait less than twice as long meanwhile', async () => {
    await waitP99(); // Warms up.
    const aloneMs = await waitP99();
    const { rssBytes: before } = await replica.look();
    const connections = await Promise.all(Array.from({ length: trickling }, trickle));
    const begunAt = performance.now();
    const meanwhileMs = await waitP99();
    const { rssBytes: after } = await replica.look();
    await eventually(
      () => Promise.resolve(connections.every(({ socket }) => socket.closed) || undefined),
      cutWithinMs,
    ).finally(() => connections.forEach(({ stop }) => stop()));
    const cutAfterMs = Math.round(performance.now() - begunAt);
    const grownBytes = after - before;
    report('trickling connections', { trickling, aloneMs, meanwhileMs, grownBytes, cutAfterMs });
    expect(meanwhileMs).toBeLessThan(2 * aloneMs);
    expect(grownBytes).toBeLessThan(mostGrowthBytes);
  });
});

/** Opens the stream of an answer and reads nothing of it. */
function readNothing(messageId: string): Promise<{ closed: Promise<unknown>; stop: () => void }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${replica.url}/api/messages/${messageId}/stream`, {
      headers: headers(),
      agent: false,
    });
    asked.on('response', (response) => {
      response.pause();
      response.on('error', () => undefined);
      resolve({ closed: once(response.socket, 'close'), stop: () => asked.destroy() });
    });
    asked.on('error', reject);
    asked.end();
  });
}

inLongRuns('readers that do not read', () => {
  it('cost no memory of their own, are sent away, and make nobody wait twice as long', async () => {
    const plan: AnswerPlan = { key: 'large', chunks: 60_000, intervalMs: 0, ending: 'complete' };
    const threadId = await ada.createThread('Large');
    const { status, data } = await ada.post(threadId, plannedModel, { content: questionOf(plan) });
    expect(status).toBe(200);
    const aloneMs = await waitP99();
    const { heapBytes: before } = await replica.look();
    const readers = await Promise.all(
      Array.from({ length: slowReaders }, () => readNothing(data.assistantMessage.id)),
    );
    const meanwhileMs = await waitP99();
    // What the kernel took still waits to be read: that they were sent away shows in what the server holds.
    const left = await eventually(async () => {
      const { responses } = await replica.held();
      return responses < slowReaders ? (await replica.look()).heapBytes : undefined;
    }, 60_000);
    readers.forEach(({ stop }) => stop());
    report('readers that do not read', { slowReaders, aloneMs, meanwhileMs, grownBytes: left - before });
    expect(meanwhileMs).toBeLessThan(2 * aloneMs);
    expect(left - before).toBeLessThan(mostGrowthBytes);
  });
});
