import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';
import { startParley } from './parley-process.js';
import type { ServerProcess } from './server-process.js';

/** A Parley with a database of its own on a Postgres that others use, too. */
export interface DatabaseServer {
  readonly server: ServerProcess;
  readonly origin: string;
  /** Of its database, as the role that owns everything. */
  readonly url: string;
}

/** One embedded Postgres, as `npm start` has it, with several databases. */
export class Databases {
  private constructor(
    private readonly postgres: EmbeddedPostgres,
    private readonly directory: string,
  ) {}

  static async start(directory: string): Promise<Databases> {
    const dataDirectory = path.join(directory, 'postgres');
    return new Databases(await startEmbeddedPostgres({ dataDirectory, log: () => undefined }), directory);
  }

  stop(): Promise<void> {
    return this.postgres.stop();
  }

  /** Makes a database and starts a Parley on it, which migrates it. */
  async parley(
    name: string,
    { upstream, model }: { readonly upstream: string; readonly model: string },
  ): Promise<DatabaseServer> {
    const admin = new pg.Client({ connectionString: this.postgres.url });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    await admin.end();
    const url = databaseUrl(this.postgres.url, name);
    const settings = {
      'database.url': databaseUrl(this.postgres.applicationUrl, name),
      'database.migrationUrl': url,
      'embedded.dataDirectory': path.join(this.directory, `data-${name}`),
    };
    const { directory } = this;
    return { ...(await startParley({ name, directory, upstream, model, settings })), url };
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
