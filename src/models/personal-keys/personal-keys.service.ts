import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { Ids } from '../../common/ids.js';
import { ownerOf, type Owner } from '../../common/owner.js';
import { Transactions } from '../../infrastructure/database/transactions.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { Secrets } from '../../secrets/secrets.service.js';
import { toFailure } from '../provider-failure.js';
import { KnownPersonalKeys } from './known-personal-keys.service.js';
import { PersonalKeyRecords, type NewPersonalKey } from './personal-key-records.service.js';
import type { PersonalKey } from './personal-key.entity.js';
import { withKey } from './with-key.js';

const verifyTimeoutMs = 10_000;
/** No vendor's key is shorter or longer, and what else is in one cannot stand in a header (RFC 9110, 5.5). */
const wellFormed = /^[\x21-\x7e]{8,1000}$/;

interface GivenKey {
  readonly connection: Connection;
  readonly key: string;
}

/** What became of a key that somebody gave. */
export interface CheckedKey {
  /** The name of the connection. */
  readonly provider: string;
  /** Why it was not stored; undefined when the vendor takes it, and it is stored. */
  readonly code: ErrorCode | undefined;
}

/** The keys that people bring. They go in and never come out, but to the vendor (models.md, Keys of people). */
@Injectable()
export class PersonalKeys {
  constructor(
    private readonly known: KnownPersonalKeys,
    private readonly records: PersonalKeyRecords,
    private readonly registry: ProviderRegistry,
    private readonly secrets: Secrets,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Has the vendors verify the keys, and stores the good ones in the place of those that there are.
   * @param keys by the name of their connection
   * @throws DomainError PERSONAL_KEY_NOT_ALLOWED for a name that is not that of a connection with keys of people, VALIDATION_FAILED,
   *   ENCRYPTION_UNAVAILABLE; nothing is sent or changed then
   */
  async replace(owner: Owner, keys: Readonly<Record<string, unknown>>): Promise<CheckedKey[]> {
    const connections = await this.known.connections(owner.tenantId);
    const given = Object.entries(keys).map(([provider, key]) => toGiven(connections, provider, key));
    const checked = await Promise.all(
      given.map(async (one) => ({ ...one, code: await this.failureOf(one) })),
    );
    const good = checked.filter(({ code }) => code === undefined);
    const added = await Promise.all(good.map((one) => this.seal(owner, one)));
    if (added.length > 0) await this.transactions.run((db) => this.records.replace(owner, added, db));
    this.known.forget(owner);
    return checked.map(({ connection, code }) => ({ provider: connection.name, code }));
  }

  /**
   * Also keys for what has had that name in the past, and is no connection any more.
   * @throws DomainError PERSONAL_KEY_NOT_FOUND
   */
  async remove(owner: Owner, provider: string): Promise<void> {
    const connections = await this.known.connections(owner.tenantId);
    const nameNow = new Map(connections.map(({ id, name }) => [id, name]));
    const isMeant = (key: PersonalKey): boolean =>
      (nameNow.get(key.connectionId) ?? key.provider) === provider;
    const wasThere = await this.transactions.run((db) =>
      this.records.remove(owner, { provider, isMeant }, db),
    );
    this.known.forget(owner);
    if (!wasThere) throw new DomainError('PERSONAL_KEY_NOT_FOUND');
  }

  private async failureOf({ connection, key }: GivenKey): Promise<ErrorCode | undefined> {
    const signal = AbortSignal.timeout(verifyTimeoutMs);
    const connected = withKey(connection, { id: this.ids.next(), key });
    try {
      const provider = this.registry.provider(connection.kind);
      await provider.verify({ connection: connected, signal, requestId: currentRequestId() });
      return undefined;
    } catch (error) {
      return signal.aborted ? 'PROVIDER_TIMEOUT' : toFailure(error).code;
    } finally {
      this.registry.retain((id) => id !== connected.id);
    }
  }

  private async seal(owner: Owner, { connection, key }: GivenKey): Promise<NewPersonalKey> {
    const { id: connectionId, name: provider, baseUrl } = connection;
    const { tenantId, userId: ownerId } = owner;
    const sealed = await this.secrets.seal({ tenantId, ownerId, provider: connectionId }, key);
    const row = {
      ...{ ...ownerOf(owner), id: this.ids.next(), connectionId, provider, baseUrl, secretId: sealed.id },
      ...{ createdAt: this.clock.now(), lastUsedAt: null },
    };
    return { row, sealed };
  }
}

/** Names are told back only where they are those of connections: others may be keys that somebody put in the wrong place. */
function toGiven(connections: readonly Connection[], provider: string, key: unknown): GivenKey {
  const connection = connections.find(({ name }) => name === provider);
  if (typeof key !== 'string' || !wellFormed.test(key)) {
    const message = 'a key is 8 to 1000 visible ASCII characters';
    const named = connection === undefined ? {} : { param: provider };
    throw new DomainError('VALIDATION_FAILED', { ...named, message });
  }
  if (connection === undefined) throw new DomainError('PERSONAL_KEY_NOT_ALLOWED');
  return { connection, key };
}
