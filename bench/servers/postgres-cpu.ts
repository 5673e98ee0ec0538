import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Linux counts in ticks of 10 ms on every architecture that Node runs on (USER_HZ). */
const tickMs = 10;

interface ProcessTimes {
  readonly parent: number;
  readonly own: number;
  readonly endedChildren: number;
}

/** CPU time of a Postgres server and its processes, from /proc: so coarse that only sums over seconds mean anything. */
export class PostgresCpu {
  private constructor(private readonly postmaster: number) {}

  static async of(dataDirectory: string): Promise<PostgresCpu> {
    const [pid = ''] = (await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
    return new PostgresCpu(Number(pid));
  }

  /** In ms, since the server started. 0 where there is no /proc. */
  async read(): Promise<number> {
    const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => pid > 0);
    let ticks = 0;
    for (const pid of pids) {
      const times = await timesOf(pid);
      if (times === undefined) continue;
      if (pid === this.postmaster) ticks += times.own + times.endedChildren;
      else if (times.parent === this.postmaster) ticks += times.own;
    }
    return ticks * tickMs;
  }
}

/** proc_pid_stat(5); the name, which may hold anything, ends with the last parenthesis. */
async function timesOf(pid: number): Promise<ProcessTimes | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat
    ?.slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  if (fields === undefined) return undefined;
  const [, parent = 0] = fields;
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { parent, own: utime + stime, endedChildren: cutime + cstime };
}
