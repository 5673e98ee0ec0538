import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Exchange } from '../../../bench/upstream/exchange.js';
import { answerPieces } from '../../support/parley.js';

/** How an answer goes; its question says so to the upstream, and its text follows from it. */
export interface AnswerPlan {
  /** No other question has it. */
  readonly key: string;
  readonly chunks: number;
  readonly intervalMs: number;
  /** `break` ends the connection in good order, without the vendor's own terminator; `cut` resets it. */
  readonly ending: 'complete' | 'break' | 'cut';
}

/** One call of the upstream; times as `Date.now()` has them. */
export interface UpstreamCall {
  readonly key: string;
  readonly replica: string;
  readonly begunAt: number;
  /** When each chunk of text had been given to the network. */
  readonly sentAt: number[];
  /** Everything was sent, with the vendor's terminator. */
  isWhole: boolean;
  /** When the replica closed the connection before that. */
  closedAt: number | undefined;
}

/** What a person writes to get the answer. */
export function questionOf({ key, chunks, intervalMs, ending }: AnswerPlan): string {
  return `${key} ${chunks} ${intervalMs} ${ending} please`;
}

const question = /^(\S+) (\d+) (\d+) (complete|break|cut) please$/;

/** The text of the first chunks of an answer: no piece is another one's, some are long, some have other scripts and line ends. */
export function textOf(key: string, chunks: number): string {
  return Array.from({ length: chunks }, (_, index) => chunkOf(key, index)).join('');
}

function chunkOf(key: string, index: number): string {
  const word = `${key}.${index}`;
  if (index % 17 === 7) return `${word} ${'x'.repeat(1500)}\n\n`;
  if (index % 11 === 5) return `${word} 東京 \u{1f600}\r\n`;
  return `${word} `;
}

/** A vendor that answers every question as the question says, and remembers what it sent when. */
export class PlannedUpstream {
  readonly calls: UpstreamCall[] = [];
  /** Tells of every chunk that was sent: `chunk`, with the call. */
  private readonly progress = new EventEmitter().setMaxListeners(0);

  private constructor(private readonly server: Server) {}

  static async start(): Promise<PlannedUpstream> {
    const server = createServer();
    const upstream = new PlannedUpstream(server);
    server.on('request', (request, response) => {
      void Exchange.receive(request, response).then(
        (exchange) => upstream.serve(exchange),
        () => undefined,
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return upstream;
  }

  /** The base URL of a replica's connection: by it calls are told apart. */
  baseUrl(replica: string): string {
    const { port } = this.server.address() as AddressInfo; // Listens on TCP.
    return `http://127.0.0.1:${port}/${replica}`;
  }

  callsOf(key: string): readonly UpstreamCall[] {
    return this.calls.filter((call) => call.key === key);
  }

  /** Resolves when some call is as wanted, looked at with each chunk. */
  async reached(isWanted: (call: UpstreamCall) => boolean): Promise<UpstreamCall> {
    for (;;) {
      const [call] = (await once(this.progress, 'chunk')) as [UpstreamCall];
      if (isWanted(call)) return call;
    }
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await this.server[Symbol.asyncDispose]();
  }

  private async serve(exchange: Exchange): Promise<void> {
    const { path, body } = exchange.request;
    const [, replica = '', ...rest] = path.split('/');
    const plan = rest.join('/') === 'chat/completions' ? planIn(body) : undefined;
    if (plan === undefined) {
      exchange.head(404);
      exchange.end();
      return;
    }
    const call: UpstreamCall = {
      key: plan.key,
      replica,
      begunAt: Date.now(),
      sentAt: [],
      isWhole: false,
      closedAt: undefined,
    };
    this.calls.push(call);
    void exchange.closed.then(() => {
      if (!call.isWhole) call.closedAt ??= Date.now();
    });
    await this.answer(exchange, plan, call);
  }

  private async answer(exchange: Exchange, plan: AnswerPlan, call: UpstreamCall): Promise<void> {
    exchange.head(200, { 'content-type': 'text/event-stream' });
    const [role = '', ...ending] = answerPieces();
    await exchange.write(role);
    for (let index = 0; index < plan.chunks; index++) {
      if (plan.intervalMs > 0) await wait(plan.intervalMs);
      const [, piece = ''] = answerPieces(chunkOf(plan.key, index));
      await exchange.write(piece);
      if (exchange.isClosed) return;
      call.sentAt.push(Date.now());
      this.progress.emit('chunk', call);
    }
    if (plan.ending === 'break') exchange.halfClose();
    else if (plan.ending === 'cut') exchange.cut();
    else {
      for (const piece of ending.slice(0, -1)) await exchange.write(piece);
      // Who has read the terminator may close before we hear that it was sent.
      call.isWhole = !exchange.isClosed;
      await exchange.write(ending.at(-1) ?? '');
      exchange.end();
    }
  }
}

function planIn(body: string): AnswerPlan | undefined {
  const { messages } = JSON.parse(body) as { messages: { content: unknown }[] }; // OpenAI's protocol.
  const match = question.exec(String(messages.at(-1)?.content));
  if (match === null) return undefined;
  const [, key = '', chunks, intervalMs, ending] = match;
  return {
    key,
    chunks: Number(chunks),
    intervalMs: Number(intervalMs),
    ending: ending as AnswerPlan['ending'], // By the expression.
  };
}
