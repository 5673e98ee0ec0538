import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  normalizeIp,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerOptions,
  type ThrottlerRequest,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import type { Response } from 'express';
import { accessKey, type Access } from '../auth/access.js';
import type { IdentifiedRequest } from '../auth/caller.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { BootConfiguration } from '../config/registry.js';
import { limitKey, windowSeconds, type RateLimitName } from './rate-limit.js';

const ttl = windowSeconds * 1000;

/** What every request is counted against: the limit of its route, then that of its token if it has one of its own. */
export function throttlers(config: BootConfiguration): ThrottlerOptions[] {
  const ofRoute = (context: ExecutionContext): number => {
    const name = Reflect.getMetadata(limitKey, context.getHandler()) as RateLimitName | undefined;
    return config[`rateLimit.${name ?? 'other'}`];
  };
  return [
    { name: 'default', ttl, limit: ofRoute, skipIf: (context) => ofRoute(context) === 0 },
    {
      name: 'token',
      ttl,
      limit: (context) => ofToken(context) ?? 0,
      skipIf: (context) => ofToken(context) === undefined,
    },
  ];
}

function ofToken(context: ExecutionContext): number | undefined {
  const credential = context.switchToHttp().getRequest<IdentifiedRequest>().caller?.credential;
  return credential?.kind === 'token' ? (credential.requestsPerMinute ?? undefined) : undefined;
}

/**
 * The second of the guards: counts what is asked by whom, be it refused or not, and says so on the answer. A route has one
 * count for each who asks it, under `/api` and `/api/v1` together. The library's own guard finds the limits; its way to count,
 * its headers and its error are replaced: http-api.md wants others, and it hashes each key.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly clock: Clock,
  ) {
    super(options, storage, reflector);
  }

  /** @throws DomainError RATE_LIMITED */
  protected override async handleRequest({ context, limit, throttler }: ThrottlerRequest): Promise<boolean> {
    const http = context.switchToHttp();
    const who = this.whoAsks(context, http.getRequest<IdentifiedRequest>());
    const what =
      throttler.name === 'token' ? 'token' : `${context.getClass().name}.${context.getHandler().name}`;
    const taken = await this.storageService.increment(`${what}:${who}`, ttl, limit, 0, what);
    const remaining = Math.max(0, limit - taken.totalHits);
    const response = http.getResponse<Response>();
    const shown = response.getHeader('X-RateLimit-Remaining');
    if (taken.isBlocked || typeof shown !== 'number' || remaining < shown) {
      response.setHeader('X-RateLimit-Limit', limit);
      response.setHeader('X-RateLimit-Remaining', taken.isBlocked ? 0 : remaining);
      const resetMs = this.clock.now().getTime() + taken.timeToExpire * 1000;
      response.setHeader('X-RateLimit-Reset', Math.ceil(resetMs / 1000));
      response.setHeader('X-RateLimit-Window', windowSeconds);
    }
    if (taken.isBlocked) {
      throw new DomainError('RATE_LIMITED', { retryAfterMs: taken.timeToBlockExpire * 1000 });
    }
    return true;
  }

  /** On public routes the address: a credential that happens to come along makes no second account of it. */
  private whoAsks(context: ExecutionContext, { caller, ip }: IdentifiedRequest): string {
    const access = this.reflector.get<Access | undefined>(accessKey, context.getHandler());
    if (caller === undefined || access?.kind === 'public') return `ip:${normalizeIp(ip ?? '')}`;
    const { credential, userId } = caller;
    return credential.kind === 'token' ? `token:${credential.tokenId}` : `user:${userId}`;
  }
}
