import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PostgresAccount } from './postgres-account.js';

/** The parent process of a running Postgres server. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/** How often conditions of another process are looked at, ms. */
export const pollMs = 20;

const stopTimeoutMs = 30_000;

/**
 * The postmaster that serves `data`, also while it starts or stops; a stale postmaster.pid counts as none.
 * The file holds pid, directory, start time and port, a line each (postgresql.org/docs/18/storage-file-layout.html).
 * The pid alone proves nothing: after a crash or in a new container it may be any process.
 */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const lines = (await readFile(pidFile(data), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!pid || !port) return undefined;
  return (await serves(pid, data)) ? { pid, port } : undefined;
}

/** Starts a server on 127.0.0.1 that outlives this process. It is ready when a connection to it succeeds. */
export async function spawnPostmaster(options: {
  readonly postgres: string;
  readonly data: string;
  readonly account: PostgresAccount;
  readonly settings: Readonly<Record<string, string>>;
  readonly logFile: string;
}): Promise<ChildProcess> {
  const { postgres, data, account, settings, logFile } = options;
  // Postgres itself ignores a stale pid file, unless its pid now belongs to another process of the same account.
  if (!(await findPostmaster(data))) await rm(pidFile(data), { force: true });
  const port = await freePort();
  const log = await open(logFile, 'a', 0o600);
  try {
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(postgres, ['-D', data, '-p', String(port), ...flags], {
      ...account,
      cwd: '/',
      env: { LC_ALL: 'C' },
      // In a group of its own: Ctrl-C in a terminal is for Parley, which stops Postgres after its last query.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(child, 'spawn');
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

/**
 * Stops the postmaster of `data`, if there is one, by a fast shutdown: sessions are ended, data are written.
 * @throws Error when it still runs after 30 s.
 */
export async function stopPostmaster(data: string): Promise<void> {
  const postmaster = await findPostmaster(data);
  if (!postmaster) return;
  try {
    process.kill(postmaster.pid, 'SIGINT');
  } catch {
    return; // Gone in this moment.
  }
  const deadline = performance.now() + stopTimeoutMs;
  while (await serves(postmaster.pid, data)) {
    if (performance.now() > deadline) {
      throw new Error(`Postgres (pid ${postmaster.pid}) did not stop within ${stopTimeoutMs / 1000} s.`);
    }
    await delay(pollMs);
  }
}

function pidFile(data: string): string {
  return path.join(data, 'postmaster.pid');
}

async function serves(pid: number, data: string): Promise<boolean> {
  return (await commandOf(pid)).includes(`-D ${data} `);
}

/** The command line of a process, arguments parted by spaces; empty when it does not run. */
async function commandOf(pid: number): Promise<string> {
  try {
    if (process.platform !== 'linux') {
      return (await promisify(execFile)('ps', ['-p', String(pid), '-o', 'command='])).stdout;
    }
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('No free port.'));
      });
    });
  });
}
