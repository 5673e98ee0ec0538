import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessKey } from '../../src/auth/access.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { Lifecycle } from '../../src/infrastructure/lifecycle.js';
import { Parley, type Person } from '../support/parley.js';

let parley: Parley;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  ada = await parley.first.logIn('ada');
});

afterAll(() => parley.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${parley.first.url}${path}`, { headers, redirect: 'manual' });
}

describe('every answer', () => {
  it.each([
    '/health/live',
    '/api/info',
    '/api/threads',
    '/api/none',
    '/app/login',
    '/app/none',
    '/none',
    '/openapi.json',
  ])('has a request id and security headers: %s', async (path) => {
    const { headers } = await get(path);
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('keeps a request id of the caller that is well formed', async () => {
    const { headers } = await get('/api/info', { 'x-request-id': 'trace-me_12345' });
    expect(headers.get('x-request-id')).toBe('trace-me_12345');
  });

  it.each(['short', 'x'.repeat(65), 'has space in it', 'semi;colon;12', '"quoted-1234"'])(
    'refuses the request id %s of a caller',
    async (offered) => {
      const { headers } = await get('/api/info', { 'x-request-id': offered });
      expect(headers.get('x-request-id')).toMatch(/^req_/);
    },
  );

  it('of the API is not to be kept', async () => {
    expect((await get('/api/info')).headers.get('cache-control')).toBe('no-store');
  });
});

describe('the envelope', () => {
  it('holds the data of a success', async () => {
    const answer = await (await get('/api/info')).json();
    expect(answer).toEqual({
      success: true,
      data: expect.objectContaining({ name: 'Parley' }),
      timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
      requestId: expect.stringMatching(/^req_/),
    });
  });

  it('holds the code of a failure and nothing of its inside', async () => {
    const response = await get('/api/none');
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      success: false,
      error: { code: 'NOT_FOUND', message: expect.any(String), type: 'not_found_error' },
      timestamp: expect.any(String),
      requestId: response.headers.get('x-request-id'),
    });
  });

  it('becomes a page at the door of browsers, with code and request id', async () => {
    const response = await get('/app/none');
    const page = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page).toContain('NOT_FOUND');
    expect(page).toContain(String(response.headers.get('x-request-id')));
  });
});

describe('access', () => {
  it('is declared by every route', () => {
    const undeclared = [...parley.first.app.get(ModulesContainer).values()]
      .flatMap((module) => [...module.controllers.values()])
      .flatMap(({ metatype, name }) => {
        const prototype = (metatype as { prototype: Record<string, object> }).prototype;
        return new MetadataScanner()
          .getAllMethodNames(prototype)
          .filter((method) => Reflect.hasMetadata('path', prototype[method] ?? {}))
          .filter((method) => !Reflect.hasMetadata(accessKey, prototype[method] ?? {}))
          .map((method) => `${String(name)}.${method}`);
      });
    expect(undeclared).toEqual([]);
  });

  it.each([
    ['HEAD', '/api/threads'],
    ['GET', '/api/threads/'],
    ['GET', '/API/Threads'],
    ['GET', '/api//threads'],
    ['GET', '//api/threads'],
    ['GET', '/api/v1/threads'],
    ['GET', '/api/./threads'],
    ['GET', '/api/threads?x=1'],
    ['GET', '/api/threads/%2e'],
    ['OPTIONS', '/api/threads'],
    ['POST', '/api/threads'],
  ])('is asked on every variant of a path: %s %s', async (method, path) => {
    const response = await fetch(`${parley.first.url}${path}`, { method });
    expect([401, 403, 404]).toContain(response.status);
  });
});

describe('the front page', () => {
  it('is where a login without a destination ends', async () => {
    const response = await get('/');
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('href="/app/login"');
  });
});

describe('the description of the API', () => {
  it('is open while the setting says so, and names every route once', async () => {
    const document = (await (await get('/openapi.json')).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(document.paths)).toContain('/api/threads/{threadId}');
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/api/v1'))).toEqual([]);
  });

  it('can be browsed', async () => {
    for (const path of ['/docs', '/docs/start.js', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js']) {
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    }
  });

  it.each([
    '/docs/package.json',
    '/docs/index.html',
    '/docs/..%2fpackage.json',
    '/docs/%2e%2e%2fpackage.json',
  ])('serves nothing else: %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('health', () => {
  it('tells anybody the status of each service, and nothing more', async () => {
    const { data } = (await (await get('/api/health')).json()) as { data: unknown };
    expect(data).toEqual({
      status: 'healthy',
      services: {
        database: { status: 'healthy' },
        jobs: { status: 'healthy' },
        providers: { status: 'healthy' },
      },
    });
  });

  it('tells those who are logged in versions, names and latencies', async () => {
    const { data } = await ada.ask('GET', '/api/health');
    expect(data).toMatchObject({
      status: 'healthy',
      uptime: expect.any(Number),
      version: expect.stringMatching(/^\d/),
      environment: 'test',
      services: {
        database: { status: 'healthy', latency: expect.any(Number) },
        jobs: { status: 'healthy', waiting: 0 },
        providers: { demo: expect.any(String), compatible: 'unknown' },
      },
    });
  });

  it('turns unready while draining, stays alive, and ends connections', async () => {
    const replica = await parley.addReplica();
    expect(await (await fetch(`${replica.url}/health/ready`)).json()).toEqual({ status: 'ok' });
    replica.app.get(Lifecycle).draining();
    const ready = await fetch(`${replica.url}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable' }]);
    expect(ready.headers.get('connection')).toBe('close');
    expect((await fetch(`${replica.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${replica.url}/health/startup`)).status).toBe(200);
  });
});
