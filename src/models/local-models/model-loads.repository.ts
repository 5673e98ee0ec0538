import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { ModelLoad, type LoadFailureCode, type LoadRecord } from './model-load.entity.js';

/** What is loaded where. */
export interface LoadedThing {
  readonly connectionId: string;
  readonly model: string;
}

/** A replica that gave no sign of life for this long is dead, and so are its loads. */
const staleSeconds = 10;
const forgetAfterHours = 24;

const columns = `id, connection_id AS "connectionId", model, state, requested, progress, error_code AS "errorCode", attempts,
  started_at AS "startedAt", updated_at AS "updatedAt", finished_at AS "finishedAt"`;

/** Loads by what is loaded: whoever may use that may see them. */
@Injectable()
export class ModelLoadsRepository {
  constructor(@InjectRepository(ModelLoad) private readonly loads: Repository<ModelLoad>) {}

  /** The one load of a model that is under way: a new one with this id, unless there is one already. */
  async begin({ connectionId, model }: LoadedThing, id: string, requested: boolean): Promise<LoadRecord> {
    await this.tidy({ connectionId, model });
    const rows = await this.loads.query<LoadRecord[]>(
      `INSERT INTO model_loads (id, connection_id, model, state, requested, attempts, started_at, updated_at)
       VALUES ($1, $2, $3, 'loading', $4, 1, now(), now())
       ON CONFLICT (connection_id, model) WHERE state = 'loading'
       DO UPDATE SET requested = model_loads.requested OR EXCLUDED.requested
       RETURNING ${columns}`,
      [id, connectionId, model, requested],
    );
    const [load] = rows;
    if (load === undefined) throw new Error('INSERT … DO UPDATE returned no row');
    return load;
  }

  async find(thing: LoadedThing, id: string): Promise<LoadRecord | null> {
    await this.endStale(thing);
    return this.loads.findOneBy({ ...named(thing), id });
  }

  /** The one that began last. */
  async latest(thing: LoadedThing): Promise<LoadRecord | null> {
    await this.endStale(thing);
    return this.loads.findOne({ where: named(thing), order: { startedAt: 'DESC', id: 'DESC' } });
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

  private async endStale({ connectionId, model }: LoadedThing): Promise<void> {
    await this.interrupt(
      `connection_id = $1 AND model = $2 AND updated_at < now() - make_interval(secs => $3)`,
      [connectionId, model, staleSeconds],
    );
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

function named({ connectionId, model }: LoadedThing): LoadedThing {
  return { connectionId, model };
}
