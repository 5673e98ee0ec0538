import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { Gate } from '../../bench/upstream/gate.js';
import { stream } from '../../bench/upstream/scripts.js';
import {
  answerPieces,
  eventually,
  Parley,
  upstreamModel,
  type Person,
  type Replica,
} from '../support/parley.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const words = Array.from(
  { length: 60 },
  (_, index) => `${index}${[' and', '\n', ' 😀', '\r\ndata: x\n\n'][index % 4] ?? ''}`,
);
/** Within the headers, within events, and between them. */
const cuts = [1500, 300, 1650, 1801, 1802, 1933, 2100, 2222, 2500];

let parley: Parley;
let second: Replica;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada');
});

afterAll(() => parley.stop());

interface Reading {
  readonly source: EventSource;
  readonly tokens: string[];
  readonly ids: string[];
  /** `Last-Event-ID` of each request. */
  readonly asked: (string | undefined)[];
  /** The status with which it gave up. */
  readonly over: Promise<number | undefined>;
}

/** Reads as a browser does, but for the three seconds that it waits before it comes back. */
function read(url: string): Reading {
  const tokens: string[] = [];
  const ids: string[] = [];
  const asked: (string | undefined)[] = [];
  const cookie = [...ada.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  const source = new EventSource(url, {
    fetch: async (input, init) => {
      asked.push(init.headers['Last-Event-ID']);
      return comingBackSoon(await fetch(input, { ...init, headers: { ...init.headers, cookie } }));
    },
  });
  const { promise: over, resolve } = Promise.withResolvers<number | undefined>();
  source.addEventListener('token', ({ data, lastEventId }) => {
    tokens.push((JSON.parse(String(data)) as { token: string }).token);
    ids.push(lastEventId);
  });
  source.addEventListener('error', ({ code }) => {
    if (source.readyState === source.CLOSED) resolve(code);
  });
  return { source, tokens, ids, asked, over };
}

function comingBackSoon(response: Response): Response {
  if (response.status !== 200 || response.body === null) return response;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('retry: 10\n\n')),
    }),
  );
  const { status, headers } = response;
  const passed = new Response(body, { status, headers });
  // Where the EventSource looks for its origin.
  return Object.defineProperty(passed, 'url', { value: response.url });
}

describe('an EventSource', () => {
  it('has exactly the answer, read while it is generated and cut again and again, at whichever replica', async () => {
    const gate = new Gate();
    parley.upstream.enqueue(stream(answerPieces(...words), { intervalMs: 2, gates: { 50: gate } }));
    const open = await ada.stream(await ada.createThread(), upstreamModel, 'Hi');
    const messageId = String((await open.next()).data['messageId']);
    const proxies = [parley.first, second].map(({ url }) => {
      const { hostname: host, port } = new URL(url);
      return new TcpProxy({ host, port: Number(port) });
    });
    for (const proxy of proxies) {
      await proxy.open();
      proxy.cutAfter(...cuts);
    }
    const readings = proxies.map(({ address }) => read(`http://${address}/api/messages/${messageId}/stream`));
    // Some cuts are still to come when the rest of the answer does.
    const isEnough = (): boolean => proxies.every(({ cutsToCome }) => cutsToCome <= 3);
    await eventually(() => Promise.resolve(isEnough() ? true : undefined));
    gate.open();
    await open.rest();
    for (const { over, tokens, ids, asked, source } of readings) {
      // It came back after `close`, and was told to stay away.
      expect(await over).toBe(204);
      expect(source.readyState).toBe(source.CLOSED);
      expect(tokens.join('')).toBe(words.join(''));
      expect(new Set(ids).size).toBe(ids.length);
      expect(asked.length).toBeGreaterThan(5);
      expect(new Set(asked).size).toBeGreaterThan(3);
      source.close();
    }
    for (const proxy of proxies) await proxy.cut();
  });
});
