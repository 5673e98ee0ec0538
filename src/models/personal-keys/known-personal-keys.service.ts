import { Injectable } from '@nestjs/common';
import { modelReachOf } from '../../auth/granted-models.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { Owner } from '../../common/owner.js';
import { Notifications } from '../../infrastructure/events/notifications.js';
import { ShortCache } from '../../infrastructure/events/short-cache.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import { ConnectionSource } from '../../llm-providers/contract/connection-source.js';
import { isSameDestination } from '../connections/destinations.js';
import type { ModelUser } from '../model-user.js';
import { OpenedPersonalKeys } from './opened-personal-keys.service.js';
import type { PersonalKey, UsedKey } from './personal-key.entity.js';
import { PersonalKeysRepository } from './personal-keys.repository.js';
import { withKey } from './with-key.js';

/** When a connection that cannot be read is looked at again, in ms. */
const unreadableMs = 10_000;

/** Who pays for a call. */
export interface PaidConnection {
  readonly connection: Connection;
  /** Undefined when the organisation pays. */
  readonly personalKey?: UsedKey;
}

/** What somebody may or must give a key for, and the key if they have. */
export interface KeySlot {
  /** The name of the connection. */
  readonly provider: string;
  readonly rule: 'allowed' | 'required';
  readonly key: PersonalKey | undefined;
  /** The connection leads elsewhere by now, where the key is not sent: it has to be given again, or removed. */
  readonly isOutdated: boolean;
}

/** Which keys somebody has: at most a second old, and no query within it. */
@Injectable()
export class KnownPersonalKeys {
  private readonly known: ShortCache<readonly PersonalKey[]>;

  constructor(
    private readonly keys: PersonalKeysRepository,
    private readonly source: ConnectionSource,
    private readonly opened: OpenedPersonalKeys,
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

  /** Every place for a key. One that was given for a connection of the past is in none. */
  async slots(owner: Owner): Promise<KeySlot[]> {
    const [connections, keys] = await Promise.all([this.connections(owner.tenantId), this.keysOf(owner)]);
    return connections.flatMap((connection) => {
      const { name: provider, personalKeys: rule } = connection;
      const key = keys.find(({ connectionId }) => connectionId === connection.id);
      const isOutdated = key !== undefined && !isSameDestination(key.baseUrl, connection.baseUrl);
      return rule === undefined ? [] : [{ provider, rule, key, isOutdated }];
    });
  }

  /**
   * The connection with the user's own key if there is one and it is allowed, else as it is: the organisation's key is used only for
   * those who have none, and never where one is required. A token that somebody else made for them, and a job
   * that it led to, spends nothing of theirs.
   * @throws DomainError API_KEY_REQUIRED; PERSONAL_KEY_UNREADABLE, also when the key was given for another address;
   *   ENCRYPTION_UNAVAILABLE; CONNECTION_UNREADABLE when the organisation's credential would be needed
   */
  async payer(user: ModelUser, connection: Connection, isRequired: boolean): Promise<PaidConnection> {
    const rule = connection.personalKeys;
    const keys = rule === undefined || !modelReachOf(user).isOwnersOwn ? [] : await this.keysOf(user);
    const key = keys.find(({ connectionId }) => connectionId === connection.id);
    if (key !== undefined) return this.paidBy(key, connection);
    if (isRequired || rule === 'required') throw new DomainError('API_KEY_REQUIRED');
    if (connection.unreadable === true) {
      throw new DomainError('CONNECTION_UNREADABLE', { retryAfterMs: unreadableMs });
    }
    return { connection };
  }

  /** After a change is committed: whoever made it sees it with their next request here. */
  forget({ tenantId, userId }: Owner): void {
    this.known.forget(`${tenantId} ${userId}`);
  }

  private async paidBy(key: PersonalKey, connection: Connection): Promise<PaidConnection> {
    // Where it was not verified it is not sent; and whoever has a key does not expect somebody else to pay.
    if (!isSameDestination(key.baseUrl, connection.baseUrl)) throw new DomainError('PERSONAL_KEY_UNREADABLE');
    const { id, tenantId, userId } = key;
    return {
      connection: withKey(connection, { id, key: await this.opened.open(key) }),
      personalKey: { id, tenantId, userId, provider: connection.name },
    };
  }

  private async keysOf(owner: Owner): Promise<readonly PersonalKey[]> {
    return (await this.known.get(`${owner.tenantId} ${owner.userId}`, () => this.keys.list(owner))) ?? [];
  }
}
