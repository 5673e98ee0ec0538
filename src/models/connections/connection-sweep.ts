import { Injectable } from '@nestjs/common';
import { toWireId } from '../../common/ids.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { Log } from '../../infrastructure/logging/log.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { baseIdOf } from '../personal-keys/with-key.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionsRepository } from './connections.repository.js';

/** At each word of a change, forgets secrets, lists and clients of the connections that are gone or switched off. */
@Injectable()
export class ConnectionSweep {
  private isWanted = false;
  private isSweeping = false;

  constructor(
    private readonly configured: ConfiguredConnections,
    private readonly stored: ConnectionsRepository,
    private readonly secrets: ConnectionSecrets,
    private readonly registry: ProviderRegistry,
    private readonly log: Log,
    notifications: Notifications,
  ) {
    notifications.listen('models', () => void this.sweepOnce());
  }

  /** However many words come while it sweeps, it sweeps once more. */
  private async sweepOnce(): Promise<void> {
    this.isWanted = true;
    if (this.isSweeping) return;
    this.isSweeping = true;
    while (this.isWanted) {
      this.isWanted = false;
      await this.sweep();
    }
    this.isSweeping = false;
  }

  private async sweep(): Promise<void> {
    try {
      const stored = await this.stored.enabledIds();
      const ids = [
        ...this.configured.all.map(({ id }) => id),
        ...stored.map((id) => toWireId('connection', id)),
      ];
      const remaining = new Set(ids);
      // With a personal key, or without any, it has an id of its own that begins with this one.
      const isKept = (id: string): boolean => remaining.has(baseIdOf(id));
      this.secrets.retain(isKept);
      this.registry.retain(isKept);
    } catch (err) {
      // The next word of a change sweeps again.
      this.log.warn({ err }, 'connections that are gone could not be forgotten');
    }
  }
}
