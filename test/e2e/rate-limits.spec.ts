import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { rateLimitSettings } from '../../src/config/settings/rate-limit-settings.js';
import { Parley, type Person } from '../support/parley.js';
import { routeTable, type Route } from '../support/route-table.js';

const defaults: EmbeddedValues = Object.fromEntries(
  Object.entries(rateLimitSettings).map(([key, setting]) => [key, setting.default]),
);
const headers = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'x-ratelimit-window'];

/** What http-api.md says of every route that is here. */
const limits: Readonly<Record<string, number>> = {
  'POST /api/login': 5,
  'POST /api/setup': 5,
  'GET /api/health': 10,
  'GET /api/version': 30,
  'GET /api/profile': 60,
  'PATCH /api/profile': 20,
  'POST /api/profile/api-keys': 5,
  'GET /api/models': 60,
  'GET /api/models/:modelId/status': 30,
  'POST /api/models/:modelId/load': 3,
  'GET /api/threads': 100,
  'POST /api/threads': 10,
  'GET /api/threads/:threadId': 60,
  'DELETE /api/threads/:threadId': 5,
  'PATCH /api/threads/:threadId/title': 20,
  'GET /api/threads/:threadId/messages': 100,
  'GET /api/threads/:threadId/models/:modelId/messages': 100,
  'POST /api/threads/:threadId/models/:modelId/messages': 20,
  'POST /api/threads/:threadId/models/:modelId/summarize': 5,
  // As a post: it makes an answer.
  'POST /api/messages/:messageId/regenerate': 20,
  'POST /api/chat': 20,
};
const everythingElse = 120;

let parley: Parley;
let ada: Person;
let routes: Route[];

beforeAll(async () => {
  parley = await Parley.start(defaults);
  ada = await parley.first.logIn('ada');
  routes = routeTable(parley.first.app);
});

afterAll(() => parley.stop());

function ask({ method, path }: Pick<Route, 'method' | 'path'>, init: RequestInit = {}): Promise<Response> {
  return fetch(parley.first.url + path.replaceAll(/:(\w+)/g, 'some-$1'), {
    method,
    redirect: 'manual',
    ...init,
  });
}

function shown(response: { readonly headers: Headers }): (string | null)[] {
  return headers.map((name) => response.headers.get(name));
}

describe('every route of the API', () => {
  it('says its limit on every answer, refused or not, as http-api.md has it', async () => {
    const api = routes.filter(({ path }) => path.startsWith('/api/'));
    expect(api.length).toBeGreaterThan(15);
    for (const route of api) {
      const name = `${route.method} ${route.path}`;
      const response = await ask(route);
      const [limit, remaining, reset, window] = shown(response);
      expect([name, limit]).toEqual([name, String(limits[name] ?? everythingElse)]);
      expect([name, Number(remaining)]).toEqual([name, Number(limit) - 1]);
      expect(window).toBe('60');
      expect(Math.abs(Number(reset) - Date.now() / 1000 - 59.5)).toBeLessThan(5);
    }
  });

  it.each(['/health/live', '/health/ready', '/health/startup'])('is limited, and %s is not', async (path) => {
    for (let count = 0; count <= everythingElse; count++) {
      const response = await ask({ method: 'GET', path });
      await response.body?.cancel();
      expect([response.status, ...shown(response)]).toEqual([200, null, null, null, null]);
    }
  });

  it('of browsers is limited like everything else', async () => {
    const others = routes.filter(({ path }) => !/^\/(?:api|health|v1)\//.test(path));
    expect(others.length).toBeGreaterThan(5);
    for (const route of others) {
      const expected = route.path === '/app/logout/backchannel' ? 6000 : everythingElse;
      expect([route.path, shown(await ask(route))[0]]).toEqual([route.path, String(expected)]);
    }
  });
});

describe('every route of the compatible APIs', () => {
  it('says its limit on every answer, refused or not, in the names of its vendor', async () => {
    const compatible = routes.filter(({ path }) => path.startsWith('/v1/'));
    expect(compatible.length).toBeGreaterThan(4);
    for (const route of compatible) {
      const { headers: told } = await ask(route);
      const [limit, remaining] = route.path.startsWith('/v1/messages')
        ? ['anthropic-ratelimit-requests-limit', 'anthropic-ratelimit-requests-remaining']
        : ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests'];
      expect([route.path, told.get(limit), told.get(remaining)]).toEqual([route.path, '120', '119']);
    }
  });
});

describe('a request over the limit', () => {
  it('is refused with 429, and says when to come back', async () => {
    const bob = await parley.first.logIn('bob');
    const paths = ['/api/threads', '/api/v1/threads'];
    for (let count = 0; count < 10; count++) {
      const answer = await bob.ask('POST', paths[count % 2] ?? '', {});
      expect([answer.status, shown(answer).slice(0, 2)]).toEqual([201, ['10', String(9 - count)]]);
    }
    const before = await parley.ownedRows();
    for (const path of paths) {
      const refused = await bob.ask('POST', path, {});
      expect(refused.status).toBe(429);
      expect(refused.error).toMatchObject({ code: 'RATE_LIMITED', type: 'rate_limit_error' });
      expect(shown(refused).slice(0, 2)).toEqual(['10', '0']);
      expect(shown(refused)).not.toContain(null);
      const retryAfter = Number(refused.headers.get('retry-after'));
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
    expect(await parley.ownedRows()).toEqual(before);
    // Others, and other routes, are not concerned.
    expect((await ada.ask('POST', '/api/threads', {})).status).toBe(201);
    expect((await bob.ask('GET', '/api/threads')).status).toBe(200);
  });

  it('is refused whatever else is wrong with it', async () => {
    const carl = await parley.first.logIn('carl');
    const statuses: number[] = [];
    for (let count = 0; count < 6; count++) {
      const answer = await carl.ask('DELETE', '/api/threads/thread_none');
      expect(shown(answer)).not.toContain(null);
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429]);
  });

  it('counts by address where nobody is logged in, whoever says what of himself', async () => {
    const limited = await parley.addReplica();
    for (let count = 0; count < 5; count++) {
      const response = await fetch(`${limited.url}/api/threads/thread_none`, {
        method: 'DELETE',
        headers: { 'x-forwarded-for': `10.0.0.${count}`, authorization: `Bearer guess-${count}` },
      });
      expect([response.status, response.headers.get('x-ratelimit-remaining')]).toEqual([
        401,
        String(4 - count),
      ]);
    }
    const refused = await fetch(`${limited.url}/api/threads/thread_none`, { method: 'DELETE' });
    expect(refused.status).toBe(429);
  });

  it('is refused at the health of services by address, logged in or not', async () => {
    const limited = await parley.addReplica();
    const eve = ada.at(limited);
    for (let count = 0; count < 5; count++) {
      expect((await eve.ask('GET', '/api/health')).status).toBe(200);
      expect((await fetch(`${limited.url}/api/health`)).status).toBe(200);
    }
    expect((await eve.ask('GET', '/api/health')).status).toBe(429);
    expect((await fetch(`${limited.url}/health/ready`)).status).toBe(200);
  });
});

describe('refusals and failures', () => {
  it.each([
    [400, 'POST', '/api/threads', { unknown: true }],
    [404, 'GET', '/api/threads/thread_none', undefined],
    [403, 'POST', '/api/threads', {}],
  ])('with %i show the limit: %s %s', async (status, method, path, body) => {
    const response = await ada.browser.fetch(path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(status === 403 ? { 'Sec-Fetch-Site': 'cross-site' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(status);
    expect(shown(response)).not.toContain(null);
  });

  it.each([
    [400, 'application/json', '{'],
    [415, 'text/plain', 'Hi'],
    [413, 'application/json', JSON.stringify('x'.repeat(1024 ** 2))],
  ])('with %i for a body that is not read show it, and count: %s', async (status, type, body) => {
    const dora = await parley.first.logIn(`dora-${status}`);
    const statuses: number[] = [];
    for (let count = 0; count < 11; count++) {
      const response = await dora.browser.fetch('/api/threads', {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      expect(shown(response)).not.toContain(null);
      statuses.push(response.status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => status), 429]);
  });
});
