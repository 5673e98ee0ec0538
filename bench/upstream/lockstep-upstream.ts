import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { said } from './paced-upstream.js';

interface ChatRequest {
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

interface Answer {
  readonly response: ServerResponse;
  chunks: number;
}

/**
 * An upstream that says one chunk of a stream whenever it is told to. Told by the reader when it has read the chunk before, it is as
 * fast as whoever is in between, however many streams there are, and nothing piles up in sockets to be read in one piece. Speaks
 * OpenAI's chat completions; the key of a stream is what its last message says.
 */
export class LockstepUpstream implements AsyncDisposable {
  private readonly answers = new Map<string, Answer>();

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<LockstepUpstream> {
    const server = createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    return new LockstepUpstream(server);
  }

  /** `http://127.0.0.1:<port>/v1` */
  get baseUrl(): string {
    const { port } = this.server.address() as AddressInfo; // Listens on TCP.
    return `http://127.0.0.1:${port}/v1`;
  }

  /** Says one more chunk. */
  next(key: string): void {
    const answer = this.find(key);
    answer.chunks++;
    answer.response.write(said.text);
  }

  /** Ends the answer as it should. @returns how many chunks it had */
  finish(key: string): number {
    const { response, chunks } = this.find(key);
    this.answers.delete(key);
    response.end(said.last(chunks));
    return chunks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private find(key: string): Answer {
    const answer = this.answers.get(key);
    if (answer === undefined) throw new Error(`nobody asked for the stream ${key}`);
    return answer;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      response.end(said.models);
      return;
    }
    const { stream = false, messages } = (await json(request)) as ChatRequest; // Its clients are ours.
    if (!stream) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(said.whole(1));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(said.first);
    const key = messages.at(-1)?.content ?? '';
    this.answers.set(key, { response, chunks: 0 });
    this.next(key);
  }
}
