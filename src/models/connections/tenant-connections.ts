import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import { ConnectionSource } from '../../llm-providers/contract/connection-source.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionsRepository } from './connections.repository.js';
import type { ConnectionRow } from './stored-connection.entity.js';

/**
 * What a tenant may call: what the settings describe, what its admins made, what is shared with it; in this order. Each has a name of
 * its own there: those who share do not know the names that others chose.
 */
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
    const opened = await Promise.all(rows.map((row) => this.forCalls(row)));
    return distinctlyNamed([...this.configured.all, ...opened]);
  }

  /** Where people must bring a key, the organisation's only verifies and synchronises: no call finds it (models.md, Keys of people). */
  private async forCalls(row: ConnectionRow): Promise<Connection> {
    return row.personalKeys === 'required' ? this.secrets.withoutSecrets(row) : this.secrets.open(row);
  }
}

/** The first of a name has it; others go by their id. */
function distinctlyNamed(connections: readonly Connection[]): readonly Connection[] {
  const holders = new Map(connections.toReversed().map(({ name, id }) => [name, id]));
  return connections.map((connection) =>
    holders.get(connection.name) === connection.id ? connection : { ...connection, name: connection.id },
  );
}
