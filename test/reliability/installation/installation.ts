import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { EmbeddedValues } from '../../../src/config/registry.js';
import { rateLimitSettings } from '../../../src/config/settings/rate-limit-settings.js';
import { Browser } from '../../support/browser.js';
import { Person } from '../../support/parley.js';
import { clientId, ScriptedIdentityProvider } from '../../support/scripted-identity-provider.js';
import { testKeyFile } from '../../support/test-configuration.js';
import { createTestDatabase } from '../../support/test-postgres.js';
import { Balancer } from './balancer.js';
import { PlannedUpstream } from './planned-upstream.js';
import { ReplicaProcess } from './replica-process.js';

/** The model of the planned upstream. */
export const plannedModel = 'planned';

const replicaNames = ['one', 'two'] as const;

const settingsForAll: EmbeddedValues = {
  ...Object.fromEntries(Object.keys(rateLimitSettings).map((key) => [key, 0])),
  'generation.maxConcurrentPerUser': 0,
  'breaker.failures': 1000,
  'oidc.clientId': clientId,
  'identity.groupRoles': { admins: 'admin' },
  'session.secrets': ['a secret for tests, 32 characters'],
  'providers.compatible.models': [plannedModel],
  'log.level': 'warn',
};

export interface InstallationOptions {
  readonly settings?: EmbeddedValues;
  /** Instead of a database on the server of the run. */
  readonly databaseUrl?: string;
  /** By how much the clock of each replica is ahead. */
  readonly aheadMs?: readonly [number, number];
}

/** Two replicas in processes of their own behind a balancer, with a database, an identity provider and an upstream. */
export class Installation {
  private readonly undo: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly databaseUrl: string,
    readonly identity: ScriptedIdentityProvider,
    readonly upstream: PlannedUpstream,
    readonly balancer: Balancer,
    readonly replicas: readonly [ReplicaProcess, ReplicaProcess],
  ) {}

  /** Both replicas start at the same moment, as a first deployment does. */
  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const installation = await Installation.prepare(options);
    try {
      await Promise.all(installation.replicas.map((replica) => replica.start()));
      return installation;
    } catch (error) {
      await installation.stop();
      throw error;
    }
  }

  /** Everything but the replicas, which have not started. */
  static async prepare(options: InstallationOptions = {}): Promise<Installation> {
    const { settings = {}, databaseUrl, aheadMs = [0, 0] } = options;
    const database = databaseUrl === undefined ? await createTestDatabase() : undefined;
    const identity = await ScriptedIdentityProvider.start();
    const upstream = await PlannedUpstream.start();
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-reliability-'));
    const replicas: ReplicaProcess[] = [];
    const balancer = await Balancer.start(replicas);
    const url = databaseUrl ?? database?.url ?? '';
    for (const [index, name] of replicaNames.entries()) {
      const place = { name, port: await freePort(), directory, aheadMs: aheadMs[index] ?? 0 };
      const own: EmbeddedValues = {
        'database.url': url,
        'oidc.issuer': identity.issuer,
        'server.publicUrl': balancer.url,
        'encryption.keyFile': testKeyFile(),
        'providers.compatible.baseUrl': upstream.baseUrl(name),
      };
      replicas.push(new ReplicaProcess(place, { ...settingsForAll, ...own, ...settings }));
    }
    const [one, two] = replicas;
    if (one === undefined || two === undefined) throw new Error('There are two.');
    const installation = new Installation(url, identity, upstream, balancer, [one, two]);
    installation.undo.push(
      () => Promise.all(replicas.map((replica) => replica.end('SIGKILL'))),
      () => Promise.all([balancer.stop(), upstream.stop(), identity.stop()]),
      () => rm(directory, { recursive: true }),
      async () => database?.drop(),
    );
    return installation;
  }

  /** Somebody with a session, who asks the balancer. */
  async logIn(subject: string, claims: Record<string, unknown> = {}): Promise<Person> {
    const browser = new Browser(this.balancer.url);
    const begun = await browser.navigate(`${this.balancer.url}/app/login`);
    const answer = this.identity.answer(begun.headers.get('location') ?? '', { sub: subject, ...claims });
    const done = await browser.navigate(`${this.balancer.url}/app/login/callback?${answer.toString()}`);
    if (done.status !== 302) throw new Error(`${subject} cannot log in: ${await done.text()}`);
    return new Person(browser);
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    for (const step of this.undo) await step();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // Listens on TCP.
  await server[Symbol.asyncDispose]();
  return port;
}
