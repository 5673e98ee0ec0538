import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'typeorm';
import { fromWireId } from '../../src/common/ids.js';
import { silentLogger } from '../../src/infrastructure/database/silent-logger.js';
import { CircuitBreakers } from '../../src/models/circuit-breakers.js';
import type { ModelStatusDto } from '../../src/models/local-models/dto/model-status.dto.js';
import { ModelStatuses } from '../../src/models/local-models/model-statuses.service.js';
import type { ModelUser } from '../../src/models/model-user.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { eventually, Parley, type Answer, type Person } from '../support/parley.js';
import { idOf } from '../support/people.js';
import { ScriptedOllama } from '../support/scripted-ollama.js';

const names = Array.from({ length: 12 }, (_, index) => `model-${index}`);

let ollama: ScriptedOllama;
let parley: Parley;
let root: Person;

beforeAll(async () => {
  ollama = await ScriptedOllama.start();
  for (const name of names) ollama.stored.add(name);
  parley = await Parley.start({
    'providers.ollama.baseUrl': ollama.url,
    'providers.ollama.models': [...names],
  });
  root = await parley.first.logIn('root', { groups: ['admins'] });
});

afterAll(async () => {
  await ollama.stop();
  await parley.stop();
});

function status(model: string): Promise<Answer<ModelStatusDto>> {
  return root.ask('GET', `/api/models/${model}/status`);
}

async function endedLoad(model: string, errorCode: string, minutesAgo: number): Promise<void> {
  await parley.first.database.query(
    `INSERT INTO model_loads (id, tenant_ids, connection_id, model, state, requested, error_code, attempts, started_at, updated_at, finished_at)
     SELECT $1, array_agg(id), 'ollama', $2, 'error', false, $3, 1, now() - make_interval(mins => $4), now(), now() - make_interval(mins => $4)
       FROM tenants`,
    [randomUUID(), model, errorCode, minutesAgo],
  );
}

describe('the status of a model whose load failed', () => {
  it('says nothing of a load that was interrupted, as by whoever cancelled their message', async () => {
    await endedLoad('model-0', 'interrupted', 0);
    expect((await status('model-0')).data).toMatchObject({
      status: 'not_loaded',
      errorCode: null,
      jobId: null,
    });
  });

  it('says nothing of a load whose replica has died', async () => {
    await endedLoad('model-4', 'unknown', 1);
    await parley.first.database.query(
      `UPDATE model_loads SET state = 'loading', error_code = NULL, finished_at = NULL, updated_at = now() - interval '11 seconds'
        WHERE model = 'model-4'`,
    );
    expect((await status('model-4')).data).toMatchObject({ status: 'not_loaded', jobId: null });
  });

  it('says so for five minutes', async () => {
    await endedLoad('model-1', 'unknown', 4);
    expect((await status('model-1')).data).toMatchObject({ status: 'error', errorCode: 'PROVIDER_FAILED' });
    await endedLoad('model-2', 'unknown', 6);
    expect((await status('model-2')).data).toMatchObject({ status: 'not_loaded', errorCode: null });
  });
});

describe('the status of a router', () => {
  it('asks its server and the database once, whatever the number of models, and writes nothing', async () => {
    const targets = [...names.slice(3, 4), ...names.slice(5)].map((model) => ({ model }));
    expect((await root.ask('POST', '/api/models', { kind: 'router', id: 'pool', targets })).status).toBe(201);
    const breakers = parley.first.app.get(CircuitBreakers);
    while (breakers.state('ollama', 'model-3', 'anybody') === 'closed') {
      for (const user of ['x', 'y']) breakers.admit('ollama', 'model-3', user)?.ended('failed');
    }
    const before = [ollama.asked('/api/ps'), ollama.asked('/api/tags')];
    const queries: string[] = [];
    const logQuery: Logger['logQuery'] = (query) => {
      if (query.includes('model_loads')) queries.push(query);
    };
    parley.first.database.logger = { ...silentLogger, logQuery };
    const { data } = await status('pool');
    parley.first.database.logger = silentLogger;
    expect(data.targets).toHaveLength(8);
    expect(data.targets.at(-1)).toMatchObject({ modelId: 'model-3', status: 'unavailable', circuit: 'open' });
    expect(data.targets.filter((target) => target.status === 'not_loaded')).toHaveLength(7);
    expect([ollama.asked('/api/ps'), ollama.asked('/api/tags')]).toEqual(before.map((count) => count + 1));
    expect(queries.map((query) => query.trim().split(' ')[0])).toEqual(['SELECT']);
  });

  it('asks nobody whose breakers are all open', async () => {
    const breakers = parley.first.app.get(CircuitBreakers);
    const before = ollama.asked('/api/ps');
    expect(breakers.state('ollama', 'model-3', 'anybody')).toBe('open');
    expect((await status('model-3')).data).toMatchObject({ status: 'unavailable', circuit: 'open' });
    expect(ollama.asked('/api/ps')).toBe(before);
  });
});

describe('a question for a status', () => {
  it('ends quietly when nobody waits for the answer any more', async () => {
    const user: ModelUser = {
      tenantId: defaultTenantId,
      userId: fromWireId('user', await idOf(root)) ?? '',
      role: 'admin',
      credential: { kind: 'session', sessionId: 's', authenticatedAt: null },
    };
    const statuses = parley.first.app.get(ModelStatuses);
    const asked = statuses.of(user, 'model-4', {
      signal: AbortSignal.abort(),
      requestId: 'req_test',
    });
    expect(await asked).toMatchObject({ id: 'model-4', targets: [{ state: 'unavailable' }] });
  });

  it('that the database fails is no failure of the provider, at any door', async () => {
    const thread = await root.createThread();
    const { database } = parley.first;
    await database.query('ALTER TABLE model_aliases RENAME TO elsewhere');
    await database.query(`SELECT pg_notify('parley', 'models')`);
    try {
      for (const ask of [() => status('model-5'), () => root.post(thread, 'model-5', { content: 'Hi' })]) {
        // Until the word of the change is heard, what was known a second ago serves.
        const refusal = await eventually(async () => {
          const { status: code, error } = await ask();
          return error === undefined ? undefined : [code, error.code];
        });
        expect(refusal).toEqual([500, 'INTERNAL_ERROR']);
      }
    } finally {
      await database.query('ALTER TABLE elsewhere RENAME TO model_aliases');
    }
  });
});
