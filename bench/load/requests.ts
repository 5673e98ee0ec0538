import { Pool, type Dispatcher } from 'undici';
import type { ReadName, Target } from '../servers/target.js';
import { between, moment, type Consumption } from './consumption.js';

export interface RequestLoad {
  readonly name: ReadName;
  /** Connections, each with one request at a time. */
  readonly concurrency: number;
  readonly durationMs: number;
  /** Length of every answer. */
  readonly bytes: number;
}

export interface RequestResult {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly latencyMs: readonly number[];
  readonly whole: Consumption;
}

/** Asks for the same again and again. */
export async function loadRequests(target: Target, load: RequestLoad): Promise<RequestResult> {
  const toSend = target.read(load.name);
  const { origin, pathname, search } = new URL(toSend.url);
  const pool = new Pool(origin, { connections: load.concurrency });
  const request = { method: 'GET', path: `${pathname}${search}`, headers: toSend.headers } as const;
  const latencyMs: number[] = [];
  const failures: string[] = [];
  const start = await moment(target);
  const until = performance.now() + load.durationMs;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const failure = await ask(pool, request, load.bytes);
      latencyMs.push(performance.now() - sentAt);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, worker));
  const whole = between(start, await moment(target));
  await pool.close();
  return { requests: latencyMs.length, failures, latencyMs, whole };
}

/** What was wrong with the answer, if anything. */
async function ask(
  pool: Pool,
  request: Dispatcher.RequestOptions,
  bytes: number,
): Promise<string | undefined> {
  try {
    const { statusCode, body } = await pool.request(request);
    const { byteLength } = await body.arrayBuffer();
    if (statusCode !== 200) return `status ${statusCode}`;
    return byteLength === bytes ? undefined : `${byteLength} bytes instead of ${bytes}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
