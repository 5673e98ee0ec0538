import { Injectable } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { Log } from '../../infrastructure/logging/log.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { Secrets } from '../../secrets/secrets.service.js';
import { SecretUnreadableError } from '../../secrets/secrets.errors.js';
import type { PersonalKey } from './personal-key.entity.js';
import { PersonalKeysRepository } from './personal-keys.repository.js';
import { idWithKey } from './with-key.js';

/** Whoever has not called for the longest has their key opened again. */
const maxOpened = 1000;

interface Opened {
  readonly key: PersonalKey;
  readonly text: Promise<string>;
}

/** The texts of keys, opened once; forgotten, and their clients closed, at the first word of a change after a key has gone. */
@Injectable()
export class OpenedPersonalKeys {
  /** By the id of the secret, which is never another. The least recently used first. */
  private readonly opened = new Map<string, Opened>();

  constructor(
    private readonly keys: PersonalKeysRepository,
    private readonly secrets: Secrets,
    private readonly registry: ProviderRegistry,
    private readonly log: Log,
    notifications: Notifications,
  ) {
    notifications.listen('models', () => void this.sweep());
  }

  /**
   * Those who ask for the same at once wait for one answer. A failure is not kept.
   * @throws DomainError PERSONAL_KEY_UNREADABLE, ENCRYPTION_UNAVAILABLE
   */
  open(key: PersonalKey): Promise<string> {
    const { secretId } = key;
    const known = this.opened.get(secretId);
    this.opened.delete(secretId);
    const opened = known ?? { key, text: this.openNow(key) };
    this.opened.set(secretId, opened);
    opened.text.catch(() => {
      if (this.opened.get(secretId) === opened) this.opened.delete(secretId);
    });
    const [oldest] = this.opened.keys();
    if (oldest !== undefined && this.opened.size > maxOpened) this.opened.delete(oldest);
    return opened.text;
  }

  private async openNow({ tenantId, userId, connectionId, secretId }: PersonalKey): Promise<string> {
    try {
      return await this.secrets.open(secretId, { tenantId, ownerId: userId, provider: connectionId });
    } catch (error) {
      if (!(error instanceof SecretUnreadableError)) throw error;
      this.log.error({ connectionId, err: error }, 'a personal key cannot be read');
      throw new DomainError('PERSONAL_KEY_UNREADABLE', { cause: error });
    }
  }

  private async sweep(): Promise<void> {
    const opened = [...this.opened.values()];
    if (opened.length === 0) return;
    try {
      const existing = await this.keys.existing(opened.map(({ key }) => key.id));
      const gone = opened.filter(({ key }) => !existing.has(key.id));
      for (const { key } of gone) this.opened.delete(key.secretId);
      const clients = new Set(gone.map(({ key }) => idWithKey(key.connectionId, key.id)));
      if (clients.size > 0) this.registry.retain((id) => !clients.has(id));
    } catch (err) {
      // The next word of a change sweeps again.
      this.log.warn({ err }, 'personal keys that are gone could not be forgotten');
    }
  }
}
