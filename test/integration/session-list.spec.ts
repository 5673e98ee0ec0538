import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const minute = 60;
const day = 24 * 60 * minute;

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await AuthApplication.start({ databaseUrl: database.url, provider, clock });
});

beforeEach(() => clock.reset());

afterEach(() => app.database.query('TRUNCATE users CASCADE'));

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

interface OwnSession {
  readonly id: string;
  readonly current: boolean;
}

async function list(browser: Browser): Promise<OwnSession[]> {
  const response = await browser.fetch('/api/sessions');
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: OwnSession[] }).data;
}

async function ownId(browser: Browser): Promise<string> {
  const own = (await list(browser)).find(({ current }) => current);
  if (own === undefined) throw new Error('no current session');
  return own.id;
}

function end(browser: Browser, id = ''): Promise<Response> {
  return browser.fetch(`/api/sessions${id && `/${id}`}`, { method: 'DELETE' });
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect([response.status, await codeOf(response)]).toEqual([status, code]);
}

async function liveSessions(): Promise<number> {
  return (await app.database.query<unknown[]>('SELECT FROM sessions WHERE revoked_at IS NULL')).length;
}

describe('the sessions of a person', () => {
  it('are shown to nobody without a session', async () => {
    await expectRefusal(await app.browser().fetch('/api/sessions'), 401, 'NOT_AUTHENTICATED');
  });

  it('are not those of others', async () => {
    await app.logIn({ sub: 'eve' });
    const ada = await app.logIn();
    expect(await list(ada)).toHaveLength(1);
  });

  it('tell device, place and times of each, the one used last first', async () => {
    const laptop = await app.logIn();
    clock.advance(10 * minute);
    const phone = await app.logIn();
    clock.advance(10 * minute);
    await laptop.fetch('/api/session/refresh', { method: 'POST' });
    const sessions = await list(phone);
    expect(sessions.map(({ current }) => current)).toEqual([false, true]);
    expect(sessions[0]).toEqual({
      id: expect.stringMatching(/^sess_/),
      current: false,
      device: expect.any(String),
      ip: '127.0.0.1',
      createdAt: '2026-11-20T12:00:00.000Z',
      lastSeenAt: '2026-11-20T12:20:00.000Z',
      authenticatedAt: '2026-11-20T12:00:00.000Z',
      idleExpiresAt: '2026-11-27T12:20:00.000Z',
      expiresAt: '2026-12-20T12:00:00.000Z',
    });
  });

  it('are those that are good now', async () => {
    const ended = await app.logIn();
    await ended.fetch('/api/logout', { method: 'POST' });
    await app.logIn();
    clock.advance(7 * day);
    const ada = await app.logIn();
    expect(await list(ada)).toMatchObject([{ current: true }]);
  });
});

describe('ending one session', () => {
  it.each(['x', 'sess_', 'user_01jd0v3kq9e8vb5t2m4y6z8a0c', 'sess_01jd0v3kq9e8vb5t2m4y6z8a0c'])(
    'is 404 for %s',
    async (id) => {
      const ada = await app.logIn();
      await expectRefusal(await end(ada, id), 404, 'SESSION_NOT_FOUND');
      expect(await liveSessions()).toBe(1);
    },
  );

  it('is 404 for that of somebody else, which goes on', async () => {
    const eve = await app.logIn({ sub: 'eve' });
    const ada = await app.logIn();
    await expectRefusal(await end(ada, await ownId(eve)), 404, 'SESSION_NOT_FOUND');
    expect((await eve.fetch('/api/user')).status).toBe(200);
  });

  it('is 404 for one that has ended', async () => {
    const other = await app.logIn();
    const id = await ownId(other);
    const ada = await app.logIn();
    expect((await end(ada, id)).status).toBe(200);
    await expectRefusal(await end(ada, id), 404, 'SESSION_NOT_FOUND');
  });

  it('is 404 for one that has expired', async () => {
    const other = await app.logIn();
    const id = await ownId(other);
    clock.advance(7 * day);
    await expectRefusal(await end(await app.logIn(), id), 404, 'SESSION_NOT_FOUND');
  });

  it('is refused to another site', async () => {
    const ada = await app.logIn();
    const response = await ada.navigate(`${app.url}/api/sessions`, {
      method: 'DELETE',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    });
    await expectRefusal(response, 403, 'CROSS_SITE_REQUEST');
    expect(await liveSessions()).toBe(1);
  });

  it('bites within a second, is recorded, and leaves this browser alone', async () => {
    const lost = await app.logIn();
    const ada = await app.logIn();
    const id = await ownId(lost);
    const response = await end(ada, id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ data: { endedSessions: 1 } });
    expect(response.headers.getSetCookie()).toEqual([]);
    // Word of it may still be on its way.
    clock.advance(1);
    await expectRefusal(await lost.fetch('/api/user'), 401, 'SESSION_ENDED');
    expect((await ada.fetch('/api/user')).status).toBe(200);
    const [user] = await app.database.query<{ id: string }[]>('SELECT id FROM users');
    expect(
      await app.database.query('SELECT * FROM audit_events WHERE target_id = $1 AND action = $2', [
        id,
        'session.revoked',
      ]),
    ).toMatchObject([{ actor_kind: 'user', actor_user_id: user?.id, details: { reason: 'revoked' } }]);
  });

  it('takes the cookies of this browser when it is its own', async () => {
    const ada = await app.logIn();
    const response = await end(ada, await ownId(ada));
    expect(response.headers.getSetCookie()).toHaveLength(2);
    expect([...ada.jar().keys()]).toEqual(['parley_login']);
  });
});

describe('logging out everywhere', () => {
  it('ends all sessions of the person, this one too, and tells how many', async () => {
    const others = [await app.logIn(), await app.logIn()];
    const eve = await app.logIn({ sub: 'eve' });
    const ada = await app.logIn();
    const response = await end(ada);
    expect(await response.json()).toMatchObject({ data: { endedSessions: 3 } });
    expect([...ada.jar().keys()]).toEqual(['parley_login']);
    for (const other of others) await expectRefusal(await other.fetch('/api/user'), 401, 'SESSION_ENDED');
    expect((await eve.fetch('/api/user')).status).toBe(200);
  });

  it('needs no fresh access token', async () => {
    const ada = await app.logIn();
    clock.advance(16 * minute);
    expect((await end(ada)).status).toBe(200);
    expect([...ada.jar().keys()]).toEqual(['parley_login']);
    expect(await liveSessions()).toBe(0);
  });
});
