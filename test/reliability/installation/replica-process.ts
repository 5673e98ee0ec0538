import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EmbeddedValues } from '../../../src/config/registry.js';
import { eventually } from '../../support/parley.js';
import type { AgentAnswer, AgentRequest, Held, Look } from './look.js';

const main = path.resolve('dist/src/main.js');
const agent = pathToFileURL('test/reliability/installation/agent.ts').href;
const startPatienceMs = 180_000;
const keptOutput = 100_000;

interface Place {
  readonly name: string;
  readonly port: number;
  readonly directory: string;
  /** By how much its clock is ahead. */
  readonly aheadMs: number;
}

/** A built server at a port of its own: one process after the other, when it is killed and starts again. Not yet started. */
export class ReplicaProcess {
  /** The end of what was printed, by all processes so far. */
  output = '';
  private child: ChildProcess | undefined;
  private readonly waiting = new Map<number, (answer: AgentAnswer) => void>();
  private lastId = 0;

  constructor(
    private readonly place: Place,
    private readonly settings: EmbeddedValues,
  ) {}

  get name(): string {
    return this.place.name;
  }

  get port(): number {
    return this.place.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when it is ready. @throws Error with the end of its output */
  async start(): Promise<void> {
    const { directory, aheadMs } = this.place;
    const config = path.join(directory, `${this.name}.json`);
    await writeFile(config, JSON.stringify({ ...this.settings, 'server.port': this.port }), { mode: 0o600 }); // JSON is YAML.
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--import', `${agent}?aheadMs=${aheadMs}`, main, '--config', config],
      {
        // Where no .env of a developer lies.
        cwd: directory,
        env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    this.child = child;
    const note = (text: unknown): void => {
      this.output = (this.output + String(text)).slice(-keptOutput);
    };
    child.stdout?.on('data', note);
    child.stderr?.on('data', note);
    child.on('message', (answer: AgentAnswer) => this.waiting.get(answer.id)?.(answer));
    child.on('error', () => undefined);
    try {
      await eventually(async () => {
        if (!this.isRunning) throw new Error('it exited');
        return (await this.isReady()) || undefined;
      }, startPatienceMs);
    } catch (cause) {
      child.kill('SIGKILL');
      throw new Error(`${this.name} did not start: ${this.output}`, { cause });
    }
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok === true;
  }

  /** @returns the exit code, null when the signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }

  async look(): Promise<Look> {
    const { look } = await this.askAgent('look');
    if (look === undefined) throw new Error('The agent answers something else.');
    return look;
  }

  /** What is held after all garbage is gone; takes the process seconds. */
  async held(): Promise<Held> {
    const { held } = await this.askAgent('held');
    if (held === undefined) throw new Error('The agent answers something else.');
    return held;
  }

  /** Open file descriptors (Linux). */
  async descriptors(): Promise<number> {
    return (await readdir(`/proc/${this.child?.pid ?? 0}/fd`)).length;
  }
  private askAgent(wanted: AgentRequest['wanted']): Promise<AgentAnswer> {
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, (answer) => {
        this.waiting.delete(id);
        resolve(answer);
      });
      const request: AgentRequest = { id, wanted };
      this.child?.send(request);
    });
  }
}
