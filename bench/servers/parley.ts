import path from 'node:path';
import { Browser } from '../../test/support/browser.js';
import { startParley } from './parley-process.js';
import { PostgresCpu } from './postgres-cpu.js';
import type { ServerProcess } from './server-process.js';
import type { HttpRequest, ReadName, StreamPiece, StreamRequest, Target } from './target.js';

const seedingModel = 'demo';
const seedingConcurrency = 16;
/** Twelve exchanges fill the page of 20 messages. */
const longThreadExchanges = 12;
const content =
  'Please tell me, in a few sentences that a person can read in half a minute, why keyset pagination stays flat where OFFSET does not.';

export interface ParleyOptions {
  readonly directory: string;
  /** `…/v1` of an upstream that speaks OpenAI's protocol. */
  readonly upstream: string;
  readonly model: string;
  /** Threads of the person whose lists are read; each has one exchange. */
  readonly threads: number;
}

interface Envelope {
  readonly data: { readonly id: string };
}

/** A built Parley as `npm start` runs it: embedded Postgres and identity provider, and two people with a session. */
export class ParleyTarget implements Target {
  readonly name = 'Parley';
  private longThread = '';
  /** An API token of the reader. */
  private token = '';

  private constructor(
    readonly server: ServerProcess,
    private readonly postgres: PostgresCpu,
    private readonly options: ParleyOptions,
    /** Lists are read by one, streams by another, so that the one's lists stay as they are. */
    private readonly reader: Browser,
    private readonly writer: Browser,
  ) {}

  static async start(options: ParleyOptions): Promise<ParleyTarget> {
    const { directory, upstream, model } = options;
    const { server, origin } = await startParley({ name: 'parley', directory, upstream, model });
    try {
      const postgres = await PostgresCpu.of(path.join(directory, 'data/postgres/data'));
      const people = [await logIn(origin, 'uma'), await logIn(origin, 'paul')] as const;
      const target = new ParleyTarget(server, postgres, options, ...people);
      await target.seed();
      return target;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async prepareStreams(
    count: number,
    said: (index: number) => string = () => content,
  ): Promise<readonly StreamRequest[]> {
    const threads = await inParallel(count, () => createThread(this.writer, 'A stream'));
    const headers = headersOf(this.writer);
    return threads.map((thread, index) => ({
      url: this.messagesUrl(thread, this.options.model),
      headers,
      body: JSON.stringify({ content: said(index), stream: true }),
    }));
  }

  readEvent(event: string): StreamPiece {
    const fields = event.split('\n');
    const type = fields.find((field) => field.startsWith('event: '))?.slice(7);
    const data = fields.find((field) => field.startsWith('data: '))?.slice(6) ?? '';
    switch (type) {
      case 'token':
        return { type: 'text', text: (JSON.parse(data) as { token: string }).token }; // conversations.md
      case 'message_complete':
        return { type: 'end' };
      case 'error':
        return { type: 'failure', reason: data };
      default:
        return { type: 'other' };
    }
  }

  read(name: ReadName): HttpRequest {
    const paths = {
      threads: '/api/threads?limit=20',
      messages: `/api/threads/${this.longThread}/messages?limit=20`,
      user: '/api/user',
    };
    return { url: `${this.reader.home}${paths[name]}`, headers: { authorization: `Bearer ${this.token}` } };
  }

  /** What Parley answers, for the reference programs to answer the same. */
  async readBody(name: ReadName): Promise<string> {
    const { url, headers } = this.read(name);
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
    const body = await response.text();
    const { data } = JSON.parse(body) as { data: unknown }; // http-api.md
    if (Array.isArray(data) && data.length !== 20)
      throw new Error(`GET ${url} has ${data.length} items instead of 20`);
    return body;
  }

  helperCpuMs(): Promise<number> {
    return this.postgres.read();
  }

  private messagesUrl(thread: string, model: string): string {
    return `${this.reader.home}/api/threads/${thread}/models/${model}/messages`;
  }

  private async seed(): Promise<void> {
    this.token = await issueToken(this.reader, ['read']);
    await inParallel(this.options.threads, (index) => this.seedThread(`Thread number ${index}`));
    this.longThread = await this.seedThread('A long thread');
    for (let exchange = 1; exchange < longThreadExchanges; exchange++) await this.exchange(this.longThread);
  }

  private async seedThread(title: string): Promise<string> {
    const thread = await createThread(this.reader, title);
    await this.exchange(thread);
    return thread;
  }

  private async exchange(thread: string): Promise<void> {
    await post(this.reader, this.messagesUrl(thread, seedingModel), { content });
  }
}

async function createThread(browser: Browser, title: string): Promise<string> {
  const { data } = await post(browser, '/api/threads', { title });
  return data.id;
}

async function post(browser: Browser, url: string, body: object): Promise<Envelope> {
  const response = await browser.fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Envelope; // http-api.md
}

function headersOf(browser: Browser): Record<string, string> {
  const cookie = [...browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  return { cookie, 'sec-fetch-site': 'same-origin' };
}

/** An API token for everything, for the person of the browser, issued by an admin. */
/** An API token of a person, from the administrator. */
export async function issueToken(owner: Browser, scopes: readonly string[]): Promise<string> {
  const { data: user } = (await (await owner.fetch('/api/user')).json()) as Envelope;
  const admin = await logIn(owner.home, 'ada');
  const expiresAt = new Date(Date.now() + 60 * 60 * 1000).toISOString();
  const body = { name: 'bench', ownerId: user.id, scopes, expiresAt };
  const { data } = (await post(admin, `${owner.home}/api/tokens`, body)) as unknown as {
    readonly data: { readonly token: string };
  }; // http-api.md
  return data.token;
}

/** Logs in through the pages of the development identity provider. */
export async function logIn(origin: string, person: string): Promise<Browser> {
  const browser = new Browser(origin);
  const chooser = await follow(browser, `${origin}/app/login`);
  await follow(browser, chooser, { method: 'POST', body: new URLSearchParams({ person }) });
  const answer = await browser.fetch('/api/threads?limit=1');
  if (!answer.ok) throw new Error(`${person} could not log in: ${answer.status}`);
  return browser;
}

/** Follows redirects until there are none, or until they lead to the front page. Returns where that is. */
async function follow(
  browser: Browser,
  start: string,
  init: RequestInit & { headers?: never } = {},
): Promise<string> {
  let url = start;
  let response = await browser.navigate(url, init);
  for (let hop = 0; hop < 10; hop++) {
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null) return url;
    url = new URL(location, url).href;
    if (url === `${browser.home}/`) return url;
    response = await browser.navigate(url);
  }
  throw new Error(`Redirects from ${start} do not end`);
}

/** Runs work `count` times, some of it at once. */
async function inParallel<Result>(
  count: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: seedingConcurrency }, worker));
  return results;
}
