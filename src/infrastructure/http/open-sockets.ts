import { Injectable } from '@nestjs/common';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of the server, for closing those that carry nothing. */
@Injectable()
export class OpenSockets {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  watch(server: Server): void {
    this.server = server;
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /**
   * Closes connections that are idle after a request, and those that never sent one: browsers open some in advance, and Node
   * counts them as busy until their headers time out.
   */
  closeUnused(): void {
    this.server?.closeIdleConnections();
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
  }
}
