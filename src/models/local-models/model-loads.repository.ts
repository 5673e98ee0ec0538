import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { ModelLoad, type LoadFailureCode, type LoadRecord } from './model-load.entity.js';

/** What is loaded where, and for whom. */
export interface LoadedThing {
  readonly tenantId: string;
  readonly connectionId: string;
  readonly model: string;
}

/** A replica that gave no sign of life for this long is dead, and so are its loads. */
const staleSeconds = 10;
/** For how long a failure tells of how a model is. */
const failureMinutes = 5;
const forgetAfterHours = 24;

const columns = `id, tenant_ids AS "tenantIds", connection_id AS "connectionId", model, state, requested, progress, error_code AS "errorCode", attempts,
  started_at AS "startedAt", updated_at AS "updatedAt", finished_at AS "finishedAt"`;

/** Loads by what is loaded: whoever may use that may see those of their tenant. */
@Injectable()
export class ModelLoadsRepository {
  constructor(@InjectRepository(ModelLoad) private readonly loads: Repository<ModelLoad>) {}

  /** The one load of a model that is under way, now the tenant's too: a new one with this id, unless there is one already. */
  async begin(thing: LoadedThing, id: string, requested: boolean): Promise<LoadRecord> {
    await this.tidy(thing);
    const { tenantId, connectionId, model } = thing;
    const rows = await this.loads.query<LoadRecord[]>(
      `INSERT INTO model_loads (id, tenant_ids, connection_id, model, state, requested, attempts, started_at, updated_at)
       VALUES ($1, ARRAY[$5::uuid], $2, $3, 'loading', $4, 1, now(), now())
       ON CONFLICT (connection_id, model) WHERE state = 'loading'
       DO UPDATE SET requested = model_loads.requested OR EXCLUDED.requested,
         tenant_ids = array_remove(model_loads.tenant_ids, $5) || $5::uuid
       RETURNING ${columns}`,
      [id, connectionId, model, requested, tenantId],
    );
    const [load] = rows;
    if (load === undefined) throw new Error('INSERT … DO UPDATE returned no row');
    return load;
  }

  async find({ tenantId, connectionId, model }: LoadedThing, id: string): Promise<LoadRecord | null> {
    const load = await this.current(id);
    const isTheirs = load?.tenantIds.includes(tenantId) === true;
    return isTheirs && load.connectionId === connectionId && load.model === model ? load : null;
  }

  /** The same load as it is now, whoever asked for it. */
  reread({ id }: LoadRecord): Promise<LoadRecord | null> {
    return this.current(id);
  }

  /** Of each thing the one that began last, if it tells anything of how that is now. Asks once and writes nothing. */
  async latest(things: readonly LoadedThing[]): Promise<LoadRecord[]> {
    return this.loads.query<LoadRecord[]>(
      `SELECT DISTINCT ON (connection_id, model) ${columns}
         FROM model_loads
         JOIN unnest($1::uuid[], $2::text[], $3::text[]) AS thing (tenant_id, connection_id, model)
              USING (connection_id, model)
        WHERE tenant_ids @> ARRAY[thing.tenant_id]
          AND CASE state
                WHEN 'loading' THEN NOT ${isStale('$4')}
                WHEN 'error' THEN error_code <> 'interrupted' AND finished_at > now() - make_interval(mins => $5)
                ELSE true
              END
        ORDER BY connection_id, model, started_at DESC, id DESC`,
      [
        things.map(({ tenantId }) => tenantId),
        things.map(({ connectionId }) => connectionId),
        things.map(({ model }) => model),
        staleSeconds,
        failureMinutes,
      ],
    );
  }

  /** @returns false when it has ended meanwhile: whoever loads must stop */
  async beat({ id, progress, attempts }: Pick<LoadRecord, 'id' | 'progress' | 'attempts'>): Promise<boolean> {
    const [, count] = await this.loads.query<[unknown, number]>(
      `UPDATE model_loads SET progress = $2, attempts = $3, updated_at = now() WHERE id = $1 AND state = 'loading'`,
      [id, progress, attempts],
    );
    return count > 0;
  }

  /** Without effect on one that has ended already. */
  async finish({ id, state, errorCode, progress, attempts }: LoadRecord): Promise<void> {
    await this.loads.query(
      `UPDATE model_loads
          SET state = $2, error_code = $3, progress = $4, attempts = $5, updated_at = now(), finished_at = now()
        WHERE id = $1 AND state = 'loading'`,
      [id, state, errorCode, progress, attempts],
    );
  }

  /** Ends a load that no message waits for any more. @returns false when somebody asked for it by itself, or it has ended */
  async abandon(id: string): Promise<boolean> {
    return (await this.interrupt('id = $1 AND NOT requested', [id])) > 0;
  }

  private async tidy(thing: LoadedThing): Promise<void> {
    await this.endStale(thing);
    await this.loads.query('DELETE FROM model_loads WHERE finished_at < now() - make_interval(hours => $1)', [
      forgetAfterHours,
    ]);
  }

  /** Writes only when it has gone stale. */
  private async current(id: string): Promise<LoadRecord | null> {
    const [load] = await this.loads.query<(LoadRecord & { readonly isStale: boolean })[]>(
      `SELECT ${columns}, state = 'loading' AND ${isStale('$2')} AS "isStale" FROM model_loads WHERE id = $1`,
      [id, staleSeconds],
    );
    if (load === undefined) return null;
    if (!load.isStale) return load;
    await this.endStale(load);
    return this.loads.findOneBy({ id });
  }

  private async endStale({
    connectionId,
    model,
  }: Pick<LoadedThing, 'connectionId' | 'model'>): Promise<void> {
    await this.interrupt(`connection_id = $1 AND model = $2 AND ${isStale('$3')}`, [
      connectionId,
      model,
      staleSeconds,
    ]);
  }

  private async interrupt(condition: string, parameters: unknown[]): Promise<number> {
    const code: LoadFailureCode = 'interrupted';
    const [, count] = await this.loads.query<[unknown, number]>(
      `UPDATE model_loads SET state = 'error', error_code = '${code}', finished_at = now()
        WHERE state = 'loading' AND ${condition}`,
      parameters,
    );
    return count;
  }
}

/** @param seconds the place of the parameter */
function isStale(seconds: string): string {
  return `updated_at < now() - make_interval(secs => ${seconds})`;
}
