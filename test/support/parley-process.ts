import { expect } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Browser } from './browser.js';
import { eventually, Person } from './parley.js';

/** The built server. */
export const main = path.resolve('dist/src/main.js');

/** The first start makes a database cluster, on a machine that may have other things to do. */
const startPatienceMs = 40_000;

/** The built server as `npm start` runs it, on embedded defaults, in a process of its own. */
export class ParleyProcess {
  output = '';

  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
  ) {
    child.stdout?.on('data', (text) => (this.output += String(text)));
    child.stderr?.on('data', (text) => (this.output += String(text)));
  }

  static async start(
    dataDirectory: string,
    settings: Record<string, string>,
    before: ParleyProcess | undefined,
  ): Promise<ParleyProcess> {
    const port = before === undefined ? await freePort() : Number(new URL(before.url).port);
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      // Where no .env of a developer lies.
      cwd: dataDirectory,
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        PARLEY_SERVER_PORT: String(port),
        PARLEY_EMBEDDED_IDENTITY_PORT: '0',
        PARLEY_EMBEDDED_DATA_DIRECTORY: dataDirectory,
        // Tests ask again and again until something is so.
        PARLEY_RATE_LIMIT_MESSAGES_READ: '0',
        PARLEY_RATE_LIMIT_OTHER: '0',
        ...settings,
      },
    });
    const started = new ParleyProcess(child, `http://localhost:${port}`);
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error('it exited');
        return (await fetch(`${started.url}/health/ready`).catch(() => undefined))?.ok === true || undefined;
      }, startPatienceMs);
      return started;
    } catch (cause) {
      child.kill('SIGKILL');
      throw new Error(`Parley did not start: ${started.output}`, { cause });
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
    return this.child.exitCode;
  }

  /** Through the page of the development identity provider, as a browser does it. */
  async logIn(name: string): Promise<Person> {
    const browser = new Browser(this.url);
    let { url, response } = await follow(browser, `${this.url}/app/login?returnTo=/api/user`);
    expect(response.status).toBe(200);
    ({ url, response } = await follow(browser, url, {
      method: 'POST',
      body: new URLSearchParams({ person: name }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }));
    expect(url).toBe(`${this.url}/api/user`);
    expect(((await response.json()) as { data: { username: string } }).data.username).toBe(name);
    return new Person(browser);
  }
}

async function follow(
  browser: Browser,
  start: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<{ url: string; response: Response }> {
  let url = start;
  let response = await browser.navigate(url, init);
  for (let hops = 0; hops < 10 && response.headers.has('location'); hops++) {
    url = new URL(String(response.headers.get('location')), url).href;
    response = await browser.navigate(url);
  }
  return { url, response };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
