import { Controller, Get, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Authenticated, Public, Requires } from '../../src/auth/access.js';
import { CurrentCaller, type Caller } from '../../src/auth/caller.js';
import { loggedRequest } from '../../src/infrastructure/http/request-context.js';
import { AuthApplication, codeOf, ManualClock, publicOrigin } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let reached = 0;

@Controller('probe')
class ProbeController {
  @Get('undeclared')
  undeclared(): void {
    reached++;
  }

  @Get('public')
  @Public()
  open(): void {
    reached++;
  }

  @Post('public')
  @Public()
  openChange(): void {
    reached++;
  }

  @Get('own')
  @Authenticated()
  own(@CurrentCaller() caller: Caller): object {
    reached++;
    return { caller, loggedAs: loggedRequest()?.userId };
  }

  @Get('threads/:id')
  @Requires('threads:read')
  read(): void {
    reached++;
  }

  @Post('threads')
  @Requires('threads:write')
  write(): void {
    reached++;
  }

  @Get('admin')
  @Requires('admin')
  administer(): void {
    reached++;
  }
}

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let clock: ManualClock;
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  clock = new ManualClock();
  app = await AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    controllers: [ProbeController],
    settings: { 'identity.groupRoles': { admins: 'admin', guests: 'guest' } },
  });
});

afterEach(async () => {
  reached = 0;
  await app.database.query('TRUNCATE users CASCADE');
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(await codeOf(response)).toBe(code);
  expect(reached).toBe(0);
}

function post(browser: Browser, path: string, headers: Record<string, string>): Promise<Response> {
  return browser.navigate(`${app.url}${path}`, { method: 'POST', headers });
}

describe('a route that declares nothing', () => {
  it('is there for nobody, admins included', async () => {
    await expectRefusal(await app.browser().fetch('/probe/undeclared'), 404, 'NOT_FOUND');
    const admin = await app.logIn({ groups: ['admins'] });
    await expectRefusal(await admin.fetch('/probe/undeclared'), 404, 'NOT_FOUND');
  });
});

describe('a protected route', () => {
  it.each([
    ['GET', '/probe/own'],
    ['HEAD', '/probe/own'],
    ['GET', '/probe/own/'],
    ['GET', '/PROBE/Own'],
    ['GET', '/probe/own?x=/probe/public'],
    ['GET', '/probe/own#x'],
    ['GET', '/probe/threads/thread_unknown'],
    ['POST', '/probe/threads'],
    ['GET', '/probe/admin'],
    ['GET', '/api/user'],
    ['GET', '/api/v1/user'],
    ['GET', '/api/user/'],
  ])('refuses %s %s without a session', async (method, path) => {
    const response = await app.browser().fetch(path, { method });
    expect(response.status).toBe(401);
    if (method !== 'HEAD') expect(await codeOf(response)).toBe('NOT_AUTHENTICATED');
    expect(reached).toBe(0);
  });

  it('refuses a session in a query string or an Authorization header', async () => {
    const token = (await app.logIn()).jar().get('parley_session') ?? '';
    const stranger = app.browser();
    await expectRefusal(
      await stranger.fetch(`/probe/own?access_token=${token}&parley_session=${token}`),
      401,
      'NOT_AUTHENTICATED',
    );
    const headers = { Authorization: `Bearer ${token}` };
    await expectRefusal(await stranger.fetch('/probe/own', { headers }), 401, 'NOT_AUTHENTICATED');
  });

  it('refuses guests what changes something', async () => {
    const guest = await app.logIn({ groups: ['guests'] });
    await expectRefusal(await guest.fetch('/probe/threads', { method: 'POST' }), 403, 'FORBIDDEN');
    expect((await guest.fetch('/probe/threads/1')).status).toBe(200);
  });

  it('refuses users what is for admins', async () => {
    const user = await app.logIn();
    await expectRefusal(await user.fetch('/probe/admin'), 403, 'FORBIDDEN');
    expect((await user.fetch('/probe/threads', { method: 'POST' })).status).toBe(201);
  });

  it('refuses within a second what a role no longer allows, even if nobody told', async () => {
    const admin = await app.logIn({ groups: ['admins'] });
    expect((await admin.fetch('/probe/admin')).status).toBe(200);
    reached = 0;
    await app.database.query(`UPDATE users SET role = 'guest'`);
    clock.advance(1);
    await expectRefusal(await admin.fetch('/probe/admin'), 403, 'FORBIDDEN');
    await expectRefusal(await admin.fetch('/probe/threads', { method: 'POST' }), 403, 'FORBIDDEN');
  });

  it('gives a session the scopes of a new role when it is refreshed', async () => {
    const user = await app.logIn();
    await app.database.query(`UPDATE users SET role = 'admin'`);
    clock.advance(1);
    await expectRefusal(await user.fetch('/probe/admin'), 403, 'FORBIDDEN');
    await user.fetch('/api/session/refresh', { method: 'POST' });
    expect((await user.fetch('/probe/admin')).status).toBe(200);
  });

  it('is told who is asking', async () => {
    const user = await app.logIn();
    const answer = (await (await user.fetch('/probe/own')).json()) as {
      caller: Caller;
      loggedAs: string;
    };
    const [row] = await app.database.query<{ id: string; tenant_id: string }[]>('SELECT * FROM users');
    expect(answer.caller).toEqual({
      userId: row?.id,
      tenantId: row?.tenant_id,
      username: 'ada',
      role: 'user',
      scopes: ['read', 'write'],
      credential: {
        kind: 'session',
        sessionId: expect.any(String),
        authenticatedAt: clock.now().toISOString(),
      },
    });
    expect(answer.loggedAs).toMatch(/^user_/);
  });

  it('renews a stale session whatever it answers', async () => {
    const user = await app.logIn();
    clock.advance(16 * 60);
    const response = await user.fetch('/probe/admin');
    expect(response.status).toBe(403);
    expect(response.headers.getSetCookie()).toHaveLength(2);
  });
});

describe('a request of another site', () => {
  it.each([
    {},
    { Origin: 'null' },
    { Origin: 'http://evil.test' },
    { Origin: `${publicOrigin}.evil.test` },
    { Origin: 'https://parley.test' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'none' },
    { 'Sec-Fetch-Site': 'cross-site', Origin: publicOrigin },
  ])('changes nothing with the headers %j', async (headers) => {
    const user = await app.logIn();
    const before = new Map(user.jar());
    for (const path of ['/probe/threads', '/probe/public', '/api/session/refresh', '/api/logout']) {
      await expectRefusal(await post(user, path, headers), 403, 'CROSS_SITE_REQUEST');
    }
    expect(user.jar()).toEqual(before);
    const [session] = await app.database.query<{ revoked_at: Date | null }[]>('SELECT * FROM sessions');
    expect(session?.revoked_at).toBeNull();
  });

  it('is refused when only the refresh cookie came with it', async () => {
    const user = await app.logIn();
    user.jar().delete('parley_session');
    await expectRefusal(await post(user, '/api/logout', {}), 403, 'CROSS_SITE_REQUEST');
  });

  it.each([{ Origin: publicOrigin }, { 'Sec-Fetch-Site': 'same-origin' }])(
    'is none with the headers %j',
    async (headers) => {
      const user = await app.logIn();
      expect((await post(user, '/probe/threads', headers)).status).toBe(201);
    },
  );

  it('may do what anybody may, when no cookie came with it', async () => {
    expect((await post(app.browser(), '/probe/public', { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(201);
  });

  it('may read, as a link does', async () => {
    const user = await app.logIn();
    const response = await user.navigate(`${app.url}/probe/own`, {
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    });
    expect(response.status).toBe(200);
  });
});

describe('GET /api/info', () => {
  it('tells everybody how to log in', async () => {
    const response = await app.browser().fetch('/api/info');
    expect(await response.json()).toMatchObject({
      success: true,
      data: { name: 'Parley', loginMethods: [{ type: 'oidc', label: 'Single sign-on', url: '/app/login' }] },
    });
  });
});
