import { Injectable } from '@nestjs/common';
import { toWireId } from '../../common/ids.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { Log } from '../../infrastructure/logging/log.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionsRepository } from './connections.repository.js';

/** At each word of a change, forgets secrets, lists and clients of the connections that are gone or switched off. */
@Injectable()
export class ConnectionSweep {
  constructor(
    private readonly configured: ConfiguredConnections,
    private readonly stored: ConnectionsRepository,
    private readonly secrets: ConnectionSecrets,
    private readonly registry: ProviderRegistry,
    private readonly log: Log,
    notifications: Notifications,
  ) {
    notifications.listen('models', () => void this.sweep());
  }

  private async sweep(): Promise<void> {
    try {
      const stored = await this.stored.enabledIds();
      const ids = [
        ...this.configured.all.map(({ id }) => id),
        ...stored.map((id) => toWireId('connection', id)),
      ];
      const remaining = new Set(ids);
      this.secrets.retain(remaining);
      this.registry.retain(remaining);
    } catch (err) {
      // The next word of a change sweeps again.
      this.log.warn({ err }, 'connections that are gone could not be forgotten');
    }
  }
}
