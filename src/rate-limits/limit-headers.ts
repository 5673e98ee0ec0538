import type { Response } from 'express';
import { windowSeconds } from './rate-limit.js';

/** What an answer says of a limit. */
interface ShownLimit {
  readonly limit: number;
  readonly remaining: number;
  /** Until all of it is free again. */
  readonly resetMs: number;
  readonly nowMs: number;
}

/** A door's names for it. */
interface LimitHeaders {
  readonly remaining: string;
  readonly set: (response: Response, shown: ShownLimit) => void;
}

/** http-api.md, Rate limits. */
const native: LimitHeaders = {
  remaining: 'X-RateLimit-Remaining',
  set: (response, { limit, remaining, resetMs, nowMs }) => {
    response.setHeader('X-RateLimit-Limit', limit);
    response.setHeader('X-RateLimit-Remaining', remaining);
    response.setHeader('X-RateLimit-Reset', Math.ceil((nowMs + resetMs) / 1000));
    response.setHeader('X-RateLimit-Window', windowSeconds);
  },
};

/** https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers */
const openAi: LimitHeaders = {
  remaining: 'x-ratelimit-remaining-requests',
  set: (response, { limit, remaining, resetMs }) => {
    response.setHeader('x-ratelimit-limit-requests', limit);
    response.setHeader('x-ratelimit-remaining-requests', remaining);
    response.setHeader('x-ratelimit-reset-requests', `${Math.ceil(resetMs / 1000)}s`);
  },
};

/** https://platform.claude.com/docs/en/api/rate-limits#response-headers */
const anthropic: LimitHeaders = {
  remaining: 'anthropic-ratelimit-requests-remaining',
  set: (response, { limit, remaining, resetMs, nowMs }) => {
    response.setHeader('anthropic-ratelimit-requests-limit', limit);
    response.setHeader('anthropic-ratelimit-requests-remaining', remaining);
    response.setHeader('anthropic-ratelimit-requests-reset', new Date(nowMs + resetMs).toISOString());
  },
};

/** Shows a budget of tokens as the vendor of the API shows a limit of them. */
export function showTokenBudget(
  response: Response,
  { limit, remaining, resetMs, resetAt }: Omit<ShownLimit, 'nowMs'> & { readonly resetAt: Date },
): void {
  if (isAnthropics(response.req.path)) {
    response.setHeader('anthropic-ratelimit-tokens-limit', limit);
    response.setHeader('anthropic-ratelimit-tokens-remaining', remaining);
    response.setHeader('anthropic-ratelimit-tokens-reset', resetAt.toISOString());
    return;
  }
  response.setHeader('x-ratelimit-limit-tokens', limit);
  response.setHeader('x-ratelimit-remaining-tokens', remaining);
  response.setHeader('x-ratelimit-reset-tokens', `${Math.ceil(resetMs / 1000)}s`);
}

/** In the names of the vendor whose API it is. */
export function limitHeadersOf(path: string): LimitHeaders {
  if (!/^\/v1\//i.test(path)) return native;
  return isAnthropics(path) ? anthropic : openAi;
}

function isAnthropics(path: string): boolean {
  return /^\/v1\/messages(?:\/|$)/i.test(path);
}
