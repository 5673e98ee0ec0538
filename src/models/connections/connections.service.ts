import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { differences } from '../../audit/differences.js';
import type { Caller } from '../../auth/caller.js';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { fromWireId, Ids, toWireId } from '../../common/ids.js';
import { isInDefaultTenant } from '../../tenants/default-tenant.js';
import { ConfiguredConnections } from '../configured-connections.js';
import {
  auditable,
  columnsOf,
  refuseHeadersWithPersonalKeys,
  refuseUnseenAddress,
  secretsChange,
  tenantIdsOf,
  type ConnectionChange,
  type NewConnection,
} from './connection-change.js';
import { ConnectionRefusals } from './connection-refusals.service.js';
import { ConnectionSecrets, type SealedSecrets } from './connection-secrets.service.js';
import { ConnectionWrites } from './connection-writes.service.js';
import { ConnectionsRepository, type ConnectionWithTenants } from './connections.repository.js';
import { shownFromRow, shownFromSettings, type ShownConnection } from './shown-connection.js';
import type { ConnectionRow } from './stored-connection.entity.js';

/**
 * The connections of a tenant, as its admins make and change them, beside those of the settings. Secrets go in and never come out.
 * What is changed works so on every replica within a second.
 */
@Injectable()
export class Connections {
  constructor(
    private readonly stored: ConnectionsRepository,
    private readonly configured: ConfiguredConnections,
    private readonly secrets: ConnectionSecrets,
    private readonly refusals: ConnectionRefusals,
    private readonly writes: ConnectionWrites,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Those of the settings first, the others by name. What other tenants share is theirs to see. */
  async list(caller: Caller): Promise<ShownConnection[]> {
    const stored = await this.stored.list(caller.tenantId);
    const shown = await Promise.all(stored.map((connection) => this.shown(connection)));
    return [...this.configured.all.map((one) => shownFromSettings(one, isInDefaultTenant(caller))), ...shown];
  }

  /** @throws DomainError CONNECTION_NOT_FOUND */
  async get(caller: Caller, id: string): Promise<ShownConnection> {
    const configured = this.configured.find(id);
    if (configured !== undefined) return shownFromSettings(configured, isInDefaultTenant(caller));
    return this.shown(await this.find(caller, id));
  }

  /** @throws DomainError as `ConnectionRefusals.check`, CONNECTION_NAME_TAKEN, TENANT_NOT_FOUND, ENCRYPTION_UNAVAILABLE */
  async create(caller: Caller, connection: NewConnection): Promise<ShownConnection> {
    this.refusals.check(caller, connection);
    const key = { tenantId: caller.tenantId, id: this.ids.next() };
    const sealed = await this.secrets.seal(key, connection);
    const tenantIds = tenantIdsOf(connection.tenants) ?? [];
    const row = this.newRow(key, connection, sealed);
    await this.writes.run(async (db) => {
      await this.secrets.insert(sealed, db);
      await this.stored.insert({ row, tenantIds }, db);
      const { credentialId, headerNames, kind } = row;
      const secrets = { hasCredential: credentialId !== null, headerNames };
      const details = { kind, ...auditable({ row, tenantIds }), ...secrets };
      await this.writes.changed(
        caller,
        toWireId('connection', row.id),
        { action: 'provider.created', details },
        db,
      );
    });
    return this.get(caller, toWireId('connection', row.id));
  }

  /**
   * Changes at the same time come one after the other.
   * @throws DomainError CONNECTION_NOT_FOUND, CONNECTION_CONFIGURED, CONNECTION_CHANGED, and as `create`
   */
  async change(caller: Caller, id: string, change: ConnectionChange): Promise<ShownConnection> {
    const { row } = await this.findOwn(caller, id);
    const models = change.models === undefined ? row.models : change.models;
    this.refusals.check(caller, { ...change, kind: row.kind, models });
    const sealed = await this.secrets.seal(row, change);
    await this.writes.run(async (db) => {
      const before = await this.stored.lock(row.tenantId, row.id, db);
      if (before === undefined) throw new DomainError('CONNECTION_NOT_FOUND');
      refuseUnseenAddress(row, before.row, change, sealed);
      await this.write(caller, before, { change, sealed }, db);
    });
    return this.get(caller, id);
  }

  /**
   * With whatever other rooms keep for it.
   * @throws DomainError CONNECTION_NOT_FOUND, CONNECTION_CONFIGURED
   */
  async delete(caller: Caller, id: string): Promise<void> {
    const { row } = await this.findOwn(caller, id);
    await this.writes.run(async (db) => {
      const before = await this.stored.lock(row.tenantId, row.id, db);
      if (before === undefined) throw new DomainError('CONNECTION_NOT_FOUND');
      await this.stored.delete(row.tenantId, row.id, db);
      await this.secrets.remove([before.row.credentialId, before.row.headersId], db);
      const { kind, name, baseUrl } = before.row;
      await this.writes.deleted(
        caller,
        id,
        { action: 'provider.deleted', details: { kind, name, baseUrl } },
        db,
      );
    });
  }

  private async write(
    caller: Caller,
    before: ConnectionWithTenants,
    { change, sealed }: { readonly change: ConnectionChange; readonly sealed: SealedSecrets },
    db: EntityManager,
  ): Promise<void> {
    const { row } = before;
    const now = this.clock.now();
    const columns = columnsOf(change);
    const tenantIds = tenantIdsOf(change.tenants);
    const secrets = secretsChange(row, change, sealed, now);
    refuseHeadersWithPersonalKeys({ ...row, ...columns, ...secrets.columns }, change);
    const wanted = auditable({ row: { ...row, ...columns }, tenantIds: tenantIds ?? before.tenantIds });
    const changed = differences(auditable(before), wanted);
    if (changed === undefined && Object.keys(secrets.summary).length === 0) return;
    await this.secrets.insert(sealed, db);
    const update = { ...columns, ...secrets.columns, version: row.version + 1, updatedAt: now };
    await this.stored.update(row.tenantId, row.id, update, db);
    await this.secrets.remove(secrets.removed, db);
    if (tenantIds !== undefined) await this.stored.replaceTenants(row.id, tenantIds, db);
    const details = { ...changed, ...secrets.summary };
    await this.writes.changed(
      caller,
      toWireId('connection', row.id),
      { action: 'provider.changed', details },
      db,
    );
  }

  private newRow(
    key: Pick<ConnectionRow, 'tenantId' | 'id'>,
    connection: NewConnection,
    sealed: SealedSecrets,
  ): ConnectionRow {
    const now = this.clock.now();
    const { kind, name, baseUrl } = connection;
    const row: ConnectionRow = {
      ...{ ...key, version: 1, kind, name, baseUrl },
      ...{ credentialId: null, credentialSetAt: null, headersId: null, headerNames: [] },
      ...{ sharedWithAll: false, enabled: true, personalKeys: 'none' },
      ...{ timeouts: {}, options: {}, models: null, knownModels: null },
      ...{ syncedAt: null, verifiedAt: null, failureCode: null, createdAt: now, updatedAt: now },
      ...columnsOf(connection),
    };
    const whole = { ...row, ...secretsChange(row, connection, sealed, now).columns };
    refuseHeadersWithPersonalKeys(whole, connection);
    return whole;
  }

  private async findOwn(caller: Caller, id: string): Promise<ConnectionWithTenants> {
    if (this.configured.find(id) !== undefined) throw new DomainError('CONNECTION_CONFIGURED');
    return this.find(caller, id);
  }

  private async find({ tenantId }: Caller, id: string): Promise<ConnectionWithTenants> {
    const uuid = fromWireId('connection', id);
    const found = uuid === undefined ? undefined : await this.stored.find(tenantId, uuid);
    if (found === undefined) throw new DomainError('CONNECTION_NOT_FOUND');
    return found;
  }

  private async shown(connection: ConnectionWithTenants): Promise<ShownConnection> {
    const opened = await this.secrets.open(connection.row);
    return shownFromRow(connection, opened.unreadable !== true, this.configured.defaultTimeouts);
  }
}
