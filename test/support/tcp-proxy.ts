import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut and can fall silent. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private isSilent = false;
  private port = 0;
  /** What came from clients. */
  received = '';

  constructor(private readonly target: { readonly host: string; readonly port: number }) {}

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Lets connections through, at the same port as before. */
  async open(): Promise<void> {
    this.isSilent = false;
    this.server = createServer((client) => this.pass(client));
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Ends what is connected and refuses what comes. */
  async cut(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.server?.[Symbol.asyncDispose]();
  }

  /** Takes what is sent and passes nothing on, as a machine that hangs. */
  silence(): void {
    this.isSilent = true;
  }

  private pass(client: Socket): void {
    const server = connect(this.target);
    client.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      if (!this.isSilent) server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!this.isSilent) client.write(chunk);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
