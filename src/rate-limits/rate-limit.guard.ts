import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { normalizeIp } from '@nestjs/throttler';
import type { Response } from 'express';
import { accessOf } from '../auth/access.js';
import type { IdentifiedRequest } from '../auth/caller.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { clientIp } from '../infrastructure/http/client-ip.js';
import { RateCounters } from './rate-counters.js';
import { limitHeadersOf } from './limit-headers.js';
import { limitKey, windowSeconds, type RateLimitName } from './rate-limit.js';

const ttl = windowSeconds * 1000;

/** What a route is counted by; the same for each of its requests. */
interface CountedRoute {
  /** `/api` and `/api/v1` share it. */
  readonly name: string;
  /** Undefined where nothing is counted. */
  readonly limit: number | undefined;
  readonly isPublic: boolean;
}

/**
 * The second of the guards: counts what is asked by whom, be it refused or not, and says so on the answer. A route has one
 * count for each who asks it, under `/api` and `/api/v1` together, and a person's tokens count as the person, or whoever may make
 * tokens would make their own limits; a token that has a limit of its own is counted against that,
 * too. The guard of @nestjs/throttler reads its decorators at every request, hashes each key, and has other headers and another
 * error (http-api.md); what is kept of the library are the interface of its storage and its view of IPv6.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly routes = new WeakMap<object, CountedRoute>();

  constructor(
    private readonly counters: RateCounters,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly reflector: Reflector,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError RATE_LIMITED */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.routeOf(context);
    if (route.limit === undefined) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<IdentifiedRequest>();
    const { caller } = request;
    const response = http.getResponse<Response>();
    const who =
      route.isPublic || caller === undefined
        ? `ip:${normalizeIp(clientIp(request) ?? '')}`
        : `user:${caller.userId}`;
    if (route.limit > 0) await this.count(`${route.name}:${who}`, route.limit, response);
    if (caller?.credential.kind !== 'token' || caller.credential.requestsPerMinute === null) return true;
    const { tokenId, requestsPerMinute } = caller.credential;
    await this.count(`own:${tokenId}`, requestsPerMinute, response);
    return true;
  }

  private async count(key: string, limit: number, response: Response): Promise<void> {
    const taken = await this.counters.increment(key, ttl, limit);
    const remaining = taken.isBlocked ? 0 : Math.max(0, limit - taken.totalHits);
    const headers = limitHeadersOf(response.req.path);
    const shown = response.getHeader(headers.remaining);
    if (taken.isBlocked || typeof shown !== 'number' || remaining < shown) {
      const nowMs = this.clock.now().getTime();
      headers.set(response, { limit, remaining, resetMs: taken.timeToExpire * 1000, nowMs });
    }
    if (taken.isBlocked) {
      throw new DomainError('RATE_LIMITED', { retryAfterMs: taken.timeToBlockExpire * 1000 });
    }
  }

  private routeOf(context: ExecutionContext): CountedRoute {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const known = this.routes.get(handler);
    if (known !== undefined) return known;
    const declared = this.reflector.getAllAndOverride<RateLimitName | 'none' | undefined>(limitKey, [
      handler,
      controller,
    ]);
    const route = {
      name: `${controller.name}.${handler.name}`,
      limit: declared === 'none' ? undefined : this.config[`rateLimit.${declared ?? 'other'}`],
      // A credential that happens to come along makes no second account of an address.
      isPublic: accessOf(context)?.kind === 'public',
    };
    this.routes.set(handler, route);
    return route;
  }
}
