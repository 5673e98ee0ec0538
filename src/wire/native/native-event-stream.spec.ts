import { describe, expect, it } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import express from 'express';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { NumberedEvent } from '../../generation/generation-event.js';
import { LiveStream, type AnswerStream } from '../../generation/live-stream.js';
import { encodeEvent, sendEvents, type EventStreamOptions } from './native-event-stream.js';

function parse(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(text);
  return events;
}

describe('the native event encoding', () => {
  it.each(['\n', '\r\n', '\r', '\n\n', 'a\n\ndata: {"forged":true}\n\n', '\u2028', '\0', '\u{1F600}'])(
    'cannot be broken by %j in a text',
    (token) => {
      const events = parse(encodeEvent('msg_1', { number: 2, event: { type: 'token', token } }));
      expect(events).toEqual([
        { id: 'msg_1:2', event: 'token', data: JSON.stringify({ messageId: 'msg_1', token }) },
      ]);
    },
  );

  it('closes with an empty object', () => {
    expect(encodeEvent('msg_1', { number: 9, event: { type: 'close' } })).toBe(
      'id: msg_1:9\nevent: close\ndata: {}\n\n',
    );
  });
});

interface Serving extends AsyncDisposable {
  readonly port: number;
  /** Resolves when the one answer is over for the server. */
  readonly over: Promise<void>;
}

async function serve(
  stream: AnswerStream | AsyncGenerator<NumberedEvent, void, undefined>,
  options: Partial<EventStreamOptions>,
): Promise<Serving> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const app = express().get('/', (_request, response) => {
    const all = {
      messageId: 'msg_1',
      after: 0,
      slowReaderTimeoutMs: 30_000,
      pingAfterMs: 15_000,
      ...options,
    };
    sendEvents(response, 'follow' in stream ? stream : { follow: () => stream }, all).then(
      () => resolve(undefined),
      reject,
    );
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    over: promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function* endless(): AsyncGenerator<NumberedEvent> {
  for (let number = 1; ; number++) {
    yield await Promise.resolve({ number, event: { type: 'token', token: 'x'.repeat(10_000) } });
  }
}

describe('sending events', () => {
  it('sends a reader away who takes nothing for too long', async () => {
    await using server = await serve(endless(), { slowReaderTimeoutMs: 50 });
    const reader = connect(server.port, '127.0.0.1');
    reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    reader.pause();
    await server.over;
    reader.destroy();
  });

  it('lets a reader who was too slow resume, without a gap and without a repeat', async () => {
    const words = Array.from({ length: 3000 }, (_, index) => `${index} ${'x'.repeat(10_000)}`);
    const stream = new LiveStream();
    for (const token of words) stream.append({ type: 'token', token });
    stream.append({ type: 'close' });
    await using server = await serve(stream, { slowReaderTimeoutMs: 50 });
    const slow = connect(server.port, '127.0.0.1');
    slow.write('GET / HTTP/1.0\r\nHost: x\r\n\r\n');
    slow.pause();
    await server.over;
    // What was on its way still arrives, up to somewhere within an event.
    let head = '';
    slow.setEncoding('utf8').on('data', (text: string) => (head += text));
    slow.on('error', () => undefined).resume();
    await once(slow, 'close');
    const read = parse(head.slice(head.indexOf('\r\n\r\n') + 4));
    expect(read.length).toBeLessThan(words.length);
    const after = Number(read.at(-1)?.id?.split(':')[1]);
    await using again = await serve(stream, { after });
    const rest = parse(await (await fetch(`http://127.0.0.1:${again.port}/`)).text());
    const tokens = [...read, ...rest.slice(0, -1)].map(
      ({ data }) => (JSON.parse(data) as { token: string }).token,
    );
    expect(tokens).toEqual(words);
  });

  it('ends at once when the reader goes away while nothing happens', async () => {
    const stream = new LiveStream();
    stream.append({ type: 'token', token: 'a' });
    await using server = await serve(stream, {});
    const reader = connect(server.port, '127.0.0.1');
    reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(reader, 'data');
    reader.destroy();
    await server.over;
  });

  it('ends when the reader goes away', async () => {
    await using server = await serve(endless(), {});
    const reader = connect(server.port, '127.0.0.1');
    reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(reader, 'data');
    reader.destroy();
    await server.over;
  });

  it('pings when there is silence', async () => {
    const { promise: silence, resolve: endSilence } = Promise.withResolvers<undefined>();
    async function* silent(): AsyncGenerator<NumberedEvent> {
      await silence;
      yield { number: 1, event: { type: 'close' } };
    }
    await using server = await serve(silent(), { pingAfterMs: 10 });
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes as Uint8Array);
      if (text.split(': ping\n\n').length > 2) endSilence(undefined);
    }
    expect(text).toMatch(/^(?:: ping\n\n){2,}id: msg_1:1\nevent: close\ndata: \{\}\n\n$/);
  });
});
