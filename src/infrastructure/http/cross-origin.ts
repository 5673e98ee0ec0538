import type { CorsOptionsDelegate } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import type { Request } from 'express';

/** Doors that pages of other origins may call, with a bearer credential. Browsers' own door, `/app`, is none of them. */
const open = /^\/(?:api|v1)(?:\/|$)/i;

const preflightSeconds = 600;

/**
 * CORS for exactly the listed origins, and never with cookies (security.md, browser); everybody else gets no header of it. A
 * preflight is answered here: no route is asked.
 */
export function crossOrigin(origins: readonly string[]): CorsOptionsDelegate<Request> {
  const listed = new Set(origins);
  return ({ path, headers: { origin } }, decide) => {
    const isListed = origin !== undefined && listed.has(origin) && open.test(path);
    decide(null, isListed ? { ...allowed, origin: [origin] } : { origin: false });
  };
}

/** What the clients of OpenAI and Anthropic send by themselves from a page: `src/internal/detect-platform.ts` and `client.ts` of either. */
const sentByClients = [
  'user-agent',
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  ...[
    'arch',
    'helper',
    'helper-method',
    'lang',
    'os',
    'package-version',
    'retry-count',
    'runtime',
    'runtime-version',
    'timeout',
  ].map((name) => `x-stainless-${name}`),
];

/** What they read of an answer, beside what it says. */
const readByClients = [
  'request-id',
  'retry-after-ms',
  'x-should-retry',
  ...['requests', 'tokens'].flatMap((unit) => [
    ...['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${unit}`),
    ...['limit', 'remaining', 'reset'].map((what) => `anthropic-ratelimit-${unit}-${what}`),
  ]),
];

const allowed = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: [
    'authorization',
    'x-api-key',
    'content-type',
    'x-request-id',
    'idempotency-key',
    'last-event-id',
    ...sentByClients,
  ],
  exposedHeaders: [
    'x-request-id',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'x-ratelimit-window',
    'retry-after',
    ...readByClients,
  ],
  maxAge: preflightSeconds,
};
