import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { Owner } from '../../common/owner.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import { ConnectionSource } from '../../llm-providers/contract/connection-source.js';
import { Secrets } from '../../secrets/secrets.service.js';
import { SecretUnreadableError } from '../../secrets/secrets.errors.js';
import type { PersonalKey } from './personal-key.entity.js';
import { PersonalKeysRepository } from './personal-keys.repository.js';
import { withKey } from './with-key.js';

/** Of opened keys that are kept; what is dropped is opened again. */
const maxOpened = 1000;

/** Who pays for a call. */
export interface PaidConnection {
  readonly connection: Connection;
  /** Undefined when the organisation pays. */
  readonly personalKeyId?: string;
}

/** What somebody may or must give a key for, and the key if they have. */
export interface KeySlot {
  /** The name of the connection. */
  readonly provider: string;
  readonly rule: 'allowed' | 'required';
  readonly key: PersonalKey | undefined;
}

/** Which keys somebody has: at most a second old, and no query within it. */
@Injectable()
export class KnownPersonalKeys {
  private readonly known: ShortCache<readonly PersonalKey[]>;
  /** By the id of the secret, which is never another. */
  private readonly opened = new Map<string, Promise<string>>();

  constructor(
    private readonly keys: PersonalKeysRepository,
    private readonly source: ConnectionSource,
    private readonly secrets: Secrets,
    private readonly log: Log,
    clock: Clock,
    notifications: Notifications,
  ) {
    this.known = new ShortCache(clock, notifications, 'models');
  }

  /** Those of a tenant that people may or must bring keys for. */
  async connections(tenantId: string): Promise<readonly Connection[]> {
    const all = await this.source.connections(tenantId);
    return all.filter(({ personalKeys }) => personalKeys !== undefined);
  }

  /** Every place for a key. One that was given for a connection of the past, or for another base URL of it, is in none. */
  async slots(owner: Owner): Promise<KeySlot[]> {
    const [connections, keys] = await Promise.all([this.connections(owner.tenantId), this.keysOf(owner)]);
    return connections.flatMap((connection) => {
      const { name: provider, personalKeys: rule } = connection;
      const key = keys.find((row) => isFor(row, connection));
      return rule === undefined ? [] : [{ provider, rule, key }];
    });
  }

  /**
   * The connection with the owner's own key if there is one and it is allowed, else as it is: the organisation's key is used only for
   * those who have none, and never where one is required.
   * @throws DomainError API_KEY_REQUIRED, PERSONAL_KEY_UNREADABLE, ENCRYPTION_UNAVAILABLE
   */
  async payer(owner: Owner, connection: Connection, isRequired: boolean): Promise<PaidConnection> {
    const rule = connection.personalKeys;
    const keys = rule === undefined ? [] : await this.keysOf(owner);
    const key = keys.find((row) => isFor(row, connection));
    if (key !== undefined) {
      const paid = withKey(connection, { id: key.id, key: await this.open(key) });
      return { connection: paid, personalKeyId: key.id };
    }
    if (isRequired || rule === 'required') throw new DomainError('API_KEY_REQUIRED');
    return { connection };
  }

  /** After a change is committed: whoever made it sees it with their next request here. */
  forget({ tenantId, userId }: Owner): void {
    this.known.forget(`${tenantId} ${userId}`);
  }

  private async keysOf(owner: Owner): Promise<readonly PersonalKey[]> {
    return (await this.known.get(`${owner.tenantId} ${owner.userId}`, () => this.keys.list(owner))) ?? [];
  }

  private async open({ tenantId, userId, connectionId, secretId }: PersonalKey): Promise<string> {
    const known = this.opened.get(secretId);
    if (known !== undefined) return known;
    const opening = this.secrets.open(secretId, { tenantId, ownerId: userId, provider: connectionId });
    if (this.opened.size >= maxOpened) this.opened.clear();
    this.opened.set(secretId, opening);
    try {
      return await opening;
    } catch (error) {
      this.opened.delete(secretId);
      if (!(error instanceof SecretUnreadableError)) throw error;
      this.log.error({ connectionId, err: error }, 'a personal key cannot be read');
      throw new DomainError('PERSONAL_KEY_UNREADABLE', { cause: error });
    }
  }
}

function isFor({ connectionId, baseUrl }: PersonalKey, connection: Connection): boolean {
  return connectionId === connection.id && baseUrl === connection.baseUrl;
}
