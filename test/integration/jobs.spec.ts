import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgBoss } from 'pg-boss';
import { Gate } from '../../bench/upstream/gate.js';
import { createApp } from '../../src/create-app.js';
import { DomainError } from '../../src/common/domain-error.js';
import {
  JobQueues,
  type Enqueue,
  type JobAttempt,
} from '../../src/infrastructure/jobs/job-queues.service.js';
import { JobTables } from '../../src/infrastructure/jobs/job-tables.repository.js';
import { eventually, Parley, type Replica } from '../support/parley.js';

interface Errand {
  readonly errand: string;
}

interface Try extends JobAttempt {
  readonly errand: string;
  readonly at: Replica;
}

interface StoredJob {
  readonly state: string;
  readonly retries: number;
  readonly waitSeconds: number;
  readonly output: unknown;
}

/** What was tried, in order; what each errand does, by name. */
const tries: Try[] = [];
const does: Record<string, (attempt: Try) => Promise<void>> = {};
const enqueueAt = new Map<Replica, Enqueue<Errand>>();

let parley: Parley;
let second: Replica;
let settled: (() => void)[] = [];

/** An application that knows how to run errands. */
async function createErrandApp(config: Parameters<typeof createApp>[0]): ReturnType<typeof createApp> {
  const app = await createApp(config);
  const enqueue = app.get(JobQueues).define<Errand>({
    name: 'errands',
    keyOf: ({ errand }) => errand,
    limitMs: 60_000,
    work: async ({ errand }, attempt) => {
      const at = [...enqueueAt.keys()].find((replica) => replica.app === app);
      if (at === undefined) throw new Error('not started');
      const made = { ...attempt, errand, at };
      tries.push(made);
      await does[errand]?.(made);
    },
  });
  created.push(enqueue);
  return app;
}
const created: Enqueue<Errand>[] = [];

async function addReplica(): Promise<Replica> {
  const replica = await parley.addReplica();
  enqueueAt.set(replica, created.at(-1) ?? missing());
  return replica;
}

function missing(): never {
  throw new Error('it is there');
}

beforeAll(async () => {
  parley = await Parley.start({ 'jobs.enabled': true }, createErrandApp);
  enqueueAt.set(parley.first, created[0] ?? missing());
  second = await addReplica();
});

afterAll(async () => {
  settled.forEach((open) => open());
  settled = [];
  await parley.stop();
});

function run(errand: string, at = parley.first): Promise<void> {
  return at.database.transaction((db) => (enqueueAt.get(at) ?? missing())({ errand }, db));
}

function jobsOf(errand: string): Promise<StoredJob[]> {
  return second.database.query(
    `SELECT state, retry_count AS retries, extract(epoch FROM start_after - now())::float8 AS "waitSeconds", output
       FROM pgboss.job WHERE singleton_key = $1`,
    [errand],
  );
}

const triesOf = (errand: string): Try[] => tries.filter((made) => made.errand === errand);

function until(errand: string, state: string): Promise<StoredJob> {
  return eventually(async () => (await jobsOf(errand)).find((job) => job.state === state));
}

function held(errand: string): Gate {
  const gate = new Gate();
  does[errand] = () => gate.opened;
  settled.push(() => gate.open());
  return gate;
}

describe('the schema of jobs', () => {
  it('is exactly that of the installed pg-boss', async () => {
    const boss = new PgBoss({ db: parley.first.app.get(JobTables), schema: 'pgboss', migrate: false });
    // Which fails when it wants another version.
    await boss.start();
    const { ok, ...drift } = await boss.detectSchemaDrift();
    await boss.stop();
    expect(ok ? {} : drift).toEqual({});
  });
});

describe('a job', () => {
  it('is not there when its transaction is rolled back', async () => {
    const failed = parley.first.database.transaction(async (db) => {
      await (enqueueAt.get(parley.first) ?? missing())({ errand: 'undone' }, db);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await jobsOf('undone')).toEqual([]);
  });

  it('is not added while one with its key waits or is under way, on any replica', async () => {
    const gate = held('only');
    await Promise.all([run('only'), run('only', second), run('only')]);
    await until('only', 'active');
    await Promise.all([run('only'), run('only', second)]);
    expect(await jobsOf('only')).toHaveLength(1);
    gate.open();
    await until('only', 'completed');
    expect(triesOf('only')).toHaveLength(1);
    await run('only');
    await eventually(() => Promise.resolve(triesOf('only')[1]));
  });

  it('is tried again with growing waits, and keeps nothing of why it failed but a code', async () => {
    does['failing'] = () =>
      Promise.reject(new DomainError('PROVIDER_FAILED', { message: 'of what was said' }));
    await run('failing');
    const first = await until('failing', 'retry');
    expect(first.waitSeconds).toBeGreaterThan(0);
    // As if the waits were over.
    const sooner = (): Promise<unknown> =>
      second.database.query(
        `UPDATE pgboss.job SET start_after = now() WHERE singleton_key = 'failing' AND state = 'retry'`,
      );
    const waits: number[] = [];
    const last = await eventually(async () => {
      const [job] = await jobsOf('failing');
      if (job?.state === 'retry' && job.waitSeconds > 0) {
        waits.push(job.waitSeconds);
        await sooner();
      }
      return job?.state === 'failed' ? job : undefined;
    }, 20_000);
    expect(triesOf('failing').map(({ isLast }) => isLast)).toEqual([false, false, false, true]);
    expect(new Set(triesOf('failing').map(({ id }) => id)).size).toBe(1);
    // From half of 2, 4 and 8 times the setting to all of it.
    expect(waits.map((wait, index) => wait > 2 ** index - 0.9 && wait <= 2 ** (index + 1))).toEqual([
      true,
      true,
      true,
    ]);
    expect(last.output).toMatchObject({ message: 'PROVIDER_FAILED' });
    expect(JSON.stringify(last.output)).not.toContain('of what was said');
  }, 30_000);

  it('of a replica that stops is broken off there, and done by another', async () => {
    const third = await addReplica();
    const broken = new Gate();
    does['moving'] = ({ at, signal }) =>
      at === third
        ? new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              broken.open();
              reject(new Error('broken off'));
            }),
          )
        : Promise.resolve();
    // Until the third one takes it.
    await Promise.all([parley.first, second].map(({ app }) => app.get(JobQueues).rest()));
    await run('moving');
    await until('moving', 'active');
    await third.stop();
    await broken.opened;
    expect(await jobsOf('moving')).toMatchObject([{ state: 'retry' }]);
    const fourth = await addReplica();
    await until('moving', 'completed');
    expect(triesOf('moving').map(({ at }) => at)).toEqual([third, fourth]);
  }, 20_000);

  it('of a replica that died is tried again when it gave no sign of life for a while', async () => {
    const gate = held('orphaned');
    await run('orphaned');
    await until('orphaned', 'active');
    // As if nobody worked on it any more.
    await second.database.query(
      `UPDATE pgboss.job SET heartbeat_on = now() - interval '31 seconds' WHERE singleton_key = 'orphaned'`,
    );
    const supervisor = new PgBoss({
      ...{ db: second.app.get(JobTables), schema: 'pgboss', migrate: false, monitorVacuum: false },
      ...{ monitorIntervalSeconds: 1, supervise: false, schedule: false },
    });
    await supervisor.start();
    await second.database.query(`UPDATE pgboss.queue SET monitor_claim_on = NULL, monitor_on = NULL`);
    await supervisor.supervise('errands');
    await supervisor.stop();
    expect(await jobsOf('orphaned')).toMatchObject([{ state: 'retry' }]);
    does['orphaned'] = () => Promise.resolve();
    await until('orphaned', 'completed');
    gate.open();
    expect(triesOf('orphaned')).toHaveLength(2);
  });

  it('is done when the database is back', async () => {
    const ended = await second.database
      .query<unknown[]>(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
      .catch(() => undefined);
    expect(ended).toBeDefined();
    // The pools may hand a dying connection out once more.
    await eventually(() =>
      run('afterwards').then(
        () => true,
        () => undefined,
      ),
    );
    await until('afterwards', 'completed');
  });
});

describe('the health of jobs', () => {
  it('is well, and degraded when nobody takes them', async () => {
    const ada = await parley.first.logIn('ada');
    const health = async (): Promise<unknown> =>
      (await ada.ask<{ services: { jobs: unknown } }>('GET', '/api/health')).data.services.jobs;
    expect(await health()).toEqual({ status: 'healthy', waiting: 0 });
    await second.database.query(
      `INSERT INTO pgboss.job (name, state, singleton_key, start_after, blocked)
       VALUES ('errands', 'created', 'forgotten', now() - interval '301 seconds', true)`,
    );
    expect(await health()).toEqual({ status: 'degraded', waiting: 1 });
    const anonymous = await fetch(`${parley.first.url}/api/health`);
    expect(await anonymous.json()).toMatchObject({ data: { services: { jobs: { status: 'degraded' } } } });
  });
});
