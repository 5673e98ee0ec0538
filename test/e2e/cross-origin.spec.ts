import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Parley } from '../support/parley.js';

const listed = 'https://acme.test';
const corsHeaders = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
];

let parley: Parley;

beforeAll(async () => {
  parley = await Parley.start({
    'server.corsOrigins': [listed, 'http://localhost:5173'],
    'rateLimit.threadsList': 5,
  });
});

afterAll(() => parley.stop());

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(parley.first.url + path, { redirect: 'manual', ...init });
}

function preflight(path: string, origin: string): Promise<Response> {
  return ask(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'authorization',
    },
  });
}

function corsOf({ headers }: Response): string[] {
  return corsHeaders.filter((name) => headers.has(name));
}

describe('pages of other origins', () => {
  it.each([
    'https://evil-acme.test',
    'https://acme.test.evil',
    'https://acme.test:8443',
    'https://acme.test/',
    'https://ACME.test',
    'http://acme.test',
    'https://sub.acme.test',
    'https://acme.test https://evil.test',
    'http://localhost',
    'null',
    '*',
  ])('are told nothing when they are not listed: %s', async (origin) => {
    for (const response of [
      await ask('/api/info', { headers: { origin } }),
      await preflight('/api/threads', origin),
    ]) {
      expect(corsOf(response)).toEqual([]);
    }
    expect((await preflight('/api/threads', origin)).status).toBe(404);
  });

  it.each(['/app/login', '/', '/docs', '/health/live', '/openapi.json', '/apis', '/v1x', '/none'])(
    'are told nothing outside the API: %s',
    async (path) => {
      expect(corsOf(await ask(path, { headers: { origin: listed } }))).toEqual([]);
      const response = await preflight(path, listed);
      expect([response.status, corsOf(response)]).toEqual([404, []]);
    },
  );

  it.each([listed, 'http://localhost:5173'])('may call when they are listed: %s', async (origin) => {
    const { headers } = await ask('/api/info', { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('vary')).toMatch(/\borigin\b/i);
    expect(headers.get('access-control-expose-headers')?.split(',')).toEqual([
      'x-request-id',
      'x-ratelimit-limit',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
      'x-ratelimit-window',
      'retry-after',
      'request-id',
      'retry-after-ms',
      'x-should-retry',
      'x-ratelimit-limit-requests',
      'x-ratelimit-remaining-requests',
      'x-ratelimit-reset-requests',
      'anthropic-ratelimit-requests-limit',
      'anthropic-ratelimit-requests-remaining',
      'anthropic-ratelimit-requests-reset',
      'x-ratelimit-limit-tokens',
      'x-ratelimit-remaining-tokens',
      'x-ratelimit-reset-tokens',
      'anthropic-ratelimit-tokens-limit',
      'anthropic-ratelimit-tokens-remaining',
      'anthropic-ratelimit-tokens-reset',
    ]);
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  it.each(['/api/threads', '/api/v1/threads', '/v1/chat/completions'])(
    'ask before they call, and are answered without the route: %s',
    async (path) => {
      const { status, headers } = await preflight(path, listed);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(listed);
      expect(headers.get('access-control-allow-methods')).toBe('GET,POST,PUT,PATCH,DELETE');
      expect(headers.get('access-control-allow-headers')).toMatch(
        /^authorization,x-api-key,content-type,x-request-id,idempotency-key,last-event-id,user-agent,anthropic-[a-z,-]*$/,
      );
      expect(headers.has('access-control-allow-credentials')).toBe(false);
      expect(headers.has('x-ratelimit-limit')).toBe(false);
      expect(headers.get('x-request-id')).toMatch(/^req_/);
    },
  );

  it('may send what the clients of OpenAI and Anthropic send by themselves', async () => {
    const sent: string[] = [];
    const note: typeof fetch = (_url, init) => {
      sent.push(...new Headers(init?.headers).keys());
      return Promise.resolve(Response.json({}));
    };
    const common = { fetch: note, baseURL: parley.first.url, apiKey: 'key', dangerouslyAllowBrowser: true };
    const message = { model: 'm', max_tokens: 1, messages: [{ role: 'user' as const, content: 'Hi' }] };
    const anthropic = new Anthropic(common);
    await anthropic.messages.create(message);
    await anthropic.beta.messages.create({ ...message, betas: ['files-api-2025-04-14'] });
    await new OpenAI(common).chat.completions.create({ model: 'm', messages: [] });
    const { headers } = await preflight('/v1/messages', listed);
    const allowed = headers.get('access-control-allow-headers')?.split(',') ?? [];
    expect(sent).toContain('anthropic-dangerous-direct-browser-access');
    // A browser sends it anyway: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
    expect(sent.filter((name) => name !== 'accept' && !allowed.includes(name))).toEqual([]);
  });

  it('can read why they are refused', async () => {
    const refused = await ask('/api/threads', { headers: { origin: listed } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, listed]);
  });

  it('gain nothing from cookies that come along', async () => {
    const ada = await parley.first.logIn('ada');
    const response = await ada.browser.fetch('/api/threads', {
      method: 'POST',
      body: '{}',
      headers: { origin: listed, 'Sec-Fetch-Site': 'cross-site', 'content-type': 'application/json' },
    });
    expect(response.status).toBe(403);
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });
});

describe('without a list', () => {
  it('no origin is told anything', async () => {
    const closed = await Parley.start();
    try {
      for (const method of ['GET', 'OPTIONS']) {
        const response = await fetch(`${closed.first.url}/api/info`, { method, headers: { origin: listed } });
        expect(corsOf(response)).toEqual([]);
      }
    } finally {
      await closed.stop();
    }
  });
});

describe('what a client says of the host', () => {
  it('changes no URL, also behind a trusted proxy', async () => {
    const proxied = await Parley.start({ 'server.trustedProxyHops': 1 });
    try {
      const headers = {
        'x-forwarded-host': 'evil.test',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.test',
      };
      const response = await fetch(`${proxied.first.url}/app/login`, { redirect: 'manual', headers });
      const location = new URL(response.headers.get('location') ?? '');
      expect(location.searchParams.get('redirect_uri')).toBe('http://parley.test/app/login/callback');
      expect(response.headers.get('set-cookie')).not.toContain('Secure');
      expect(JSON.stringify([...response.headers])).not.toContain('evil.test');
    } finally {
      await proxied.stop();
    }
  });
});
