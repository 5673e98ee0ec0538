import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { endTogether } from '../../support/tcp-proxy.js';

/** A simple query of Postgres's protocol that says COMMIT. */
const commit = Buffer.from('Q\0\0\0\x0bCOMMIT\0');

/** A way to Postgres on which answers to commits get lost with their connection: nobody hears what became of them. */
export class CommitProxy {
  /** Of a commit that is on its way: whether its answer gets lost. */
  losing: () => boolean = () => false;
  lost = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  static async start(databaseUrl: string): Promise<CommitProxy> {
    const server = createServer();
    const proxy = new CommitProxy(server, new URL(databaseUrl));
    server.on('connection', (client) => proxy.pass(client));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The database, by this way. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`; // Listens on TCP.
    return url.href;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.server[Symbol.asyncDispose]();
  }

  private pass(client: Socket): void {
    const server = connect({ host: this.target.hostname, port: Number(this.target.port) });
    let isLost = false;
    client.on('data', (data) => {
      if (data.includes(commit) && this.losing()) isLost = true;
      server.write(data);
    });
    server.on('data', (data) => {
      if (isLost) {
        this.lost++;
        client.destroy();
      } else client.write(data);
    });
    endTogether(this.sockets, client, server);
  }
}
