import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { AddressPolicy } from './address-policy.js';
import { ForbiddenDestinationError, Outbound } from './outbound.js';

const limits = { connectMs: 1000, headersMs: 1000, idleMs: 1000 };

describe('AddressPolicy', () => {
  const closed = new AddressPolicy([]);

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.1',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001:0:a00:1::',
    'fe80::1',
    'fec0::1',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
    'localhost',
    '',
  ])('refuses %j', (address) => expect(closed.allowsAddress(address)).toBe(false));

  it.each(['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('allows %s', (address) => {
    expect(closed.allowsAddress(address)).toBe(true);
  });

  it('allows what is listed, as a name, an address or a network, and nothing beside it', () => {
    const policy = new AddressPolicy(['Ollama.internal', '10.1.0.0/16', '::1', '192.168.0.7']);
    expect(
      ['ollama.INTERNAL', '10.1.2.3', '[::1]', '192.168.0.7'].map((name) => policy.allowsName(name)),
    ).toEqual([true, true, true, true]);
    expect(
      ['internal', 'x.ollama.internal', '10.2.0.1', '192.168.0.8'].map((name) => policy.allowsName(name)),
    ).toEqual([false, false, false, false]);
    expect(['::ffff:10.1.2.3', '10.2.0.1'].map((address) => policy.allowsAddress(address))).toEqual([
      true,
      false,
    ]);
  });
});

describe('Outbound', () => {
  let listener: Server;
  let port: number;
  let connections = 0;

  beforeAll(async () => {
    listener = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => listener.listen(0, '::', resolve));
    ({ port } = listener.address() as AddressInfo); // Listens on TCP.
  });

  afterAll(() => new Promise((resolve) => listener.close(resolve)));

  async function refusalOf(url: string, allowed: readonly string[] = []): Promise<unknown> {
    const client = new Outbound({ 'outbound.allowedHosts': allowed }).client(limits);
    try {
      await client.fetch(url);
      return undefined;
    } catch (error) {
      return error instanceof ForbiddenDestinationError ? error : (error as Error).cause;
    } finally {
      await client.close();
    }
  }

  /** Every way to write this machine; the listener would see whoever got through. */
  it.each([
    (p: number) => `https://127.0.0.1:${p}/`,
    (p: number) => `https://localhost:${p}/`,
    (p: number) => `https://2130706433:${p}/`,
    (p: number) => `https://0x7f000001:${p}/`,
    (p: number) => `https://0177.0.0.1:${p}/`,
    (p: number) => `https://127.1:${p}/`,
    (p: number) => `https://0x7f.1:${p}/`,
    (p: number) => `https://0:${p}/`,
    (p: number) => `https://[::1]:${p}/`,
    (p: number) => `https://[::]:${p}/`,
    (p: number) => `https://[::ffff:127.0.0.1]:${p}/`,
    (p: number) => `https://[::ffff:7f00:1]:${p}/`,
    (p: number) => `https://①②⑦.0.0.1:${p}/`,
    (p: number) => `http://127.0.0.1:${p}/`,
    (p: number) => `http://localhost:${p}/`,
    (p: number) => `https://user@127.0.0.1:${p}/`,
    (p: number) => `https://public.example@localhost:${p}/`,
    (p: number) => `ftp://127.0.0.1:${p}/`,
  ])('sends nothing to this machine, however it is written', async (url) => {
    const before = connections;
    expect(await refusalOf(url(port))).toMatchObject({ name: 'ForbiddenDestinationError' });
    expect(connections).toBe(before);
  });

  it('fails like a network where a name is unknown', async () => {
    expect(await refusalOf('https://nobody.invalid/')).toMatchObject({
      code: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/),
    });
  });

  it('takes no http for a public host, nor a user name for one that is listed', async () => {
    expect(await refusalOf('http://example.org/')).toMatchObject({ name: 'ForbiddenDestinationError' });
    expect(await refusalOf(`http://user:pass@localhost:${port}/`, ['localhost'])).toMatchObject({
      name: 'ForbiddenDestinationError',
    });
  });

  it('reaches a listed host, by http as well', async () => {
    const before = connections;
    expect(await refusalOf(`http://localhost:${port}/`, ['localhost'])).not.toMatchObject({
      name: 'ForbiddenDestinationError',
    });
    expect(connections).toBe(before + 1);
  });
});
