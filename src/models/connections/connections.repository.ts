import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type EntityManager, type Repository } from 'typeorm';
import { ConnectionTenant } from './connection-tenant.entity.js';
import { StoredConnection, type ConnectionRow } from './stored-connection.entity.js';

export interface ConnectionWithTenants {
  readonly row: ConnectionRow;
  /** Who may use it beside its own tenant. */
  readonly tenantIds: readonly string[];
}

/** Rows of usable connections that are kept; what is dropped is read again. */
const mostRead = 1000;

@Injectable()
export class ConnectionsRepository {
  /** By id, as of their version when they were read. */
  private readonly read = new Map<string, ConnectionRow>();

  constructor(@InjectRepository(StoredConnection) private readonly rows: Repository<StoredConnection>) {}

  /** What the tenant has made, by name. */
  async list(tenantId: string): Promise<ConnectionWithTenants[]> {
    const rows = await this.rows.find({ where: { tenantId }, order: { name: 'ASC' } });
    return this.withTenants(rows, this.rows.manager);
  }

  async find(tenantId: string, id: string): Promise<ConnectionWithTenants | undefined> {
    const row = await this.rows.findOneBy({ tenantId, id });
    return row === null ? undefined : (await this.withTenants([row], this.rows.manager))[0];
  }

  /** Nobody else changes it until the transaction ends. */
  async lock(tenantId: string, id: string, db: EntityManager): Promise<ConnectionWithTenants | undefined> {
    const row = await db.findOne(StoredConnection, {
      where: { tenantId, id },
      lock: { mode: 'pessimistic_write' },
    });
    return row === null ? undefined : (await this.withTenants([row], db))[0];
  }

  /**
   * What the tenant may use: its own first, then what others share, each the oldest first. Of a version that was read before, nothing
   * else is read again: lists of models are long, and this is asked every second. What changes without a new version, when it was last
   * verified, may be older.
   */
  async usable(tenantId: string): Promise<ConnectionRow[]> {
    const keys = await this.usableKeys(tenantId);
    const rows = new Map<string, ConnectionRow>();
    for (const { id, version } of keys) {
      const row = this.read.get(id);
      if (row?.version === version) rows.set(id, row);
    }
    const unread = keys.map(({ id }) => id).filter((id) => !rows.has(id));
    if (unread.length > 0) {
      if (this.read.size + unread.length > mostRead) this.read.clear();
      for (const row of await this.rows.findBy({ id: In(unread) })) {
        rows.set(row.id, row);
        this.read.set(row.id, row);
      }
    }
    return keys.map(({ id }) => rows.get(id)).filter((row) => row !== undefined);
  }

  private async usableKeys(tenantId: string): Promise<Pick<ConnectionRow, 'id' | 'tenantId' | 'version'>[]> {
    const rows = await this.rows
      .createQueryBuilder('connection')
      .select(['connection.id', 'connection.tenantId', 'connection.version'])
      .where('connection.enabled')
      .andWhere(
        `(connection.tenantId = :tenantId OR connection.sharedWithAll OR EXISTS (
           SELECT 1 FROM connection_tenants shared
            WHERE shared.connection_id = connection.id AND shared.tenant_id = :tenantId))`,
        { tenantId },
      )
      .orderBy('connection.id')
      .getMany();
    const isOwn = (row: Pick<ConnectionRow, 'tenantId'>): boolean => row.tenantId === tenantId;
    return [...rows.filter(isOwn), ...rows.filter((row) => !isOwn(row))];
  }

  /** Of all tenants. */
  async enabledIds(): Promise<string[]> {
    const rows = await this.rows.find({ select: { id: true }, where: { enabled: true } });
    return rows.map(({ id }) => id);
  }

  async insert({ row, tenantIds }: ConnectionWithTenants, db: EntityManager): Promise<void> {
    await db.insert(StoredConnection, row);
    await this.insertTenants(row.id, tenantIds, db);
  }

  async update(
    tenantId: string,
    id: string,
    change: Partial<ConnectionRow>,
    db: EntityManager,
  ): Promise<void> {
    await db.update(StoredConnection, { tenantId, id }, change);
  }

  /** Nothing when it was changed since. */
  async updateVersion(
    { tenantId, id, version }: ConnectionRow,
    change: Pick<ConnectionRow, 'verifiedAt' | 'failureCode'>,
    db: EntityManager,
  ): Promise<void> {
    await db.update(StoredConnection, { tenantId, id, version }, change);
  }

  async replaceTenants(id: string, tenantIds: readonly string[], db: EntityManager): Promise<void> {
    await db.delete(ConnectionTenant, { connectionId: id });
    await this.insertTenants(id, tenantIds, db);
  }

  async delete(tenantId: string, id: string, db: EntityManager): Promise<void> {
    await db.delete(StoredConnection, { tenantId, id });
  }

  private async insertTenants(id: string, tenantIds: readonly string[], db: EntityManager): Promise<void> {
    await db.insert(
      ConnectionTenant,
      tenantIds.map((tenantId) => ({ connectionId: id, tenantId })),
    );
  }

  private async withTenants(
    rows: readonly ConnectionRow[],
    db: EntityManager,
  ): Promise<ConnectionWithTenants[]> {
    const shared = await db.find(ConnectionTenant, {
      where: { connectionId: In(rows.map(({ id }) => id)) },
      order: { tenantId: 'ASC' },
    });
    return rows.map((row) => ({
      row,
      tenantIds: shared.filter(({ connectionId }) => connectionId === row.id).map(({ tenantId }) => tenantId),
    }));
  }
}
