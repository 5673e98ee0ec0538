// A process that reads streams of one recording with its adapter and bare, and prints what that took: see `adapter-costs.ts`.
import { text } from 'node:stream/consumers';
import { Agent } from 'undici';
import { SystemClock } from '../../src/common/clock.js';
import { Outbound } from '../../src/infrastructure/outbound/outbound.js';
import type { GenerateRequest } from '../../src/llm-providers/contract/generate-request.js';
import type { CallContext } from '../../src/llm-providers/contract/model-provider.js';
import { Profiler } from '../profile/profiler.js';
import type { ReaderTask, ReaderResult } from './adapter-costs.js';
import { recordedStreams } from './recorded-streams.js';

/** Streams that are read at the same time. */
const lanes = 8;

const task = JSON.parse(await text(process.stdin)) as ReaderTask; // Only the bench writes there.
const recorded = recordedStreams.find(({ name }) => name === task.name);
if (recorded === undefined) throw new Error(`No recording ${task.name}`);
const origin = `${task.origin}/${recorded.name}`;
const provider = recorded.makeProvider(
  new SystemClock(),
  new Outbound({ 'outbound.allowedHosts': ['127.0.0.1'] }),
);
const request: GenerateRequest = {
  model: 'bench',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Say something.' }] }],
};
const call: CallContext = {
  connection: {
    id: 'bench',
    version: 1,
    kind: provider.kind,
    name: 'Bench',
    baseUrl: origin + (recorded.basePath ?? ''),
    credential: 'none',
    timeouts: { connectMs: 10_000, headersMs: 60_000, idleMs: 60_000 },
  },
  signal: new AbortController().signal,
  requestId: 'bench',
};
const agent = new Agent();
const body = JSON.stringify({ messages: ['Say something.'] });

/** Nothing but the bytes. */
async function readBare(): Promise<number> {
  const answer = await agent.request({ origin: task.origin, path: `/${task.name}`, method: 'POST', body });
  let bytes = 0;
  for await (const piece of answer.body as AsyncIterable<Buffer>) bytes += piece.length; // Without an encoding.
  return bytes;
}

async function readWithAdapter(): Promise<void> {
  let [texts, finishes] = [0, 0];
  for await (const { type } of provider.stream(request, call)) {
    if (type === 'text') texts++;
    if (type === 'finish') finishes++;
  }
  if (texts < task.chunks || finishes !== 1)
    throw new Error(`${task.name}: ${texts} texts, ${finishes} ends`);
}

/** @returns CPU time of the process, user and system, in microseconds */
async function cost(read: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  let left = task.streams;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await read();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const result: ReaderResult = { bytesOfOne: await readBare(), bareMicros: [], adapterMicros: [] };
// Enough for V8 to have compiled what is hot.
for (const read of [readBare, readWithAdapter]) await cost(read);
for (let repeat = 0; repeat < task.repeats; repeat++) {
  const bareFirst = repeat % 2 === 0;
  if (bareFirst) result.bareMicros.push(await cost(readBare));
  result.adapterMicros.push(await cost(readWithAdapter));
  if (!bareFirst) result.bareMicros.push(await cost(readBare));
}
if (task.profileFile !== undefined) {
  const profiler = await Profiler.start();
  await cost(readWithAdapter);
  await profiler.stop(task.profileFile);
}
process.stdout.write(JSON.stringify(result));
await Promise.all([agent.close(), provider.close?.()]);
