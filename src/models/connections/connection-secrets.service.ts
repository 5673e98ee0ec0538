import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { toWireId } from '../../common/ids.js';
import { Log } from '../../infrastructure/logging/log.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import type { SealedSecret } from '../../secrets/sealed-secret.entity.js';
import { Secrets, type SecretBinding } from '../../secrets/secrets.service.js';
import { ConfiguredConnections } from '../configured-connections.js';
import type { ConnectionRow } from './stored-connection.entity.js';

/** How long a connection that could not be opened is left alone. */
const unreadableMs = 10_000;

/** Secrets that a request brings. What is left out stays as it is; null and no headers are to be nothing. */
export interface NewSecrets {
  readonly credential?: string | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The same, as it may be stored. */
export interface SealedSecrets {
  readonly credential?: SealedSecret;
  readonly headers?: SealedSecret;
}

interface Opened {
  readonly version: number;
  readonly connection: Promise<Connection>;
  staleAtMs: number;
}

type ConnectionKey = Pick<ConnectionRow, 'tenantId' | 'id'>;

/** Credentials and header values of stored connections: sealed in the database, opened once for each version. */
@Injectable()
export class ConnectionSecrets {
  /** By `Connection.id`. */
  private readonly opened = new Map<string, Opened>();

  constructor(
    private readonly secrets: Secrets,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly configured: ConfiguredConnections,
  ) {}

  /**
   * Stores nothing. Never call it in a transaction.
   * @throws DomainError ENCRYPTION_UNAVAILABLE
   */
  async seal(key: ConnectionKey, { credential, headers = {} }: NewSecrets): Promise<SealedSecrets> {
    const [sealedCredential, sealedHeaders] = await Promise.all([
      typeof credential === 'string' ? this.secrets.seal(bindingOf(key), credential) : undefined,
      Object.keys(headers).length === 0
        ? undefined
        : this.secrets.seal(headersBindingOf(key), JSON.stringify(headers)),
    ]);
    return {
      ...(sealedCredential === undefined ? {} : { credential: sealedCredential }),
      ...(sealedHeaders === undefined ? {} : { headers: sealedHeaders }),
    };
  }

  async insert({ credential, headers }: SealedSecrets, db: EntityManager): Promise<void> {
    if (credential !== undefined) await this.secrets.insert(credential, db);
    if (headers !== undefined) await this.secrets.insert(headers, db);
  }

  async remove(ids: readonly (string | null)[], db: EntityManager): Promise<void> {
    const stored = ids.filter((id) => id !== null);
    if (stored.length > 0) await this.secrets.remove(stored, db);
  }

  /** The connection, ready to be called; `unreadable`, and a line in the log, when its secrets cannot be read. Never rejects. */
  open(row: ConnectionRow): Promise<Connection> {
    const id = toWireId('connection', row.id);
    const known = this.opened.get(id);
    if (known?.version === row.version && this.clock.monotonicMs() < known.staleAtMs) return known.connection;
    const connection = this.openNow(row);
    const opened: Opened = { version: row.version, connection, staleAtMs: Infinity };
    this.opened.set(id, opened);
    void connection.then(({ unreadable }) => {
      if (unreadable === true) opened.staleAtMs = this.clock.monotonicMs() + unreadableMs;
    });
    return connection;
  }

  /** The connection, for those who bring a credential of their own. */
  withoutSecrets(row: ConnectionRow): Connection {
    const { version, kind, name, baseUrl, options, personalKeys } = row;
    return {
      ...{ id: toWireId('connection', row.id), version, kind, name, baseUrl, options },
      timeouts: { ...this.configured.defaultTimeouts, ...row.timeouts },
      ...(row.models === null ? {} : { models: row.models }),
      ...(row.knownModels === null ? {} : { knownModels: row.knownModels }),
      ...(personalKeys === 'none' ? {} : { personalKeys }),
    };
  }

  /** Forgets the secrets of all other connections. */
  retain(isKept: (connectionId: string) => boolean): void {
    for (const id of this.opened.keys()) if (!isKept(id)) this.opened.delete(id);
  }

  private async openNow(row: ConnectionRow): Promise<Connection> {
    const { credentialId, headersId } = row;
    const connection = this.withoutSecrets(row);
    try {
      const [credential, headers] = await Promise.all([
        credentialId === null ? undefined : this.secrets.open(credentialId, bindingOf(row)),
        headersId === null ? '{}' : this.secrets.open(headersId, headersBindingOf(row)),
      ]);
      // As `seal` wrote them.
      return { ...connection, credential, headers: JSON.parse(headers) as Record<string, string> };
    } catch (err) {
      this.log.error({ connectionId: connection.id, err }, 'the secrets of a connection cannot be read');
      return { ...connection, unreadable: true };
    }
  }
}

function bindingOf({ tenantId, id }: ConnectionKey): SecretBinding {
  return { tenantId, ownerId: id, provider: id };
}

/** So that a row cannot pass its headers off as its credential. */
function headersBindingOf({ tenantId, id }: ConnectionKey): SecretBinding {
  return { tenantId, ownerId: id, provider: `${id} headers` };
}
