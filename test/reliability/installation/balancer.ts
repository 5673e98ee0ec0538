import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface Target {
  readonly port: number;
  isReady(): Promise<boolean>;
}

/** Which answers are cut, and after how many bytes of their body; undefined for those that are not. */
export type Cutting = (asked: IncomingMessage) => number | undefined;

const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding']);
const healthEveryMs = 100;

/**
 * A load balancer without stickiness: each request goes to the next replica, over a connection of its own. One that takes no
 * connection is passed over; nothing else is tried again.
 */
export class Balancer {
  cutting: Cutting = () => undefined;
  private turn = 0;
  private ready: readonly Target[] | undefined;
  private health: NodeJS.Timeout | undefined;

  private constructor(
    private readonly server: Server,
    private readonly targets: Target[],
  ) {}

  /** @param targets may be added to later */
  static async start(targets: Target[]): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server, targets);
    server.on('request', (asked, answer) => {
      buffer(asked).then(
        (body) => balancer.pass({ asked, body, answer }, balancer.inTurn()),
        () => answer.destroy(),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return balancer;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo; // Listens on TCP.
    return `http://127.0.0.1:${port}`;
  }

  /** From now on only replicas that say they are ready get requests. */
  async watchHealth(): Promise<void> {
    const look = async (): Promise<void> => {
      const ready = await Promise.all(this.targets.map((target) => target.isReady()));
      this.ready = this.targets.filter((_, index) => ready[index]);
    };
    await look();
    this.health = setInterval(() => void look(), healthEveryMs);
  }

  ignoreHealth(): void {
    clearInterval(this.health);
    this.ready = undefined;
  }

  async stop(): Promise<void> {
    this.ignoreHealth();
    this.server.closeAllConnections();
    await this.server[Symbol.asyncDispose]();
  }

  private inTurn(): readonly Target[] {
    const targets = this.ready ?? this.targets;
    const first = this.turn++ % Math.max(targets.length, 1);
    return [...targets.slice(first), ...targets.slice(0, first)];
  }

  private pass(
    passed: { readonly asked: IncomingMessage; readonly body: Buffer; readonly answer: ServerResponse },
    [target, ...others]: readonly Target[],
  ): void {
    const { asked, body, answer } = passed;
    if (target === undefined) {
      answer.destroy();
      return;
    }
    const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !hopByHop.has(name)));
    const { method = 'GET', url = '/' } = asked;
    const outgoing = request({
      host: '127.0.0.1',
      port: target.port,
      method,
      path: url,
      headers: { ...headers, ...(method === 'GET' ? {} : { 'content-length': body.length }) },
      agent: false,
    });
    outgoing.on('response', (incoming) => bringBack(incoming, answer, this.cutting(asked)));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') this.pass(passed, others);
      else answer.destroy();
    });
    answer.once('close', () => outgoing.destroy());
    outgoing.end(body);
  }
}

function bringBack(incoming: IncomingMessage, answer: ServerResponse, cutAfter = Infinity): void {
  const headers: string[] = [];
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = incoming.rawHeaders.slice(index, index + 2);
    if (!hopByHop.has(name.toLowerCase())) headers.push(name, value);
  }
  answer.writeHead(incoming.statusCode ?? 502, headers);
  answer.flushHeaders();
  let passed = 0;
  incoming.on('data', (bytes: Buffer) => {
    const rest = bytes.subarray(0, cutAfter - passed);
    passed += bytes.length;
    if (passed > cutAfter) answer.write(rest, () => answer.destroy());
    else if (!answer.write(bytes)) {
      incoming.pause();
      answer.once('drain', () => incoming.resume());
    }
  });
  incoming.on('end', () => answer.end());
  incoming.on('error', () => answer.destroy());
}
