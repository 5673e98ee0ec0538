import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../../src/embedded/embedded-postgres.js';
import { postgresAccount } from '../../../src/embedded/postgres-account.js';
import { postgresBinaries } from '../../../src/embedded/postgres-binaries.js';
import { stopPostmaster } from '../../../src/embedded/postmaster.js';
import { eventually } from '../../support/parley.js';
import { makeDataDirectory } from '../../support/test-postgres.js';

/** How a Postgres may go: `pg_ctl stop -m immediate`, kill -9 of the server, or of one session, which takes all others with it. */
export const postgresEnds = ['immediate stop', 'kill -9', 'crash of a session'] as const;
export type PostgresEnd = (typeof postgresEnds)[number];

const startPatienceMs = 30_000;

/** A Postgres 18 of its own for a scene that stops it, and starts it again at the same port. What is committed, is on disk. */
export class KillablePostgres {
  private child: ChildProcess | undefined;

  private constructor(
    readonly url: string,
    private readonly dataDirectory: string,
  ) {}

  static async start(): Promise<KillablePostgres> {
    const dataDirectory = await makeDataDirectory();
    // Makes the cluster; the server that is killed and started again is ours.
    const made = await startEmbeddedPostgres({ dataDirectory, log: () => undefined });
    await made.stop();
    const postgres = new KillablePostgres(made.url, dataDirectory);
    await postgres.run();
    return postgres;
  }

  /** Resolves when it takes connections. A server that was killed may have sessions that are still ending: then it tries again. */
  async run(): Promise<void> {
    const account = await postgresAccount();
    const binaries = await postgresBinaries(account);
    await eventually(async () => {
      if (!this.isRunning) {
        const { port } = new URL(this.url);
        const flags = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
        this.child = spawn(binaries.postgres, ['-D', this.data, '-p', port, ...flags], {
          ...account,
          cwd: '/',
          env: { LC_ALL: 'C' },
          detached: true,
          stdio: 'ignore',
        });
      }
      return (await this.answers()) || undefined;
    }, startPatienceMs);
  }

  /** Resolves when it is gone; after the crash of a session it comes back by itself. */
  async end(how: PostgresEnd): Promise<void> {
    const { child } = this;
    if (child?.pid === undefined) return;
    if (how === 'crash of a session') {
      process.kill(await this.someSession(), 'SIGKILL');
      return;
    }
    const gone = once(child, 'exit');
    process.kill(child.pid, how === 'kill -9' ? 'SIGKILL' : 'SIGQUIT');
    await gone;
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = await this.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Stops it in good order and removes its data. */
  async remove(): Promise<void> {
    await stopPostmaster(this.data);
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  private get data(): string {
    return path.join(this.dataDirectory, 'postgres', 'data');
  }

  private get isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  private async answers(): Promise<boolean> {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  private async someSession(): Promise<number> {
    const [session] = await this.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name = 'parley' LIMIT 1`,
    );
    if (session === undefined) throw new Error('Nobody is connected.');
    return session.pid;
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
