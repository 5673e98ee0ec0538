import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import { ConnectionSource } from '../../llm-providers/contract/connection-source.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionsRepository } from './connections.repository.js';

/** What a tenant may call: what the settings describe, what its admins made, what is shared with it; in this order. */
@Injectable()
export class TenantConnections extends ConnectionSource {
  private readonly known: ShortCache<readonly Connection[]>;

  constructor(
    private readonly configured: ConfiguredConnections,
    private readonly stored: ConnectionsRepository,
    private readonly secrets: ConnectionSecrets,
    clock: Clock,
    notifications: Notifications,
  ) {
    super();
    this.known = new ShortCache(clock, notifications, 'models');
  }

  override async connections(tenantId: string): Promise<readonly Connection[]> {
    return (await this.known.get(tenantId, () => this.look(tenantId))) ?? [];
  }

  private async look(tenantId: string): Promise<readonly Connection[]> {
    const rows = await this.stored.usable(tenantId);
    const opened = await Promise.all(rows.map((row) => this.secrets.open(row)));
    const readable = opened.filter((connection) => connection !== undefined);
    return [...this.configured.all, ...readable.map(forCalls)];
  }
}

/** Where people must bring a key, the organisation's only verifies and synchronises: no call finds it (models.md, Keys of people). */
function forCalls(connection: Connection): Connection {
  return connection.personalKeys === 'required' ? { ...connection, credential: undefined } : connection;
}
