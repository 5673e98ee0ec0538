import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { toWireId } from '../../src/common/ids.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const secret = 'the first secret, 32 characters.';
const olderSecret = 'an older secret of 32 characters';
const minute = 60;
const day = 24 * 60 * minute;

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;
const others: AuthApplication[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await start({ 'session.secrets': [secret] });
});

beforeEach(() => clock.reset());

afterEach(async () => {
  await app.database.query('TRUNCATE users, login_transactions CASCADE');
  await Promise.all(others.splice(0).map((application) => application.stop()));
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

function start(settings: EmbeddedValues): Promise<AuthApplication> {
  return AuthApplication.start({ databaseUrl: database.url, provider, clock, settings });
}

/** Another process on the same database, later or at the same time. */
async function startAnother(settings: EmbeddedValues): Promise<AuthApplication> {
  const application = await start(settings);
  others.push(application);
  return application;
}

/** A browser with the same cookies, which go their own way from now on. */
function cloneOf(browser: Browser, application = app): Browser {
  const clone = application.browser();
  for (const [name, value] of browser.jar()) clone.jar().set(name, value);
  return clone;
}

function refresh(browser: Browser): Promise<Response> {
  return browser.fetch('/api/session/refresh', { method: 'POST' });
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(await codeOf(response)).toBe(code);
}

function expectNoCredentials(browser: Browser): void {
  expect([...browser.jar().keys()]).toEqual(['parley_login']);
}

interface SessionRow {
  readonly id: string;
  readonly revoked_reason: string | null;
  readonly idle_expires_at: Date;
}

function sessions(): Promise<SessionRow[]> {
  return app.database.query<SessionRow[]>('SELECT * FROM sessions ORDER BY created_at');
}

async function tokenCount(): Promise<number> {
  return (await app.database.query<unknown[]>('SELECT 1 FROM refresh_tokens')).length;
}

describe('an access token', () => {
  /** A token like ours but for what a forger changes. */
  async function forge(
    honest: string,
    { header = {}, claims = {}, key = secret }: { header?: object; claims?: object; key?: string },
  ): Promise<string> {
    return new SignJWT({ ...decodeJwt(honest), ...claims })
      .setProtectedHeader({ ...decodeProtectedHeader(honest), alg: 'HS256', ...header })
      .sign(new TextEncoder().encode(key));
  }

  async function present(token: string): Promise<Response> {
    const browser = app.browser();
    browser.jar().set('parley_session', token);
    return browser.fetch('/api/user');
  }

  it.each([
    ['another key', { key: olderSecret }],
    ['a key id that we do not know', { header: { kid: 'unknown' } }],
    ['no key id', { header: { kid: undefined } }],
    ['another type', { header: { typ: 'JWT' } }],
    ['no type', { header: { typ: undefined } }],
    ['another issuer', { claims: { iss: 'http://evil.test' } }],
    ['another audience', { claims: { aud: 'somebody-else' } }],
    ['no end', { claims: { exp: undefined } }],
    ['no id', { claims: { jti: undefined } }],
    ['a session id of another kind', { claims: { sid: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c' } }],
    ['no session id', { claims: { sid: undefined } }],
    ['scopes that are no list', { claims: { scope: 'admin' } }],
  ])('is refused with %s', async (_name, forgery) => {
    const honest = (await app.logIn()).jar().get('parley_session') ?? '';
    expect((await present(await forge(honest, {}))).status).toBe(200);
    await expectRefusal(await present(await forge(honest, forgery)), 401, 'NOT_AUTHENTICATED');
  });

  it('is refused without a signature', async () => {
    const [, payload] = ((await app.logIn()).jar().get('parley_session') ?? '').split('.');
    const header = Buffer.from('{"alg":"none","typ":"parley-session+jwt"}').toString('base64url');
    await expectRefusal(await present(`${header}.${payload}.`), 401, 'NOT_AUTHENTICATED');
  });

  it.each(['', 'x', 'a.b.c', '%00', '{}'])('is refused when it is %j', async (token) => {
    await expectRefusal(await present(token), 401, 'NOT_AUTHENTICATED');
  });

  it('is refused when it is over', async () => {
    const browser = await app.logIn();
    browser.jar().delete('parley_refresh');
    clock.advance(15 * minute);
    await expectRefusal(await browser.fetch('/api/user'), 401, 'NOT_AUTHENTICATED');
  });

  it('holds these claims and no others', async () => {
    const token = (await app.logIn()).jar().get('parley_session') ?? '';
    const now = clock.now().getTime() / 1000;
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'HS256',
      typ: 'parley-session+jwt',
      kid: expect.stringMatching(/^[\w-]{8}$/),
    });
    expect(decodeJwt(token)).toEqual({
      sub: expect.stringMatching(/^user_/),
      username: 'ada',
      iat: now,
      exp: now + 15 * minute,
      scope: ['read', 'write'],
      sid: expect.stringMatching(/^sess_/),
      tid: expect.stringMatching(/^tenant_/),
      jti: expect.any(String),
      iss: 'http://parley.test',
      aud: 'parley',
    });
  });

  it('verifies with an older secret, and is signed with the first', async () => {
    const old = await startAnother({ 'session.secrets': [olderSecret] });
    const browser = await old.logIn();
    const rotated = await startAnother({ 'session.secrets': [secret, olderSecret] });
    const later = cloneOf(browser, rotated);
    expect((await later.fetch('/api/user')).status).toBe(200);
    expect(later.jar().get('parley_session')).toBe(browser.jar().get('parley_session'));
    clock.advance(15 * minute);
    expect((await later.fetch('/api/user')).status).toBe(200);
    later.jar().delete('parley_refresh');
    expect((await cloneOf(later, app).fetch('/api/user')).status).toBe(200);
  });
});

describe('a secret', () => {
  it('that is new signs, while the older ones go on verifying until they are gone, which logs nobody out', async () => {
    const kidOf = (browser: Browser) => decodeProtectedHeader(browser.jar().get('parley_session') ?? '').kid;
    const begun = await app.logIn();
    const rotated = await startAnother({ 'session.secrets': [olderSecret, secret] });
    const during = cloneOf(begun, rotated);
    const response = await during.fetch('/api/user');
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
    await refresh(during);
    expect(kidOf(during)).not.toBe(kidOf(begun));
    // The replica that was not restarted yet does not know the new secret: its requests refresh, and go on.
    const straggler = cloneOf(during);
    expect((await straggler.fetch('/api/user')).status).toBe(200);
    expect(kidOf(straggler)).toBe(kidOf(begun));
    const later = cloneOf(straggler, await startAnother({ 'session.secrets': [olderSecret] }));
    const answer = await later.fetch('/api/user');
    expect([answer.status, answer.headers.getSetCookie().length]).toEqual([200, 2]);
    expect(kidOf(later)).toBe(kidOf(during));
    expect(await sessions()).toMatchObject([{ revoked_reason: null }]);
  });
});

describe('cookies', () => {
  const attributes = '; Path=/; HttpOnly; SameSite=Lax';

  it('are for this host only and out of reach of scripts', async () => {
    const browser = app.browser();
    const response = await app.complete(browser, provider.answer(await app.begin(browser)));
    const [access, refreshToken] = response.headers.getSetCookie().map((line) => line.replace(/=[^;]*/, ''));
    expect(access).toBe(`parley_session; Max-Age=${15 * minute}${attributes}`);
    expect(refreshToken).toBe(`parley_refresh; Max-Age=${7 * day}${attributes}`);
  });

  it('are Secure and have the __Host- prefix over https, and are cleared as they were set', async () => {
    const secure = await startAnother({ 'server.publicUrl': 'https://parley.example' });
    const browser = secure.browser();
    const begun = await browser.navigate(`${secure.url}/app/login`);
    const done = await secure.complete(browser, provider.answer(begun.headers.get('location') ?? ''));
    const ended = await browser.fetch('/api/logout', { method: 'POST' });
    const shape = (response: Response) =>
      response.headers.getSetCookie().map((line) => line.replace(/=[^;]*; Max-Age=\d+/, ''));
    const secureAttributes = '; Path=/; HttpOnly; Secure; SameSite=Lax';
    expect(shape(begun)).toEqual([`__Host-parley_login${secureAttributes}`]);
    expect(shape(done)).toEqual([
      `__Host-parley_session${secureAttributes}`,
      `__Host-parley_refresh${secureAttributes}`,
    ]);
    expect(shape(ended)).toEqual(shape(done));
    expect([...browser.jar().keys()]).toEqual(['__Host-parley_login']);
  });
});

describe('refreshing', () => {
  it('is refused without a token', async () => {
    await expectRefusal(await refresh(app.browser()), 401, 'NOT_AUTHENTICATED');
  });

  it.each(['', 'x', 'a'.repeat(43), '%00'])('is refused with %j for a token', async (token) => {
    const browser = app.browser();
    browser.jar().set('parley_refresh', token);
    await expectRefusal(await refresh(browser), 401, 'SESSION_ENDED');
  });

  it('takes no cookies away from the browser, which may have logged in again meanwhile', async () => {
    const browser = await app.logIn();
    const late = cloneOf(browser);
    await app.logIn({}, browser);
    const response = await late.fetch('/api/user');
    await expectRefusal(response, 401, 'SESSION_ENDED');
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it('ends the session when a token is used again after the grace', async () => {
    const thief = await app.logIn();
    const victim = cloneOf(thief);
    await refresh(victim);
    clock.advance(11);
    await expectRefusal(await refresh(thief), 401, 'SESSION_ENDED');
    expect(await sessions()).toMatchObject([{ revoked_reason: 'refresh_reuse' }]);
    await expectRefusal(await victim.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('ends only the session whose token was used again', async () => {
    const thief = await app.logIn();
    const other = await app.logIn();
    await refresh(cloneOf(thief));
    clock.advance(11);
    await refresh(thief);
    expect((await other.fetch('/api/user')).status).toBe(200);
  });

  it('gives one successor to twenty at once, and to those who come within the grace', async () => {
    const browser = await app.logIn();
    const clones = Array.from({ length: 20 }, () => cloneOf(browser));
    const responses = await Promise.all(clones.map(refresh));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    clock.advance(10);
    const late = cloneOf(browser);
    expect((await refresh(late)).status).toBe(200);
    const successors = new Set([...clones, late].map((clone) => clone.jar().get('parley_refresh')));
    expect(successors.size).toBe(1);
    expect(successors).not.toContain(browser.jar().get('parley_refresh'));
    expect(await tokenCount()).toBe(2);
  });

  it('gives one successor to requests that reach different replicas', async () => {
    const browser = await app.logIn();
    const replica = await startAnother({ 'session.secrets': [secret] });
    const clones = Array.from({ length: 8 }, (_, index) => cloneOf(browser, index % 2 === 0 ? app : replica));
    await Promise.all(clones.map(refresh));
    expect(new Set(clones.map((clone) => clone.jar().get('parley_refresh'))).size).toBe(1);
  });

  it('gives ten tabs on two replicas one successor, thirty times over, and logs nobody out', async () => {
    const replica = await startAnother({ 'session.secrets': [secret] });
    let browser = await app.logIn();
    for (let round = 1; round <= 30; round++) {
      clock.advance(16 * minute);
      const tabs = Array.from({ length: 10 }, (_, index) =>
        cloneOf(browser, index % 2 === 0 ? app : replica),
      );
      // Some ask to be refreshed, the others have to be.
      const responses = await Promise.all(
        tabs.map((tab, index) => (index % 3 === 0 ? refresh(tab) : tab.fetch('/api/user'))),
      );
      expect(responses.map(({ status }) => status)).toEqual(tabs.map(() => 200));
      const successors = new Set(tabs.map((tab) => tab.jar().get('parley_refresh')));
      expect(successors.size).toBe(1);
      expect(successors).not.toContain(browser.jar().get('parley_refresh'));
      expect(await tokenCount()).toBe(round + 1);
      browser = tabs[0] ?? browser;
    }
    expect(await sessions()).toMatchObject([{ revoked_reason: null }]);
  });

  it('ends the session once when many present a used token after the grace, and records it', async () => {
    const replica = await startAnother({ 'session.secrets': [secret] });
    const browser = await app.logIn();
    await refresh(cloneOf(browser));
    clock.advance(11);
    const thieves = Array.from({ length: 10 }, (_, index) =>
      cloneOf(browser, index % 2 === 0 ? app : replica),
    );
    const responses = await Promise.all(thieves.map(refresh));
    expect(responses.map(({ status }) => status)).toEqual(thieves.map(() => 401));
    const [session] = await sessions();
    expect(session).toMatchObject({ revoked_reason: 'refresh_reuse' });
    const recorded = await app.database.query<unknown[]>(
      'SELECT * FROM audit_events WHERE action = $1 AND target_id = $2',
      ['session.refresh_reused', toWireId('session', session?.id ?? '')],
    );
    expect(recorded).toMatchObject([{ actor_kind: 'anonymous', ip: '127.0.0.1' }]);
  });

  it('gives a token that is none of the family no say over it', async () => {
    const browser = await app.logIn();
    const stranger = app.browser();
    stranger.jar().set('parley_refresh', 'a'.repeat(43));
    await expectRefusal(await refresh(stranger), 401, 'SESSION_ENDED');
    expect((await refresh(browser)).status).toBe(200);
  });

  it('stores neither token nor successor', async () => {
    const browser = await app.logIn();
    const token = browser.jar().get('parley_refresh') ?? '';
    await refresh(browser);
    const stored = JSON.stringify(await app.database.query('SELECT * FROM refresh_tokens'));
    for (const secretText of [token, browser.jar().get('parley_refresh') ?? '']) {
      expect(stored).not.toContain(JSON.stringify([...Buffer.from(secretText, 'base64url')]));
      expect(stored).not.toContain(JSON.stringify([...Buffer.from(secretText)]));
    }
  });

  it('happens by itself on any request whose access token is over', async () => {
    const browser = await app.logIn();
    const before = new Map(browser.jar());
    clock.advance(16 * minute);
    const response = await browser.fetch('/api/user');
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()).toHaveLength(2);
    expect(browser.jar().get('parley_refresh')).not.toBe(before.get('parley_refresh'));
    expect((await browser.fetch('/api/user')).headers.getSetCookie()).toEqual([]);
  });

  it('happens by itself when only the refresh token is left', async () => {
    const browser = await app.logIn();
    browser.jar().delete('parley_session');
    expect((await browser.fetch('/api/user')).status).toBe(200);
    expect(browser.jar().has('parley_session')).toBe(true);
  });

  it('extends an idle session, but not beyond its absolute end', async () => {
    const browser = await app.logIn();
    for (let days = 6; days < 30; days += 6) {
      clock.advance(6 * day);
      expect((await browser.fetch('/api/user')).status).toBe(200);
    }
    const [session] = await sessions();
    expect(session?.idle_expires_at.toISOString()).toBe('2026-12-20T12:00:00.000Z');
    clock.advance(6 * day);
    await expectRefusal(await browser.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('is refused at the absolute end even to a session that may still idle', async () => {
    const browser = await app.logIn();
    await app.database.query('UPDATE sessions SET expires_at = $1', [clock.now()]);
    await expectRefusal(await browser.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('is refused after the session idled too long', async () => {
    const browser = await app.logIn();
    clock.advance(7 * day);
    await expectRefusal(await browser.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('is due before a session idles, even when access tokens would live longer', async () => {
    const impatient = await startAnother({
      'session.secrets': [secret],
      'session.idleLifetimeSeconds': 10 * minute,
    });
    const browser = await impatient.logIn();
    for (let minutes = 0; minutes < 30; minutes += 3) {
      clock.advance(3 * minute);
      expect((await browser.fetch('/api/user')).status).toBe(200);
    }
  });

  it('is refused to a suspended person, and uses nothing up', async () => {
    const browser = await app.logIn();
    clock.advance(16 * minute);
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    await expectRefusal(await refresh(browser), 403, 'USER_SUSPENDED');
    clock.advance(minute);
    await app.database.query(`UPDATE users SET status = 'active'`);
    expect((await refresh(browser)).status).toBe(200);
  });
});

describe('logging out', () => {
  it('ends the session on the server', async () => {
    const browser = await app.logIn();
    const copy = cloneOf(browser);
    expect((await browser.fetch('/api/logout', { method: 'POST' })).status).toBe(200);
    expectNoCredentials(browser);
    expect(await sessions()).toMatchObject([{ revoked_reason: 'logout' }]);
    await expectRefusal(await copy.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it.each(['parley_session', 'parley_refresh'])('works without the cookie %s', async (name) => {
    const browser = await app.logIn();
    const copy = cloneOf(browser);
    browser.jar().delete(name);
    expect((await browser.fetch('/api/logout', { method: 'POST' })).status).toBe(200);
    await expectRefusal(await copy.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('works twice, and for nobody', async () => {
    const browser = await app.logIn();
    const copy = cloneOf(browser);
    await browser.fetch('/api/logout', { method: 'POST' });
    expect((await copy.fetch('/api/logout', { method: 'POST' })).status).toBe(200);
    expect((await app.browser().fetch('/api/logout', { method: 'POST' })).status).toBe(200);
  });

  it('leaves the other sessions of the person alone', async () => {
    const other = await app.logIn();
    const browser = await app.logIn();
    await browser.fetch('/api/logout', { method: 'POST' });
    expect((await other.fetch('/api/user')).status).toBe(200);
  });
});

describe('what the database says', () => {
  it('suspends at once, and not for good', async () => {
    const browser = await app.logIn();
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    await expectRefusal(await browser.fetch('/api/user'), 403, 'USER_SUSPENDED');
    await app.database.query(`UPDATE users SET status = 'active'`);
    expect((await browser.fetch('/api/user')).status).toBe(200);
  });

  it('ends sessions with their person', async () => {
    const browser = await app.logIn();
    await app.database.query('DELETE FROM users');
    await expectRefusal(await browser.fetch('/api/user'), 401, 'SESSION_ENDED');
  });

  it('is cleared of sessions that are over when somebody logs in', async () => {
    await app.logIn();
    clock.advance(31 * day);
    await app.logIn();
    expect(await sessions()).toHaveLength(1);
    expect(await tokenCount()).toBe(1);
  });
});
