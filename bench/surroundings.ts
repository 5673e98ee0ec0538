import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Options } from './options.js';
import { listNames } from './reference/arguments.js';
import { ParleyTarget } from './servers/parley.js';
import { referenceTarget } from './servers/reference.js';
import { freePort, ServerProcess } from './servers/server-process.js';
import type { Target } from './servers/target.js';

const upstreamModel = 'bench';

/** Everything that runs during a benchmark, each in a process of its own. */
export class Surroundings implements AsyncDisposable {
  private readonly cleaning = new AsyncDisposableStack();

  private constructor(private readonly directory: string) {
    this.cleaning.defer(() => rm(directory, { recursive: true, force: true }));
  }

  static async prepare(): Promise<Surroundings> {
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-bench-'));
    // As root, Postgres runs under an account of its own, which must get in.
    await chmod(directory, 0o711);
    return new Surroundings(directory);
  }

  /** @returns its `/v1` */
  async upstream({ chunks, intervalMs }: Options): Promise<string> {
    const script = path.join(import.meta.dirname, 'upstream/paced-upstream.js');
    const pace = ['--port', '0', '--chunks', String(chunks), '--interval', String(intervalMs)];
    const child = spawn(process.execPath, [script, ...pace], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.cleaning.defer(async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer]; // A stream without an encoding.
    return line.toString().trim();
  }

  async parley(upstream: string, { threads }: Options): Promise<ParleyTarget> {
    const { directory } = this;
    const parley = await ParleyTarget.start({ directory, upstream, threads, model: upstreamModel });
    this.cleaning.defer(() => parley.server.stop());
    return parley;
  }

  /** The reference programs, which answer with the lists that Parley answers with. */
  async references(upstream: string, parley: ParleyTarget): Promise<Target[]> {
    for (const list of listNames) {
      await writeFile(path.join(this.directory, `${list}.json`), await parley.listBody(list));
    }
    return [
      await this.reference('floor', 'floor.js', upstream),
      await this.reference('bare Nest', 'bare-nest.js', upstream),
    ];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cleaning.disposeAsync();
  }

  private async reference(name: 'floor' | 'bare Nest', script: string, upstream: string): Promise<Target> {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const server = await ServerProcess.start({
      name,
      script: path.join(import.meta.dirname, 'reference', script),
      arguments: [String(port), new URL(upstream).origin, this.directory],
      readyUrl: `${origin}/threads`,
      directory: this.directory,
    });
    this.cleaning.defer(() => server.stop());
    return referenceTarget(name, { server, origin, model: upstreamModel });
  }
}
