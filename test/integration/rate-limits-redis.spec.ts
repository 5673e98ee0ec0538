import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Caller } from '../../src/auth/caller.js';
import type { Clock } from '../../src/common/clock.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { Log } from '../../src/infrastructure/logging/log.js';
import { ManualClock } from '../support/auth-application.js';
import { introduce, LimitedApplication, shownLimit } from '../support/limited-application.js';
import { eventually } from '../support/parley.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';
import { isRedisGiven, TestRedis } from '../support/test-redis.js';

/** Nobody listens there. */
const deadPort = 'redis://127.0.0.1:1';
const limits: EmbeddedValues = { 'rateLimit.threadsList': 5, 'rateLimit.loginPerAccount': 3 };

let database: TestDatabase;
const running: LimitedApplication[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const credential = { kind: 'session', sessionId: 's', authenticatedAt: new Date() } as const;
  const ada = {
    tenantId: 't',
    userId: 'ada',
    username: 'ada',
    role: 'user',
    scopes: [],
    credential,
  } as const;
  introduce('ada', ada satisfies Caller);
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop()));
  jest.restoreAllMocks();
});

afterAll(() => database.drop());

async function start(settings: EmbeddedValues, clock?: Clock): Promise<LimitedApplication> {
  const app = await LimitedApplication.start({
    settings: { 'database.url': database.url, ...limits, ...settings },
    ...(clock === undefined ? {} : { clock }),
  });
  running.push(app);
  return app;
}

/** How often each status was answered. */
async function asked(
  count: number,
  ask: (index: number) => Promise<Response>,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let index = 0; index < count; index++) {
    const { status } = await ask(index);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** How often Redis was asked to count. */
function scriptsIn(sent: string): number {
  return [...sent.matchAll(/\r\neval(?:sha)?\r\n/gi)].length;
}

function list(app: LimitedApplication): Promise<Response> {
  return app.ask('list', { name: 'ada' });
}

describe('without the Redis that is configured', () => {
  it('limits are kept alone, nothing fails, and one line says so', async () => {
    const warned = jest.spyOn(Log.prototype, 'warn');
    const app = await start({ 'redis.url': deadPort });
    expect(await asked(20, () => list(app))).toEqual({ 200: 5, 429: 15 });
    expect(await asked(5, () => app.logIn('ada'))).toEqual({ 201: 3, 429: 2 });
    expect(shownLimit(await list(app)).slice(0, 2)).toEqual(['5', '0']);
    expect(warned.mock.calls.filter(([, message]) => message.startsWith('Redis'))).toHaveLength(1);
  });

  it('no request waits for it', async () => {
    const app = await start({ 'redis.url': deadPort, 'rateLimit.threadsList': 1000 });
    const before = performance.now();
    expect(await asked(100, () => list(app))).toEqual({ 200: 100 });
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

const withRedis = isRedisGiven ? describe : describe.skip;

withRedis('with Redis (skipped unless REDIS_URL names one)', () => {
  let redis: TestRedis;
  let proxy: TcpProxy;
  let throughProxy: string;

  beforeEach(async () => {
    redis = new TestRedis();
    const { hostname, port } = new URL(redis.url);
    proxy = new TcpProxy({ host: hostname, port: Number(port || '6379') });
    await proxy.open();
    const url = new URL(redis.url);
    url.host = proxy.address;
    throughProxy = url.href;
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.stop()));
    await proxy.cut();
    await redis.stop();
  });

  it('two replicas count together, requests at once included', async () => {
    const replicas = [await start(redis.settings()), await start(redis.settings())] as const;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => list(index % 2 === 0 ? replicas[0] : replicas[1])),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
    const refused = await list(replicas[1]);
    const [limit, remaining, reset, window] = shownLimit(refused);
    expect([refused.status, limit, remaining, window]).toEqual([429, '5', '0', '60']);
    expect(Math.abs(Number(reset) - Date.now() / 1000 - 59)).toBeLessThan(3);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  });

  it('attempts at an account count together, too', async () => {
    const replicas = [await start(redis.settings()), await start(redis.settings())];
    expect(
      await asked(6, (index) => replicas[index % 2]?.logIn('ada') ?? Promise.reject(new Error())),
    ).toEqual({
      201: 3,
      429: 3,
    });
  });

  it('what another replica refused is not counted by this one', async () => {
    const [first, second] = [await start(redis.settings()), await start(redis.settings())];
    expect(await asked(5, () => list(first))).toEqual({ 200: 5 });
    expect(await asked(5, () => list(second))).toEqual({ 429: 5 });
    await redis.flush();
    expect(await asked(10, () => list(second))).toEqual({ 200: 5, 429: 5 });
  });

  it('keys live no longer than what they count', async () => {
    await list(await start(redis.settings()));
    expect(await redis.keys()).toHaveLength(1);
    const [lifetime] = await redis.lifetimes();
    expect(lifetime).toBeGreaterThan(50);
    expect(lifetime).toBeLessThanOrEqual(60);
  });

  it('a flush opens nothing that this process knows to be closed', async () => {
    const app = await start(redis.settings());
    expect(await asked(4, () => app.logIn('ada'))).toEqual({ 201: 3, 429: 1 });
    expect(await asked(3, () => list(app))).toEqual({ 200: 3 });
    await redis.flush();
    expect(await asked(4, () => app.logIn('ada'))).toEqual({ 429: 4 });
    expect(await asked(4, () => list(app))).toEqual({ 200: 2, 429: 2 });
  });

  it('an outage is bridged without a failure, and its end is noticed', async () => {
    const warned = jest.spyOn(Log.prototype, 'warn');
    const app = await start(redis.settings(throughProxy));
    expect(await asked(3, () => list(app))).toEqual({ 200: 3 });
    expect(await redis.keys()).toHaveLength(1);
    await proxy.cut();
    expect(await asked(10, () => list(app))).toEqual({ 200: 2, 429: 8 });
    expect(await asked(4, () => app.logIn('ada'))).toEqual({ 201: 3, 429: 1 });
    expect(await redis.keys()).toHaveLength(1);
    await proxy.open();
    let accounts = 0;
    await eventually(async () => {
      expect((await app.logIn(`somebody ${accounts++}`)).status).toBe(201);
      return (await redis.keys()).length > 1 || undefined;
    });
    const ofRedis = warned.mock.calls.filter(([, message]) => message.startsWith('Redis'));
    expect(ofRedis).toHaveLength(1);
  });

  it('a Redis that hangs is asked once a second, and holds up nobody else', async () => {
    const settings = { ...redis.settings(throughProxy), 'rateLimit.threadsList': 1000 };
    // Time stands still: the second does not pass.
    const app = await start(settings, new ManualClock());
    expect(await asked(2, () => list(app))).toEqual({ 200: 2 });
    proxy.silence();
    const before = scriptsIn(proxy.received);
    expect(await asked(20, () => list(app))).toEqual({ 200: 20 });
    expect(scriptsIn(proxy.received)).toBe(before + 1);
  });

  it('a flood that is refused does not reach Redis', async () => {
    const app = await start(redis.settings(throughProxy));
    expect(await asked(6, () => list(app))).toEqual({ 200: 5, 429: 1 });
    const before = scriptsIn(proxy.received);
    expect(await asked(50, () => list(app))).toEqual({ 429: 50 });
    expect(scriptsIn(proxy.received)).toBe(before);
  });
});
