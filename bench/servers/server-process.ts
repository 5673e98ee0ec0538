import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentAnswer, AgentRequest, Usage } from './agent-messages.js';

const agent = new URL('agent.js', import.meta.url).href;
const startLimitMs = 60_000;
const stopLimitMs = 40_000;

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

export interface ServerOptions {
  readonly name: string;
  /** Compiled, absolute. */
  readonly script: string;
  readonly arguments: readonly string[];
  /** Answers 200 when the server is ready. */
  readonly readyUrl: string;
  /** Gets what the server prints, and is where it works. */
  readonly directory: string;
}

/** A measured server: a process of its own with the agent in it. */
export class ServerProcess {
  private readonly waiting = new Map<number, PromiseWithResolvers<Usage>>();
  private lastId = 0;

  private constructor(
    private readonly child: ChildProcess,
    readonly name: string,
    private readonly logFile: string,
  ) {
    child.on('message', ({ id, usage }: AgentAnswer) => {
      this.waiting.get(id)?.resolve(usage);
      this.waiting.delete(id);
    });
    child.once('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error(`${name} has ended`));
    });
  }

  /** @throws Error with the end of its log when it is not ready within a minute */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const logFile = path.join(options.directory, `${options.name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', '--import', agent, options.script, ...options.arguments],
      {
        cwd: options.directory,
        // Nothing from outside: settings of the operator would make runs differ.
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['ignore', log, log, 'ipc'],
        // Ctrl-C is for the bench alone, which then stops its servers in order.
        detached: true,
      },
    );
    closeSync(log);
    const server = new ServerProcess(child, options.name, logFile);
    try {
      await server.ready(options.readyUrl);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return server;
  }

  usage(): Promise<Usage> {
    return this.command({ command: 'usage' });
  }

  /** What is in use once garbage has been collected. */
  usageWithoutGarbage(): Promise<Usage> {
    return this.command({ command: 'collect-garbage' });
  }

  /** Begins anew to measure how late the event loop is. */
  async watchLoop(): Promise<void> {
    await this.command({ command: 'watch-loop' });
  }

  /** Of Parley: whether answers are journalled while they are generated. They always are, outside of benchmarks. */
  async journal(isOn: boolean): Promise<void> {
    await this.command({ command: 'journal', isOn });
  }

  async profile(file: string, work: () => Promise<void>): Promise<void> {
    await this.command({ command: 'start-profile' });
    await work();
    await this.command({ command: 'stop-profile', file });
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const tooLate = setTimeout(() => this.child.kill('SIGKILL'), stopLimitMs);
    await ended;
    clearTimeout(tooLate);
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private command(command: WithoutId<AgentRequest>): Promise<Usage> {
    const id = ++this.lastId;
    const answer = Promise.withResolvers<Usage>();
    this.waiting.set(id, answer);
    this.child.send({ id, ...command } satisfies AgentRequest);
    return answer.promise;
  }

  private async ready(url: string): Promise<void> {
    const giveUpAt = performance.now() + startLimitMs;
    while (!this.hasEnded && performance.now() < giveUpAt) {
      const response = await fetch(url).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok === true) return;
      await delay(50);
    }
    const log = await readFile(this.logFile, 'utf8');
    throw new Error(`${this.name} did not become ready:\n${log.slice(-2000)}`);
  }
}

/** A TCP port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // Listens on TCP.
  server.close();
  await once(server, 'close');
  return port;
}
