import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { EmbeddedValues } from '../../src/config/registry.js';

// eslint-disable-next-line no-restricted-properties -- where the Redis for tests is, if there is one
const url = process.env['REDIS_URL'];

/** Whether REDIS_URL names a Redis to test with. Tests that need one are skipped without it, and say so. */
export const isRedisGiven = url !== undefined && url !== '';

/** A corner of the Redis that is given: keys of one test file, which removes them. */
export class TestRedis {
  private readonly keyPrefix = `parley-test-${randomBytes(6).toString('hex')}:`;
  private readonly client = new Redis(url ?? '', { lazyConnect: true });

  readonly url = url ?? '';

  /** The settings of a Parley that counts here, by whichever way to it. */
  settings(through = this.url): EmbeddedValues {
    return { 'redis.url': through, 'redis.keyPrefix': this.keyPrefix };
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const found of this.client.scanStream({ match: `${this.keyPrefix}*`, count: 1000 })) {
      keys.push(...(found as string[]));
    }
    return keys;
  }

  /** Of each key, in seconds. */
  async lifetimes(): Promise<number[]> {
    return Promise.all((await this.keys()).map((key) => this.client.ttl(key)));
  }

  /** Forgets what was counted, as a flush does, for this corner alone. */
  async flush(): Promise<void> {
    const keys = await this.keys();
    if (keys.length > 0) await this.client.del(...keys);
  }

  async stop(): Promise<void> {
    await this.flush();
    this.client.disconnect();
  }
}
