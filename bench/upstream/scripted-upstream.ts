import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Exchange, type RecordedRequest } from './exchange.js';
import type { Script } from './scripts.js';

interface Waiter {
  readonly fulfil: (exchange: Exchange) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A vendor under the test's control, over real HTTP. Each request plays the next script: one that was enqueued for
 * any request, else the one routed to its method and path, else 501 and a note in `surprises`.
 */
export class ScriptedUpstream {
  /** Every request so far, in the order of arrival. */
  readonly requests: RecordedRequest[] = [];
  /** What nobody scripted, and what scripts threw: a test may expect it to be empty. */
  readonly surprises: unknown[] = [];
  private readonly queue: Script[] = [];
  private readonly routes = new Map<string, Script>();
  private readonly arrived: Exchange[] = [];
  private readonly waiters: Waiter[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.serve(request, response).catch((error: unknown) => this.surprises.push(error));
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(): Promise<ScriptedUpstream> {
    const server = createServer();
    const upstream = new ScriptedUpstream(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return upstream;
  }

  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  get url(): string {
    const address = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  /** The next request without a script of its own plays this, once. */
  enqueue(...scripts: readonly Script[]): void {
    this.queue.push(...scripts);
  }

  /** Requests to this method and path play this, as often as they come. */
  route(method: string, path: string, script: Script): void {
    this.routes.set(`${method} ${path}`, script);
  }

  /** The next request that this method has not given out yet; waits for it to arrive. */
  async nextExchange(): Promise<Exchange> {
    const exchange = this.arrived.shift();
    if (exchange !== undefined) return exchange;
    return new Promise((fulfil, reject) => this.waiters.push({ fulfil, reject }));
  }

  /** Forgets scripts and requests; connections stay open. */
  reset(): void {
    for (const list of [this.requests, this.surprises, this.queue, this.arrived]) list.length = 0;
    this.routes.clear();
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    for (const { reject } of this.waiters) reject(new Error('The upstream stopped.'));
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = await Exchange.receive(request, response);
    const { method, path } = exchange.request;
    this.requests.push(exchange.request);
    const waiter = this.waiters.shift();
    if (waiter === undefined) this.arrived.push(exchange);
    else waiter.fulfil(exchange);

    const script = this.queue.shift() ?? this.routes.get(`${method} ${path}`);
    if (script !== undefined) return script(exchange);
    this.surprises.push(new Error(`No script for ${method} ${path}`));
    exchange.head(501);
    exchange.end();
  }
}
