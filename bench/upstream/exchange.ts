import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';

export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One promise for each socket, which many requests may share. */
const closings = new WeakMap<Socket, Promise<void>>();

function closingOf(socket: Socket): Promise<void> {
  let closing = closings.get(socket);
  if (closing === undefined) {
    closing = socket.destroyed
      ? Promise.resolve()
      : new Promise((resolve) => socket.once('close', () => resolve()));
    closings.set(socket, closing);
  }
  return closing;
}

/** One request and what a script does with its answer. */
export class Exchange {
  /** Resolves when the client's socket is closed, by either side. */
  readonly closed: Promise<void>;
  private readonly socket: Socket;

  private constructor(
    readonly request: RecordedRequest,
    private readonly response: ServerResponse,
  ) {
    const { socket } = response.req;
    this.socket = socket;
    this.closed = closingOf(socket);
    // A client that goes away is what half of the tests are about.
    response.on('error', () => undefined);
  }

  static async receive(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
    const { method = '', url = '', headers } = request;
    return new Exchange({ method, path: url, headers, body: await text(request) }, response);
  }

  /** The client's port: the same for requests that share a connection. */
  get socketId(): number | undefined {
    return this.socket.remotePort;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Sends status and headers at once, before any of the body. */
  head(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
  }

  /**
   * Sends these bytes as one HTTP chunk and gives a client in the same process the time to read them, so that the next
   * ones come apart from them. Waits while the client reads slowly.
   */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (bytes.length === 0 || this.isClosed) return;
    const sent = new Promise<void>((resolve) => this.response.write(bytes, () => resolve()));
    await Promise.race([sent, this.closed]);
    await setImmediate();
  }

  /** Ends the body as HTTP wants it. */
  end(): void {
    this.response.end();
  }

  /** Ends the connection in good order (FIN), but not the body. */
  halfClose(): void {
    this.socket.end();
  }

  /** Cuts the connection (RST). */
  cut(): void {
    this.socket.resetAndDestroy();
  }
}
