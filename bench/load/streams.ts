import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { StreamRequest, StreamTarget } from '../servers/target.js';
import { between, moment, type Consumption } from './consumption.js';
import { readStream } from './stream-reading.js';

export interface StreamLoad {
  readonly streams: number;
  /** The text that each stream must deliver, and in how many chunks the upstream sends it. */
  readonly text: string;
  readonly chunks: number;
}

export interface StreamResult {
  readonly chunks: number;
  readonly failures: readonly string[];
  readonly firstByteMs: readonly number[];
  readonly firstTextMs: readonly number[];
  /** From before the first request to after the last end. */
  readonly whole: Consumption;
  /** While every stream ran: from the last first text to the first last one. Null when there was no such time. */
  readonly steady: (Consumption & { readonly chunks: number }) | null;
}

/** Opens all streams at once, each on a connection of its own, and reads them to their end. */
export async function loadStreams(target: StreamTarget, load: StreamLoad): Promise<StreamResult> {
  const requests = await target.prepareStreams(load.streams);
  const agent = new Agent({ keepAlive: true });
  const run = new StreamRun(target, load, agent);
  const start = await moment(target);
  await Promise.all(requests.map((toOpen) => run.stream(toOpen)));
  const end = await moment(target);
  agent.destroy();
  return run.result(between(start, end));
}

class StreamRun {
  private readonly failures: string[] = [];
  private readonly firstByteMs: number[] = [];
  private readonly firstTextMs: number[] = [];
  private chunks = 0;
  private steadyStart: Promise<Mark> | undefined;
  private steadyEnd: Promise<Mark> | undefined;

  constructor(
    private readonly target: StreamTarget,
    private readonly load: StreamLoad,
    private readonly agent: Agent,
  ) {}

  /** Never rejects: a failure is counted. */
  async stream(toOpen: StreamRequest): Promise<void> {
    const startedAt = performance.now();
    let text = '';
    let chunks = 0;
    try {
      const response = await open(toOpen, this.agent);
      await readStream(response, (event) => this.target.readEvent(event), {
        onFirstByte: () => this.firstByteMs.push(performance.now() - startedAt),
        onText: (more) => {
          if (text === '') this.begun(performance.now() - startedAt);
          text += more;
          this.chunks++;
          if (++chunks === this.load.chunks) this.steadyEnd ??= this.mark();
        },
      });
      if (text !== this.load.text)
        throw new Error(`another text than was sent, of ${text.length} characters`);
    } catch (error) {
      this.failures.push(error instanceof Error ? error.message : String(error));
    }
  }

  async result(whole: Consumption): Promise<StreamResult> {
    const { failures, firstByteMs, firstTextMs, chunks } = this;
    return { chunks, failures, firstByteMs, firstTextMs, whole, steady: await this.steady() };
  }

  private begun(afterMs: number): void {
    const count = this.firstTextMs.push(afterMs);
    if (count === this.load.streams && this.steadyEnd === undefined) this.steadyStart = this.mark();
  }

  private async mark(): Promise<Mark> {
    const now = await moment(this.target, false);
    return { now, chunks: this.chunks };
  }

  private async steady(): Promise<StreamResult['steady']> {
    const [start, end] = await Promise.all([this.steadyStart, this.steadyEnd]);
    if (start === undefined || end === undefined) return null;
    return { ...between(start.now, end.now), chunks: end.chunks - start.chunks };
  }
}

interface Mark {
  readonly now: Awaited<ReturnType<typeof moment>>;
  /** Delivered up to then. */
  readonly chunks: number;
}

/**
 * Sends the request of a stream.
 * @throws Error for another status than 200, with the answer
 */
export async function open({ url, headers, body }: StreamRequest, agent: Agent): Promise<IncomingMessage> {
  const sent = request(url, {
    method: 'POST',
    agent,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage]; // https://nodejs.org/api/http.html#event-response
  if (response.statusCode === 200) return response;
  throw new Error(`status ${response.statusCode ?? 0}: ${await text(response)}`);
}
