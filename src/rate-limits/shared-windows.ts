import { Injectable } from '@nestjs/common';
import type { Result } from 'ioredis';
import { RedisConnection } from '../infrastructure/redis/redis-connection.js';
import { windowSeconds, type Taken } from './rate-limit.js';

/**
 * `LocalWindows.take` as one atomic script: a hash of requests by second, by the clock of Redis, so that replicas whose clocks
 * differ agree. Answers whether it is refused, how many count, and the milliseconds until the newest and the oldest do not.
 */
const take = `
local time = redis.call('TIME')
local second, limit, window = tonumber(time[1]), tonumber(ARGV[1]), tonumber(ARGV[2])
local total, oldest, newest, gone = 0, second, 0, {}
local counts = redis.call('HGETALL', KEYS[1])
for i = 1, #counts, 2 do
  local at = tonumber(counts[i])
  if at > second - window and at <= second then
    total = total + tonumber(counts[i + 1])
    oldest = math.min(oldest, at)
    newest = math.max(newest, at)
  else
    gone[#gone + 1] = counts[i]
  end
end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
local refused = total >= limit
if not refused then
  redis.call('HINCRBY', KEYS[1], time[1], 1)
  redis.call('EXPIRE', KEYS[1], window)
  total = total + 1
  newest = second
end
local passed = math.floor(tonumber(time[2]) / 1000)
local function left(at) return (at + window - second) * 1000 - passed end
return { refused and 1 or 0, total, left(newest), left(oldest) }
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeFromWindow(
      key: string,
      limit: number,
      windowSeconds: number,
    ): Result<[refused: 0 | 1, total: number, newestLeftMs: number, oldestLeftMs: number], Context>;
  }
}

/** Sliding windows in Redis, which all replicas share. */
@Injectable()
export class SharedWindows {
  constructor(private readonly redis: RedisConnection) {
    redis.define('takeFromWindow', { numberOfKeys: 1, lua: take });
  }

  /** Counts a request, unless it is one too many; undefined when there is no Redis to ask. */
  async take(key: string, limit: number): Promise<Taken | undefined> {
    const taken = await this.redis.ask((client) => client.takeFromWindow(key, limit, windowSeconds));
    if (taken === undefined) return undefined;
    const [refused, totalHits, newestLeftMs, oldestLeftMs] = taken;
    const isBlocked = refused === 1;
    return {
      totalHits,
      timeToExpire: newestLeftMs / 1000,
      isBlocked,
      timeToBlockExpire: isBlocked ? oldestLeftMs / 1000 : 0,
    };
  }
}
