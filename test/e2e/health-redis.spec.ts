import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Parley, type Replica } from '../support/parley.js';
import { isRedisGiven, TestRedis } from '../support/test-redis.js';

let parley: Parley;

afterAll(() => parley.stop());

interface Health {
  readonly status: string;
  readonly services: Readonly<Record<string, unknown>>;
}

async function healthOf(replica: Replica): Promise<{ readonly anonymous: Health; readonly known: Health }> {
  const ada = await replica.logIn('ada');
  const anonymous = (await (await fetch(`${replica.url}/api/health`)).json()) as { data: Health };
  return { anonymous: anonymous.data, known: (await ada.ask<Health>('GET', '/api/health')).data };
}

describe('a Redis that is down', () => {
  beforeAll(async () => {
    parley = await Parley.start({ 'redis.url': 'redis://:secret-of-redis@127.0.0.1:1' });
  });

  it('degrades, unreadies nothing, and tells nobody where it is', async () => {
    const { anonymous, known } = await healthOf(parley.first);
    expect([anonymous.status, anonymous.services['redis']]).toEqual(['degraded', { status: 'unhealthy' }]);
    expect([known.status, known.services['redis']]).toEqual([
      'degraded',
      { status: 'unhealthy', latency: null },
    ]);
    expect(JSON.stringify([anonymous, known])).not.toMatch(/secret-of-redis|127\.0\.0\.1/);
    expect((await fetch(`${parley.first.url}/health/ready`)).status).toBe(200);
  });
});

(isRedisGiven ? describe : describe.skip)('a Redis that answers (skipped unless REDIS_URL names one)', () => {
  it('is healthy, and those who are logged in see how fast', async () => {
    const redis = new TestRedis();
    const own = await Parley.start(redis.settings());
    try {
      const { anonymous, known } = await healthOf(own.first);
      expect([anonymous.status, anonymous.services['redis']]).toEqual(['healthy', { status: 'healthy' }]);
      expect([known.status, known.services['redis']]).toEqual([
        'healthy',
        { status: 'healthy', latency: expect.any(Number) },
      ]);
    } finally {
      await own.stop();
      await redis.stop();
    }
  });
});
