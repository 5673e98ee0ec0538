import { Module } from '@nestjs/common';
import { RedisModule } from '../infrastructure/redis/redis.module.js';
import { RateCounters } from './rate-counters.js';
import { RateLimits } from './rate-limits.js';
import { SharedWindows } from './shared-windows.js';

/** How often whom is served (http-api.md, Rate limits). Its guard stands between those of `auth`. */
@Module({
  imports: [RedisModule],
  providers: [RateCounters, SharedWindows, RateLimits],
  exports: [RateCounters, RateLimits],
})
export class RateLimitsModule {}
