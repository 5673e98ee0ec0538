import { Module } from '@nestjs/common';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { RedisModule } from '../infrastructure/redis/redis.module.js';
import { RateCounters } from './rate-counters.js';
import { throttlers } from './rate-limit.guard.js';
import { RateLimits } from './rate-limits.js';
import { SharedWindows } from './shared-windows.js';

@Module({ imports: [RedisModule], providers: [RateCounters, SharedWindows], exports: [RateCounters] })
class RateCountersModule {}

/** How often whom is served (http-api.md, Rate limits). Its guard stands between those of `auth`. */
@Module({
  imports: [
    RateCountersModule,
    ThrottlerModule.forRootAsync({
      imports: [RateCountersModule],
      inject: [CONFIGURATION, RateCounters],
      useFactory: (config: BootConfiguration, storage: RateCounters): ThrottlerModuleOptions => ({
        throttlers: throttlers(config),
        storage,
      }),
    }),
  ],
  providers: [RateLimits],
  exports: [RateLimits],
})
export class RateLimitsModule {}
