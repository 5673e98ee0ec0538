import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

const git = async (...command: string[]): Promise<string> =>
  (await promisify(execFile)('git', command, { cwd: import.meta.dirname })).stdout.trim();

/** Where and on what a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly date: string;
  /** With `+` when the working tree differs; `unknown` outside a clone. */
  readonly commit: string;
  /** Load average of the last minute, before the run. */
  readonly loadBefore: number;
}

export async function machine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    date: new Date().toISOString(),
    commit: await commit().catch(() => 'unknown'),
    loadBefore: loadavg()[0] ?? NaN,
  };
}

async function commit(): Promise<string> {
  const [id, changes] = await Promise.all([
    git('rev-parse', '--short', 'HEAD'),
    git('status', '--porcelain'),
  ]);
  return changes === '' ? id : `${id}+`;
}
