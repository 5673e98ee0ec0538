import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { isIPv6, createServer, type AddressInfo, type Server } from 'node:net';
import { AddressPolicy } from './address-policy.js';
import { ForbiddenDestinationError, OutboundClient, type Lookup } from './outbound.js';

const limits = { connectMs: 1000, headersMs: 1000, idleMs: 1000 };
const forbidden = { name: 'ForbiddenDestinationError', code: 'FORBIDDEN_DESTINATION' };

/** All addresses of this machine, one port. */
let listener: Server;
let port: number;
/** The address that each socket was opened to, IPv4 as `::ffff:…`. */
const opened: (string | undefined)[] = [];

beforeAll(async () => {
  listener = createServer((socket) => {
    opened.push(socket.localAddress);
    socket.destroy();
  }).listen(0, '::');
  await once(listener, 'listening');
  port = portOf(listener);
});

beforeEach(() => {
  opened.length = 0;
});

afterAll(() => new Promise((resolve) => listener.close(resolve)));

/** A resolver that gives these answers, one after the other, and then the last one again. */
class Names {
  readonly asked: string[] = [];

  constructor(private readonly answers: readonly (readonly string[])[]) {}

  readonly lookup: Lookup = (hostname, _options, callback) => {
    const addresses = this.answers[Math.min(this.asked.length, this.answers.length - 1)] ?? [];
    this.asked.push(hostname);
    const answer = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    setImmediate(() => callback(null, answer));
  };
}

function clientOf(allowed: readonly string[], lookup?: Lookup): OutboundClient {
  return new OutboundClient(new AddressPolicy(allowed), limits, lookup);
}

/** Why each door of the client refuses the URL; undefined when it does not. */
async function refusalsOf(url: string, client: OutboundClient): Promise<unknown[]> {
  const doors = [() => client.fetch(url), async () => client.request(url, { method: 'GET' })];
  const refusals: unknown[] = [];
  for (const door of doors) refusals.push(await door().then(() => undefined, forbiddenWithin));
  await client.close();
  return refusals;
}

/** `fetch` wraps what its connector throws. */
function forbiddenWithin(error: unknown): unknown {
  const isWrapped = error instanceof Error && !(error instanceof ForbiddenDestinationError);
  return isWrapped ? (error.cause ?? error) : error;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // Listens on TCP.
}

describe('OutboundClient', () => {
  it.each([
    'https://127.0.0.1:PORT/',
    'https://127.0.0.1.:PORT/',
    'https://localhost:PORT/',
    'https://LOCALHOST:PORT/',
    'https://%6c%6fcalhost:PORT/',
    'https://2130706433:PORT/',
    'https://0x7f000001:PORT/',
    'https://017700000001:PORT/',
    'https://0177.0.0.1:PORT/',
    'https://0x7f.0x0.0x0.0x1:PORT/',
    'https://0177.0x0.0.01:PORT/',
    'https://127.1:PORT/',
    'https://0x7f.1:PORT/',
    'https://0:PORT/',
    'https://0.0.0.0:PORT/',
    'https://[::1]:PORT/',
    'https://[::]:PORT/',
    'https://[0:0:0:0:0:0:0:1]:PORT/',
    'https://[::127.0.0.1]:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://[::ffff:7f00:1]:PORT/',
    'https://[::ffff:0:127.0.0.1]:PORT/',
    'https://[64:ff9b::127.0.0.1]:PORT/',
    'https://[64:ff9b:1::127.0.0.1]:PORT/',
    'https://[2002:7f00:1::]:PORT/',
    'https://[2001:0:7f00:1::]:PORT/',
    'https://①②⑦.0.0.1:PORT/',
    'https://127.0.0.1:PORT/',
    'https://127。0。0。1:PORT/',
    'https:\\\\127.0.0.1:PORT\\@public.example/',
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'https://user@127.0.0.1:PORT/',
    'https://:pass@127.0.0.1:PORT/',
    'https://public.example@localhost:PORT/',
    'ftp://127.0.0.1:PORT/',
    'ws://127.0.0.1:PORT/',
  ])('opens no socket to this machine, however it is written: %s', async (url) => {
    expect(await refusalsOf(url.replace('PORT', String(port)), clientOf([]))).toMatchObject([
      forbidden,
      forbidden,
    ]);
    expect(opened).toEqual([]);
  });

  it.each([
    'https://[::1%25lo]:PORT/',
    'https://[fe80::1%lo]:PORT/',
    'https://127.0.0.1%00:PORT/',
    'https://127.0.0.0.1:PORT/',
    'https://256.0.0.1:PORT/',
  ])('opens no socket to what is no URL: %s', async (url) => {
    const invalid = { code: 'ERR_INVALID_URL' };
    expect(await refusalsOf(url.replace('PORT', String(port)), clientOf([]))).toMatchObject([
      invalid,
      invalid,
    ]);
    expect(opened).toEqual([]);
  });

  it('fails like a network where a name is unknown', async () => {
    const unknown = { code: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/) };
    expect(await refusalsOf('https://nobody.invalid/', clientOf([]))).toMatchObject([unknown, unknown]);
  });

  it('takes no http for a public host, nor a user name for one that is listed', async () => {
    const client = () => clientOf(['localhost']);
    expect(await refusalsOf('http://example.org/', client())).toMatchObject([forbidden, forbidden]);
    const named = `http://user:pass@localhost:${port}/`;
    expect(await refusalsOf(named, client())).toMatchObject([forbidden, forbidden]);
    expect(opened).toEqual([]);
  });

  it('reaches a listed host, by http as well', async () => {
    const refusals = await refusalsOf(`http://localhost:${port}/`, clientOf(['localhost']));
    expect(refusals).not.toContainEqual(expect.objectContaining(forbidden));
    expect(opened.length).toBeGreaterThanOrEqual(2);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect (%i) to this machine', async (status) => {
    const location = `http://127.0.0.1:${port}/`;
    const listed = createHttpServer((_request, response) => {
      response.writeHead(status, { location, connection: 'close' }).end();
    }).listen(0, 'localhost');
    await once(listed, 'listening');
    const client = clientOf(['localhost']);
    const url = `http://localhost:${portOf(listed)}/`;
    expect((await client.fetch(url)).status).toBe(status);
    const { statusCode, body } = await client.request(url, { method: 'GET' });
    await body.dump();
    expect(statusCode).toBe(status);
    expect(opened).toEqual([]);
    await client.close();
    await new Promise((resolve) => listed.close(resolve));
  });
});

/** `::1` is listed here and plays a public address, 127.0.0.1 is not: neither needs the internet. */
describe('OutboundClient, when names are looked up', () => {
  const listed = ['::1'];
  const url = (name: string): string => `https://${name}:${port}/`;

  it.each(['localhost.', 'metadata.internal', 'xn--bcher-kva.example', 'a.b.c.d'])(
    'opens no socket when %s is this machine',
    async (name) => {
      const names = new Names([['127.0.0.1']]);
      expect(await refusalsOf(url(name), clientOf(listed, names.lookup))).toMatchObject([
        forbidden,
        forbidden,
      ]);
      expect(names.asked).toEqual([name, name]);
      expect(opened).toEqual([]);
    },
  );

  it('goes where the one answer said that was checked, though the next one would say otherwise', async () => {
    const names = new Names([['::1'], ['127.0.0.1']]);
    const client = clientOf(listed, names.lookup);
    await expect(client.fetch(url('rebinding.example'))).rejects.not.toMatchObject({ cause: forbidden });
    expect({ opened, asked: names.asked }).toEqual({ opened: ['::1'], asked: ['rebinding.example'] });
    await client.close();
  });

  it('checks every new socket: a name that turns to this machine later gets none', async () => {
    const names = new Names([['::1'], ['::1'], ['127.0.0.1']]);
    const client = clientOf(listed, names.lookup);
    for (const _ of [1, 2]) await client.fetch(url('rebinding.example')).catch(() => undefined);
    expect(opened).toEqual(['::1', '::1']);
    expect(await refusalsOf(url('rebinding.example'), client)).toMatchObject([forbidden, forbidden]);
    expect(opened).toEqual(['::1', '::1']);
  });

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '::',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
    'fe80::1%lo',
    '2606:4700:4700::1111%lo',
    'not an address',
  ])('opens no socket at all when one of several addresses is %s', async (address) => {
    for (const addresses of [[address], ['::1', address], [address, '::1']]) {
      const { lookup } = new Names([addresses]);
      expect(await refusalsOf(url('several.example'), clientOf(listed, lookup))).toMatchObject([
        forbidden,
        forbidden,
      ]);
    }
    expect(opened).toEqual([]);
  });

  it('opens no socket when a name has no address', async () => {
    const { lookup } = new Names([[]]);
    expect(await refusalsOf(url('empty.example'), clientOf(listed, lookup))).toMatchObject([
      forbidden,
      forbidden,
    ]);
  });
});
