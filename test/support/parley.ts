import { setTimeout as wait } from 'node:timers/promises';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createParser } from 'eventsource-parser';
import { expect } from '@jest/globals';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { stream, type Script, type StreamOptions } from '../../bench/upstream/scripts.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { createApp } from '../../src/create-app.js';
import { DataSource } from 'typeorm';
import type { MessageDto } from '../../src/messages/dto/message.dto.js';
import type { ThreadDetailDto } from '../../src/threads/dto/thread.dto.js';
import type { ExchangeDto } from '../../src/wire/native/dto/post-message.dto.js';
import { Lifecycle } from '../../src/infrastructure/lifecycle.js';
import { Browser } from './browser.js';
import { ScriptedIdentityProvider } from './scripted-identity-provider.js';
import { testConfiguration } from './test-configuration.js';
import { createTestDatabase, type TestDatabase } from './test-postgres.js';

/** The model of the scripted upstream. */
export const upstreamModel = 'scripted';

/** What `ownedRows` reads; of a session not when it was seen. */
const owned = [
  '(SELECT id, revoked_at FROM sessions)',
  'threads',
  'messages',
  'thread_models',
  'imported_threads',
  'users',
  'api_tokens',
  'profiles',
  'tenants',
  'model_aliases',
  'model_overrides',
  'tenant_identities',
  'connections',
  'sealed_secrets',
  'personal_keys',
  'model_loads',
  'stored_responses',
];

/** A whole Parley, as `npm start` wires it, on a database of its own, with a scripted vendor and identity provider. */
export class Parley {
  private readonly replicas: Replica[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly identity: ScriptedIdentityProvider,
    readonly upstream: ScriptedUpstream,
    private readonly settings: EmbeddedValues,
    private readonly create: typeof createApp,
  ) {}

  /** @param create wires the application, for tests that observe more of it than HTTP shows */
  static async start(settings: EmbeddedValues = {}, create = createApp): Promise<Parley> {
    const parley = new Parley(
      await createTestDatabase(),
      await ScriptedIdentityProvider.start(),
      await ScriptedUpstream.start(),
      settings,
      create,
    );
    await parley.addReplica();
    return parley;
  }

  /** The replica that is asked when a test names none. */
  get first(): Replica {
    const [replica] = this.replicas;
    if (replica === undefined) throw new Error('no replica');
    return replica;
  }

  async addReplica(): Promise<Replica> {
    const config = testConfiguration({
      'database.url': this.database.url,
      'oidc.issuer': this.identity.issuer,
      'identity.groupRoles': { admins: 'admin', guests: 'guest' },
      'providers.compatible.baseUrl': this.upstream.url,
      'providers.compatible.models': [upstreamModel],
      'providers.demo.tokenDelayMs': 0,
      'generation.retryBaseDelayMs': 1,
      // Tests of failures share a vendor.
      'breaker.failures': 1000,
      ...this.settings,
    });
    const replica = await Replica.start(await this.create(config), this.identity);
    this.replicas.push(replica);
    return replica;
  }

  /** Every row that anybody owns, to show that a refusal changed nothing; by one query, since it is asked a thousand times. */
  async ownedRows(): Promise<unknown> {
    const rows = owned.map((from) => `(SELECT json_agg(r ORDER BY r::text) FROM ${from} r)`);
    return this.first.database.query(`SELECT json_build_array(${rows.join()})`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await Promise.all([this.identity.stop(), this.upstream.stop(), this.database.drop()]);
  }
}

/** One process's worth of Parley. */
export class Replica {
  private constructor(
    readonly app: NestExpressApplication,
    readonly url: string,
    private readonly identity: ScriptedIdentityProvider,
  ) {}

  static async start(app: NestExpressApplication, identity: ScriptedIdentityProvider): Promise<Replica> {
    await app.listen(0, '127.0.0.1');
    app.get(Lifecycle).started();
    return new Replica(app, await app.getUrl(), identity);
  }

  get database(): DataSource {
    return this.app.get(DataSource);
  }

  /** Somebody with a session. */
  async logIn(subject: string, claims: Record<string, unknown> = {}): Promise<Person> {
    const browser = new Browser(this.url);
    const begun = await browser.navigate(`${this.url}/app/login`);
    const answer = this.identity.answer(begun.headers.get('location') ?? '', { sub: subject, ...claims });
    const done = await browser.navigate(`${this.url}/app/login/callback?${answer.toString()}`);
    expect(done.status).toBe(302);
    return new Person(browser);
  }

  /** As a process ends that nobody gave time: what it generates is interrupted. */
  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** What `/api` answered. */
export interface Answer<Data = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** Missing when it failed. */
  readonly data: Data;
  readonly pagination: { cursor: string | null; limit: number; hasMore: boolean; totalCount?: number };
  readonly error:
    { code: string; type: string; param?: string; details?: Record<string, unknown> } | undefined;
  readonly requestId: string;
}

export interface StreamEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Somebody who talks to `/api`. */
export class Person {
  constructor(readonly browser: Browser) {}

  /** The same session, asking another replica. */
  at(replica: Replica): Person {
    const browser = new Browser(replica.url);
    for (const [name, value] of this.browser.jar()) browser.jar().set(name, value);
    return new Person(browser);
  }

  async ask<Data = unknown>(method: string, path: string, body?: unknown): Promise<Answer<Data>> {
    const response = await this.browser.fetch(path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = (await response.json()) as Omit<Answer<Data>, 'status' | 'headers'>;
    return { ...answer, status: response.status, headers: response.headers };
  }

  async createThread(title?: string): Promise<string> {
    const body = title === undefined ? {} : { title };
    const { data, status } = await this.ask<ThreadDetailDto>('POST', '/api/threads', body);
    expect(status).toBe(201);
    return data.id;
  }

  post(threadId: string, modelId: string, body: Record<string, unknown>): Promise<Answer<ExchangeDto>> {
    return this.ask('POST', `/api/threads/${threadId}/models/${modelId}/messages`, body);
  }

  /** The messages of a thread, oldest first. */
  async messages(threadId: string): Promise<MessageDto[]> {
    return (await this.ask<MessageDto[]>('GET', `/api/threads/${threadId}/messages`)).data;
  }

  /** Reads the stream of a message, after the event of which the id is given. */
  async follow(messageId: string, lastEventId?: string): Promise<OpenStream> {
    const abort = new AbortController();
    const response = await this.browser.fetch(`/api/messages/${messageId}/stream`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      signal: abort.signal,
    });
    return new OpenStream(response, abort);
  }

  /** Posts and reads the event stream as it comes. */
  async stream(threadId: string, modelId: string, content: string): Promise<OpenStream> {
    const abort = new AbortController();
    const response = await this.browser.fetch(`/api/threads/${threadId}/models/${modelId}/messages`, {
      method: 'POST',
      body: JSON.stringify({ content, stream: true }),
      headers: { 'content-type': 'application/json' },
      signal: abort.signal,
    });
    return new OpenStream(response, abort);
  }
}

/** Every route of the native API, as `METHOD /path/{param}`, that `wanted` picks from its description. */
export async function describedRoutes(
  replica: Replica,
  wanted: (path: string, operation: { readonly requestBody?: unknown }) => boolean,
): Promise<string[]> {
  type Paths = Record<string, Record<string, { requestBody?: unknown }>>;
  const response = await fetch(`${replica.url}/openapi.json`);
  const { paths } = (await response.json()) as { paths: Paths };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => wanted(path, operation))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

/** An event stream that is being read. */
export class OpenStream {
  private readonly events: AsyncGenerator<StreamEvent>;

  constructor(
    readonly response: Response,
    private readonly abort: AbortController,
  ) {
    this.events = readEvents(response);
  }

  /** The next event; fails at the end of the stream. */
  async next(): Promise<StreamEvent> {
    const next = await this.events.next();
    if (next.done === true) throw new Error('the stream has ended');
    return next.value;
  }

  /** Everything up to the end. */
  async rest(): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    for await (const event of this.events) events.push(event);
    return events;
  }

  /** The client goes away. */
  leave(): void {
    this.abort.abort();
  }
}

async function* readEvents(response: Response): AsyncGenerator<StreamEvent, undefined> {
  const ready: StreamEvent[] = [];
  const parser = createParser({
    onEvent: ({ id = '', event = '', data }) =>
      ready.push({ id, type: event, data: JSON.parse(data) as Record<string, unknown> }),
  });
  if (response.body === null) return;
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }));
    yield* ready.splice(0);
  }
}

/** One piece of an answer in OpenAI's format. */
export const chunk = (delta: object, finishReason: string | null = null): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_795_132_800,
    model: 'scripted-2026-11-20',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  })}\n\n`;

const usage = `data: ${JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_795_132_800,
  model: 'scripted-2026-11-20',
  choices: [],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
})}\n\n`;

/** The pieces of a good answer in OpenAI's format: the role, one piece for each word, and four pieces of ending. */
export function answerPieces(...words: string[]): string[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    usage,
    'data: [DONE]\n\n',
  ];
}

/** A good answer. */
export function answers(...words: string[]): Script {
  return stream(answerPieces(...words));
}

/** An answer that ends after its words, in whatever way, without finish and terminator. */
export function breaksOff(words: readonly string[], options: StreamOptions = {}): Script {
  return stream(answerPieces(...words).slice(0, words.length + 1), options);
}

const pollMs = 10;

/** Waits until something is so; fails after `patienceMs`. */
export async function eventually<Result>(
  look: () => Promise<Result | undefined>,
  patienceMs = 10_000,
): Promise<Result> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > giveUpAt) throw new Error('it never came to be');
    await wait(pollMs);
  }
}
