// The upstream of the benchmarks. One file without imports of ours, so that `node bench/upstream/paced-upstream.ts` runs
// it as it is, in a process of its own. It must cost far less than what it measures: one timer paces all streams, and
// every chunk is serialised once.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

export interface PacedUpstreamOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  /** Chunks of text in one answer. */
  readonly chunks?: number;
  /** Milliseconds between two chunks; 0 sends them all at once. */
  readonly intervalMs?: number;
}

export interface PacedUpstream {
  /** `http://127.0.0.1:<port>/v1`, for the base URL of a connection. */
  readonly baseUrl: string;
  stop(): Promise<void>;
}

export const model = 'bench';
/** What it says in each chunk. */
export const word = 'word ';
/** Who says this is streamed one chunk and then nothing, until `POST /v1/go-on`: from then on chunks without end, until `POST /v1/let-go`. */
export const holdWord = 'Hold.';

/** What `GET /v1/cut-off` says: how many streams were closed before their end, and when the last one was. */
export interface CutOff {
  count: number;
  /** In ms, by the monotonic clock that all processes of the machine share (`process.hrtime`). */
  lastAtMs: number;
}

interface ChatRequest {
  readonly stream?: boolean;
  readonly messages?: readonly { readonly content: string }[];
}
const envelope = { id: 'chatcmpl-bench', created: 1_790_000_000, model };

function event(choices: readonly unknown[], usage: unknown = null): Buffer {
  const chunk = { ...envelope, object: 'chat.completion.chunk', choices, usage };
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
}

function choice(delta: unknown, finishReason: string | null = null): readonly unknown[] {
  return [{ index: 0, delta, finish_reason: finishReason }];
}

function usageOf(chunks: number): object {
  return { prompt_tokens: 8, completion_tokens: chunks, total_tokens: 8 + chunks };
}

/** What is said, in OpenAI's chat completions: the events of a stream, and an answer that is not streamed. */
export const said = {
  first: event(choice({ role: 'assistant', content: '' })),
  text: event(choice({ content: word })),
  last: (chunks: number): Buffer =>
    Buffer.concat([event(choice({}, 'stop')), event([], usageOf(chunks)), Buffer.from('data: [DONE]\n\n')]),
  whole: (chunks: number): string =>
    JSON.stringify({
      ...envelope,
      object: 'chat.completion',
      choices: [
        { index: 0, message: { role: 'assistant', content: word.repeat(chunks) }, finish_reason: 'stop' },
      ],
      usage: usageOf(chunks),
    }),
  models: JSON.stringify({ object: 'list', data: [{ id: model, object: 'model' }] }),
};

/** Speaks OpenAI's chat completions, streaming and not, and lists one model, `bench`. */
export async function startPacedUpstream(options: PacedUpstreamOptions = {}): Promise<PacedUpstream> {
  const { port = 0, chunks = 100, intervalMs = 20 } = options;
  const answers = new PacedAnswers(chunks, intervalMs);
  const server = createServer((request, response) => {
    serve(request, response, answers).catch(() => response.destroy());
  });
  server.listen({ port, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${address.port}/v1`, stop: () => stop(server, answers) };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answers: PacedAnswers,
): Promise<void> {
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  if (route === 'POST /v1/chat/completions') {
    const body: unknown = await json(request);
    const { stream = false, messages = [] } = body as ChatRequest; // Its clients are ours.
    if (stream) answers.stream(response, messages.at(-1)?.content === holdWord);
    else sendJson(response, answers.whole);
  } else if (route === 'GET /v1/models') {
    sendJson(response, said.models);
  } else if (route === 'POST /v1/go-on') {
    answers.goOn();
    sendJson(response, '{}');
  } else if (route === 'POST /v1/let-go') {
    answers.letGo();
    sendJson(response, '{}');
  } else if (route === 'GET /v1/cut-off') {
    sendJson(response, JSON.stringify(answers.cutOff));
  } else {
    response.writeHead(404).end();
  }
}

function sendJson(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

async function stop(server: Server, answers: PacedAnswers): Promise<void> {
  answers.stop();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

class PacedAnswers {
  readonly whole: string;
  readonly cutOff: CutOff = { count: 0, lastAtMs: 0 };
  private readonly held = new Set<ServerResponse>();
  private readonly last: Buffer;
  /** Chunks still to come, by open stream. */
  private readonly open = new Map<ServerResponse, number>();
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly chunks: number;

  constructor(chunks: number, intervalMs: number) {
    this.chunks = chunks;
    this.last = said.last(chunks);
    this.whole = said.whole(chunks);
    this.timer = intervalMs > 0 ? setInterval(() => this.tick(), intervalMs) : undefined;
  }

  stream(response: ServerResponse, isHeld: boolean): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(said.first);
    response.once('close', () => this.closed(response));
    if (isHeld) {
      response.write(said.text);
      this.held.add(response);
      return;
    }
    if (this.timer === undefined) {
      response.end(Buffer.concat([...new Array<Buffer>(this.chunks).fill(said.text), this.last]));
      return;
    }
    this.open.set(response, this.chunks);
  }

  goOn(): void {
    for (const response of this.held) this.open.set(response, Infinity);
    this.held.clear();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Cuts every stream that has no end, for who does not. */
  letGo(): void {
    for (const response of this.held) response.destroy();
    for (const [response, left] of this.open) if (left === Infinity) response.destroy();
  }

  private closed(response: ServerResponse): void {
    this.open.delete(response);
    this.held.delete(response);
    if (response.writableEnded) return;
    this.cutOff.count++;
    this.cutOff.lastAtMs = monotonicMs();
  }

  private tick(): void {
    for (const [response, left] of this.open) {
      if (left === 0) {
        this.open.delete(response);
        response.end(this.last);
      } else if (!response.writableNeedDrain) {
        response.write(said.text);
        this.open.set(response, left - 1);
      }
    }
  }
}

/** Of a clock that all processes of the machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4010' },
      chunks: { type: 'string', default: '100' },
      interval: { type: 'string', default: '20' },
    },
  });
  const upstream = await startPacedUpstream({
    port: Number(values.port),
    chunks: Number(values.chunks),
    intervalMs: Number(values.interval),
  });
  console.log(upstream.baseUrl);
}
