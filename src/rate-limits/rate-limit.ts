import { SetMetadata } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import type { rateLimitSettings } from '../config/settings/rate-limit-settings.js';

type NameOf<Key> = Key extends `rateLimit.${infer Name}` ? Name : never;

/** A limit by the name of its setting: `rateLimit.<name>` requests per minute. */
export type RateLimitName = NameOf<keyof typeof rateLimitSettings>;

/** How long a request counts. */
export const windowSeconds = 60;

/** What counting a request came to. Times are in seconds, and not rounded. */
export type Taken = Awaited<ReturnType<ThrottlerStorage['increment']>>;

export const limitKey = 'parley:limit';

/** Which limit a route has. One that declares none has `other`. */
export const Limited = (name: RateLimitName): MethodDecorator => SetMetadata(limitKey, name);

/** For controllers whose routes are not counted at all. */
export const Unlimited = (): ClassDecorator => SetMetadata(limitKey, 'none');
