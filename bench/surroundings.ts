import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Options } from './options.js';
import { readNames } from './reference/arguments.js';
import { chatTarget, type ChatTarget } from './servers/chat-target.js';
import { Databases, type DatabaseServer } from './servers/databases.js';
import { issueToken, logIn, ParleyTarget } from './servers/parley.js';
import { startPortkey } from './servers/portkey.js';
import { PostgresCpu } from './servers/postgres-cpu.js';
import { referenceTarget } from './servers/reference.js';
import { freePort, ServerProcess } from './servers/server-process.js';
import type { Target } from './servers/target.js';

const upstreamModel = 'bench';

/** Everything that runs during a benchmark, each in a process of its own. */
export class Surroundings implements AsyncDisposable {
  private readonly cleaning = new AsyncDisposableStack();
  private disposing: Promise<void> | undefined;

  private constructor(private readonly directory: string) {
    this.cleaning.defer(() => rm(directory, { recursive: true, force: true }));
  }

  static async prepare(): Promise<Surroundings> {
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-bench-'));
    // As root, Postgres runs under an account of its own, which must get in.
    await chmod(directory, 0o711);
    const surroundings = new Surroundings(directory);
    process.once('SIGINT', () => void surroundings[Symbol.asyncDispose]().then(() => process.exit(130)));
    return surroundings;
  }

  /** @returns its `/v1` */
  async upstream({ chunks, intervalMs }: Options): Promise<string> {
    const pace = ['--chunks', String(chunks), '--interval', String(intervalMs)];
    const { origin } = await this.serve('upstream', 'upstream/paced-upstream.js', {
      argumentsFor: (port) => ['--port', port, ...pace],
      readyPath: '/v1/models',
    });
    return `${origin}/v1`;
  }

  /** @returns the origin of an upstream that says whole recordings, for the adapters by themselves */
  async replayingUpstream({ chunks }: Options): Promise<string> {
    const { origin } = await this.serve('replaying-upstream', 'adapters/replaying-upstream.js', {
      argumentsFor: (port) => [port, String(chunks)],
      readyPath: '/',
    });
    return origin;
  }

  async parley(upstream: string, { threads }: Options): Promise<ParleyTarget> {
    const { directory } = this;
    const parley = await ParleyTarget.start({ directory, upstream, threads, model: upstreamModel });
    this.cleaning.defer(() => parley.server.stop());
    return parley;
  }

  /** A Postgres for several Parleys, which are stopped before it. */
  async databases(): Promise<Databases> {
    const databases = await Databases.start(this.directory);
    this.cleaning.defer(() => databases.stop());
    return databases;
  }

  /** A Parley on a database of its own. */
  async parleyOn(databases: Databases, name: string, upstream: string): Promise<DatabaseServer> {
    const started = await databases.parley(name, { upstream, model: upstreamModel });
    this.cleaning.defer(() => started.server.stop());
    return started;
  }

  /** The reference programs, which answer with what Parley answers. */
  async references(upstream: string, parley: ParleyTarget): Promise<Target[]> {
    await this.keepAnswers(parley);
    return this.bothReferences(upstream);
  }

  /** The reference programs for what they forward alone. */
  async forwarders(upstream: string): Promise<ChatTarget[]> {
    for (const name of readNames) await writeFile(path.join(this.directory, `${name}.json`), 'null');
    return this.bothReferences(upstream);
  }

  /** @throws Error when it is not installed and cannot be */
  async portkey(upstream: string): Promise<ChatTarget> {
    const { directory } = this;
    const portkey = await startPortkey({ directory, upstream, model: upstreamModel });
    this.cleaning.defer(() => portkey.server.stop());
    return portkey;
  }

  /** Parley as a program sees it, and the database behind it. */
  async chatParley(upstream: string): Promise<{ readonly parley: ChatTarget; readonly url: string }> {
    const { server, origin, url } = await this.parleyOn(await this.databases(), 'gateway', upstream);
    const token = await issueToken(await logIn(origin, 'uma'), ['completions:write']);
    const postgres = await PostgresCpu.of(path.join(this.directory, 'postgres/postgres/data'));
    const parley = chatTarget({
      ...{ name: 'Parley', server, origin, model: upstreamModel },
      headers: { authorization: `Bearer ${token}` },
      helperCpuMs: () => postgres.read(),
    });
    return { parley, url };
  }

  async bareNest(upstream: string, parley: ParleyTarget): Promise<Target> {
    await this.keepAnswers(parley);
    return this.reference('bare Nest', 'bare-nest.js', upstream);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposing ??= this.cleaning.disposeAsync();
    return this.disposing;
  }

  private async keepAnswers(parley: ParleyTarget): Promise<void> {
    for (const name of readNames) {
      await writeFile(path.join(this.directory, `${name}.json`), await parley.readBody(name));
    }
  }

  private async bothReferences(upstream: string): Promise<(ChatTarget & Target)[]> {
    return [
      await this.reference('floor', 'floor.js', upstream),
      await this.reference('bare Nest', 'bare-nest.js', upstream),
    ];
  }

  private async reference(
    name: 'floor' | 'bare Nest',
    script: string,
    upstream: string,
  ): Promise<ChatTarget & Target> {
    const running = await this.serve(name, `reference/${script}`, {
      argumentsFor: (port) => [port, new URL(upstream).origin, this.directory],
      readyPath: '/threads',
    });
    return referenceTarget(name, { ...running, model: upstreamModel });
  }

  /** Runs a script of ours on a free port. */
  private async serve(
    name: string,
    script: string,
    how: { readonly argumentsFor: (port: string) => readonly string[]; readonly readyPath: string },
  ): Promise<{ readonly server: ServerProcess; readonly origin: string }> {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const server = await ServerProcess.start({
      name,
      script: path.join(import.meta.dirname, script),
      arguments: how.argumentsFor(String(port)),
      readyUrl: `${origin}${how.readyPath}`,
      directory: this.directory,
    });
    this.cleaning.defer(() => server.stop());
    return { server, origin };
  }
}
