import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut and can fall silent. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private isSilent = false;
  private port = 0;
  /** How many bytes of the next connections come through from the server, each time until it is cut; afterwards all. */
  private readonly limits: number[] = [];
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

  /** Cuts each of the next connections after so many bytes from the server, wherever in what it says that is. */
  cutAfter(...bytes: readonly number[]): void {
    this.limits.push(...bytes);
  }

  /** How many connections are still to be cut. */
  get cutsToCome(): number {
    return this.limits.length;
  }

  /** Takes what is sent and passes nothing on, as a machine that hangs. */
  silence(): void {
    this.isSilent = true;
  }

  private pass(client: Socket): void {
    const server = connect(this.target);
    let room = this.limits.shift() ?? Infinity;
    client.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      if (!this.isSilent) server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (this.isSilent || room === 0) return;
      const passed = chunk.subarray(0, room);
      room -= passed.length;
      client.write(passed);
      if (room === 0) client.destroySoon();
    });
    endTogether(this.sockets, client, server);
  }
}

/** Neither of two sockets outlives the other; they are among the `sockets` for as long as they live. */
export function endTogether(sockets: Set<Socket>, one: Socket, another: Socket): void {
  for (const [socket, other] of [
    [one, another],
    [another, one],
  ] as const) {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }
}
