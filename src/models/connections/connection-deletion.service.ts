import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

type Listener = (connectionId: string, db: EntityManager) => Promise<void>;

/** Lets rooms that keep something for a connection delete it with the connection, which knows none of them. */
@Injectable()
export class ConnectionDeletion {
  private readonly listeners: Listener[] = [];

  /** `listener` works in the transaction that deletes a connection. */
  with(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** @param connectionId on the wire */
  async announce(connectionId: string, db: EntityManager): Promise<void> {
    for (const listener of this.listeners) await listener(connectionId, db);
  }
}
