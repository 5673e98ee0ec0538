import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { RateCounters } from './rate-counters.js';
import { windowSeconds, type RateLimitName } from './rate-limit.js';

/** Limits on what is not a route, such as attempts at one account from anywhere. They are in no header. */
@Injectable()
export class RateLimits {
  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly counters: RateCounters,
  ) {}

  /**
   * Counts one attempt at `key`, before it is made. What is refused is not counted. There is no way to look without counting:
   * of attempts at once no more than the limit get through.
   * @throws DomainError RATE_LIMITED with `retryAfterMs`
   */
  async consume(name: RateLimitName, key: string): Promise<void> {
    const limit = this.config[`rateLimit.${name}`];
    if (limit === 0) return;
    const taken = await this.counters.increment(`${name}:${key}`, windowSeconds * 1000, limit);
    if (taken.isBlocked) {
      throw new DomainError('RATE_LIMITED', { retryAfterMs: taken.timeToBlockExpire * 1000 });
    }
  }
}
