import { Injectable } from '@nestjs/common';
import type { Caller } from '../../auth/caller.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { fromWireId } from '../../common/ids.js';
import { currentRequestId } from '../../infrastructure/http/request-context.js';
import type { Connection } from '../../llm-providers/contract/connection.js';
import type { ModelInfo } from '../../llm-providers/contract/model-info.js';
import { ProviderRegistry } from '../../llm-providers/provider-registry.js';
import { isInDefaultTenant } from '../../tenants/default-tenant.js';
import { ConfiguredConnections } from '../configured-connections.js';
import { toFailure } from '../provider-failure.js';
import { ConnectionSecrets } from './connection-secrets.service.js';
import { ConnectionWrites } from './connection-writes.service.js';
import { ConnectionsRepository } from './connections.repository.js';
import type { ConnectionRow } from './stored-connection.entity.js';

const verifyTimeoutMs = 10_000;

export interface Verification {
  /** Why it failed; undefined when the vendor is reachable and takes the credential. */
  readonly code: ErrorCode | undefined;
  readonly latencyMs: number;
}

/** How many models there are, and how that changed. */
export interface SyncCounts {
  readonly models: number;
  readonly added: number;
  readonly removed: number;
}

interface Checked {
  readonly connection: Connection;
  /** Undefined when settings made it. */
  readonly row: ConnectionRow | undefined;
}

/**
 * What admins have vendors asked: whether a connection works, and which models there are. Also of one that is switched off. What settings
 * made is the installation's, and so is its list, hence for admins of the default tenant alone.
 */
@Injectable()
export class ConnectionChecks {
  constructor(
    private readonly stored: ConnectionsRepository,
    private readonly configured: ConfiguredConnections,
    private readonly secrets: ConnectionSecrets,
    private readonly registry: ProviderRegistry,
    private readonly writes: ConnectionWrites,
    private readonly clock: Clock,
  ) {}

  /**
   * Shows whether the vendor can be reached and takes the credential; that it does not is an answer.
   * @throws DomainError CONNECTION_NOT_FOUND, FORBIDDEN
   */
  async verify(caller: Caller, id: string): Promise<Verification> {
    const { connection, row } = await this.find(caller, id);
    const startedAtMs = this.clock.monotonicMs();
    const code = connection.unreadable === true ? 'CONNECTION_UNREADABLE' : await this.failureOf(connection);
    const latencyMs = Math.round(this.clock.monotonicMs() - startedAtMs);
    await this.writes.run(async (db) => {
      const result = { verifiedAt: this.clock.now(), failureCode: code ?? null };
      if (row !== undefined) await this.stored.updateVersion(row, result, db);
      const outcome = code === undefined ? 'success' : 'failure';
      const details = code === undefined ? {} : { code };
      await this.writes.record(caller, id, { action: 'provider.verified', outcome, details }, db);
    });
    return { code, latencyMs };
  }

  /**
   * Asks the vendor for its models now. Of a connection that settings made, the list is this replica's; the others ask by themselves
   * within five minutes.
   * @throws DomainError CONNECTION_NOT_FOUND, FORBIDDEN, CONNECTION_UNREADABLE, CONNECTION_CHANGED, or what the vendor's failure is for us
   */
  async sync(caller: Caller, id: string): Promise<SyncCounts> {
    const { connection, row } = await this.find(caller, id);
    if (connection.unreadable === true) throw new DomainError('CONNECTION_UNREADABLE');
    const { before, models } = await this.list(connection, row);
    const counts = countsOf(before, models);
    await this.writes.run(async (db) => {
      const entry = { action: 'provider.synchronised', details: { ...counts } } as const;
      if (row === undefined) return this.writes.record(caller, id, entry, db);
      const now = await this.stored.lock(row.tenantId, row.id, db);
      if (now === undefined) throw new DomainError('CONNECTION_NOT_FOUND');
      // What another server listed says nothing of this one.
      if (now.row.baseUrl !== row.baseUrl) throw new DomainError('CONNECTION_CHANGED');
      const known = { knownModels: models, syncedAt: this.clock.now(), version: now.row.version + 1 };
      await this.stored.update(row.tenantId, row.id, known, db);
      await this.writes.changed(caller, id, entry, db);
    });
    return counts;
  }

  private async list(
    connection: Connection,
    row: ConnectionRow | undefined,
  ): ReturnType<ProviderRegistry['sync']> {
    // Counted is what changed since the last time, not since whatever this replica happens to have heard.
    const asked = row === undefined ? connection : { ...connection, knownModels: row.knownModels ?? [] };
    try {
      return await this.registry.sync(asked);
    } catch (error) {
      throw toFailure(error);
    }
  }

  private async failureOf(connection: Connection): Promise<ErrorCode | undefined> {
    const signal = AbortSignal.timeout(verifyTimeoutMs);
    try {
      const provider = this.registry.provider(connection.kind);
      await provider.verify({ connection, signal, requestId: currentRequestId() });
      return undefined;
    } catch (error) {
      return signal.aborted ? 'PROVIDER_TIMEOUT' : toFailure(error).code;
    }
  }

  private async find(caller: Caller, id: string): Promise<Checked> {
    const configured = this.configured.find(id);
    if (configured !== undefined) {
      if (!isInDefaultTenant(caller)) throw new DomainError('FORBIDDEN');
      return { connection: configured, row: undefined };
    }
    const uuid = fromWireId('connection', id);
    const found = uuid === undefined ? undefined : await this.stored.find(caller.tenantId, uuid);
    if (found === undefined) throw new DomainError('CONNECTION_NOT_FOUND');
    return { connection: await this.secrets.open(found.row), row: found.row };
  }
}

function countsOf(before: readonly ModelInfo[], after: readonly ModelInfo[]): SyncCounts {
  const had = new Set(before.map(({ id }) => id));
  const has = new Set(after.map(({ id }) => id));
  return {
    models: has.size,
    added: [...has].filter((id) => !had.has(id)).length,
    removed: [...had].filter((id) => !has.has(id)).length,
  };
}
