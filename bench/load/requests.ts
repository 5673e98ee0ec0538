import { Pool, type Dispatcher } from 'undici';
import type { HttpRequest, MeasuredServer } from '../servers/target.js';
import { between, moment, type Consumption } from './consumption.js';

export interface RequestLoad {
  /** Sent as POST where it has a body. */
  readonly request: HttpRequest & { readonly body?: string };
  /** Connections, each with one request at a time. */
  readonly concurrency: number;
  readonly durationMs: number;
  /** @returns what is wrong with the body of an answer, if anything */
  readonly wrongIn: (body: Buffer) => string | undefined;
}

export interface RequestResult {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly latencyMs: readonly number[];
  readonly whole: Consumption;
}

/** Asks for the same again and again. */
export async function loadRequests(target: MeasuredServer, load: RequestLoad): Promise<RequestResult> {
  const { url, headers, body = null } = load.request;
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections: load.concurrency });
  const method = body === null ? 'GET' : 'POST';
  const request = { method, path: `${pathname}${search}`, headers, body } as const;
  const latencyMs: number[] = [];
  const failures: string[] = [];
  const start = await moment(target);
  const until = performance.now() + load.durationMs;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const failure = await ask(pool, request, load.wrongIn);
      latencyMs.push(performance.now() - sentAt);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, worker));
  const whole = between(start, await moment(target));
  await pool.close();
  return { requests: latencyMs.length, failures, latencyMs, whole };
}

/** A look at the length of an answer, which is all that there is time for. */
export function ofLength(bytes: number): RequestLoad['wrongIn'] {
  return ({ byteLength }) => (byteLength === bytes ? undefined : `${byteLength} bytes instead of ${bytes}`);
}

/** What was wrong with the answer, if anything. */
async function ask(
  pool: Pool,
  request: Dispatcher.RequestOptions,
  wrongIn: RequestLoad['wrongIn'],
): Promise<string | undefined> {
  try {
    const { statusCode, body } = await pool.request(request);
    const bytes = Buffer.from(await body.arrayBuffer());
    return statusCode === 200 ? wrongIn(bytes) : `status ${statusCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
