import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Clock } from '../common/clock.js';
import { RedisConnection } from '../infrastructure/redis/redis-connection.js';
import { LocalWindows } from './local-windows.js';
import type { Taken } from './rate-limit.js';
import { SharedWindows } from './shared-windows.js';

/**
 * Counts requests in a sliding window of 60 s that moves by the second; what is refused does not count. In Redis, for all
 * replicas, and always in this process, too: so that limits stay closed when Redis is lost or flushed (reliability.md), and
 * a flood does not reach it.
 */
@Injectable()
export class RateCounters implements ThrottlerStorage {
  private readonly local: LocalWindows;

  constructor(
    clock: Clock,
    private readonly redis: RedisConnection,
    private readonly shared: SharedWindows,
  ) {
    this.local = new LocalWindows(clock);
  }

  /** @param _ttl every window is `windowSeconds` long. Times in the answer are in seconds, and not rounded. */
  async increment(key: string, _ttl: number, limit: number): Promise<Taken> {
    if (!this.redis.isConfigured) return this.local.take(key, limit);
    const refusal = this.local.refusal(key, limit);
    if (refusal !== undefined) return refusal;
    const shared = await this.shared.take(key, limit);
    if (shared?.isBlocked === true) return shared;
    const own = this.local.take(key, limit);
    // After a flush it is we who remember more.
    return shared === undefined || own.isBlocked || own.totalHits > shared.totalHits ? own : shared;
  }
}
