import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LiveStream } from '../../generation/live-stream.js';
import { sendUiMessage } from './ui-message-stream.js';

/** What a client gets of a stream that is over. */
async function read(stream: LiveStream): Promise<string> {
  const app = express().get('/', (_request, response) => {
    void sendUiMessage(response, stream, { messageId: 'msg_1', slowReaderTimeoutMs: 30_000 });
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`)).text();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('sending a UI message', () => {
  it('breaks the connection off where the answer goes on and its stream does not', async () => {
    const stream = new LiveStream();
    stream.append({ type: 'token', token: 'Hel' });
    stream.breakOff();
    await expect(read(stream)).rejects.toThrow('terminated');
  });

  it('ends in good order with the answer, however that ended', async () => {
    const stream = new LiveStream();
    stream.append({ type: 'token', token: 'Hel' });
    stream.append({ type: 'close' });
    expect(await read(stream)).toContain('"delta":"Hel"');
  });
});
