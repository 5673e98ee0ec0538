import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApplication, ManualClock, pageCodeOf, publicOrigin } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const clock = new ManualClock();

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
/** For most tests. */
let shared: AuthApplication;
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  shared = await start();
});

beforeEach(async () => {
  app = shared;
  clock.reset();
  provider.reset();
  await app.database.query('TRUNCATE users, login_transactions CASCADE');
});

afterEach(async () => {
  if (app !== shared) await app.stop();
});

afterAll(async () => {
  await shared.stop();
  await provider.stop();
  await database.drop();
});

function start(): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: { 'identity.groupRoles': { staff: 'power_user', boss: 'admin' } },
  });
}

async function rowsOf<Row>(table: 'login_transactions' | 'sessions' | 'users'): Promise<Row[]> {
  return app.database.query<Row[]>(`SELECT * FROM ${table}`);
}

async function whoIs(browser: Browser): Promise<Record<string, unknown>> {
  // What changed a moment ago may be known a second later.
  clock.advance(1);
  const response = await browser.fetch('/api/user');
  expect(response.status).toBe(200);
  const { data } = (await response.json()) as { data: Record<string, unknown> };
  return data;
}

async function recordedFailures(): Promise<number> {
  const rows = await app.database.query<unknown[]>(`SELECT FROM audit_events WHERE action = 'login.failed'`);
  return rows.length;
}

/** An answer that belongs to no attempt is kept on no record: the rows are for good, and anybody can send one. */
async function expectNoAttempt(response: Response, recorded: number): Promise<void> {
  await expectRefusal(response, 400, 'LOGIN_TRANSACTION_INVALID');
  expect(await recordedFailures()).toBe(recorded);
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(await pageCodeOf(response)).toBe(code);
  expect(await rowsOf('sessions')).toEqual([]);
}

describe('the start of a login', () => {
  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/%0d%0aX:y', '/.//evil.example'])(
    'refuses to return to %j, and stores nothing',
    async (returnTo) => {
      const response = await app
        .browser()
        .navigate(`${app.url}/app/login?returnTo=${encodeURIComponent(returnTo)}`);
      expect(response.headers.getSetCookie()).toEqual([]);
      await expectRefusal(response, 400, 'INVALID_RETURN_PATH');
      expect(await rowsOf('login_transactions')).toEqual([]);
    },
  );

  it('refuses two places to return to', async () => {
    const response = await app.browser().navigate(`${app.url}/app/login?returnTo=/a&returnTo=/b`);
    await expectRefusal(response, 400, 'INVALID_RETURN_PATH');
  });

  it('is refused with 503 while the provider is down, and works as soon as it is back', async () => {
    app = await start();
    provider.isDown = true;
    const response = await app.browser().navigate(`${app.url}/app/login`);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    await expectRefusal(response, 503, 'IDENTITY_PROVIDER_UNAVAILABLE');
    expect(await rowsOf('login_transactions')).toEqual([]);
    provider.isDown = false;
    await app.logIn();
  });

  it('sends state, nonce and an S256 challenge, and no host that the request names', async () => {
    const response = await fetch(`${app.url}/app/login`, {
      redirect: 'manual',
      headers: { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' },
    });
    expect(response.status).toBe(302);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const asked = new URL(response.headers.get('location') ?? '').searchParams;
    expect(Object.fromEntries(asked)).toEqual({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${publicOrigin}/app/login/callback`,
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      max_age: '31536000',
      claims: '{"id_token":{"auth_time":{"essential":true}}}',
    });
  });

  it('discovers the provider once for many, and anew after ten minutes', async () => {
    app = await start();
    await Promise.all(Array.from({ length: 10 }, () => app.begin(app.browser())));
    expect(provider.discoveries).toBe(1);
    clock.advance(601);
    await app.begin(app.browser());
    expect(provider.discoveries).toBe(2);
  });

  it('deletes attempts that nobody finished', async () => {
    await app.begin(app.browser());
    clock.advance(601);
    await app.begin(app.browser());
    expect(await rowsOf('login_transactions')).toHaveLength(1);
  });

  it('stores neither state nor browser as they are', async () => {
    const browser = app.browser();
    const state = new URL(await app.begin(browser)).searchParams.get('state') ?? '';
    const stored = JSON.stringify(await rowsOf('login_transactions'));
    for (const secret of [state, ...browser.jar().values()]) {
      expect(stored).not.toContain(secret);
      expect(stored).not.toContain(JSON.stringify([...Buffer.from(secret)]));
    }
  });
});

describe('the end of a login', () => {
  it('refuses an answer in a browser that did not ask, which leaves the attempt to the one that did', async () => {
    const victim = app.browser();
    const answer = provider.answer(await app.begin(victim));
    const recorded = await recordedFailures();
    await expectNoAttempt(await app.complete(app.browser(), answer), recorded);
    const other = app.browser();
    await app.begin(other);
    await expectNoAttempt(await app.complete(other, answer), recorded);
    expect(provider.codeExchanges).toBe(0);
    expect((await app.complete(victim, answer)).status).toBe(302);
  });

  it('refuses an answer for the second time', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    const [first, second] = await Promise.all([app.complete(browser, answer), app.complete(browser, answer)]);
    expect([first.status, second.status].sort()).toEqual([302, 400]);
    expect(provider.codeExchanges).toBe(1);
    const third = await app.complete(browser, answer);
    expect(await pageCodeOf(third)).toBe('LOGIN_TRANSACTION_INVALID');
    expect(await rowsOf('sessions')).toHaveLength(1);
  });

  it('refuses an answer after ten minutes', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    clock.advance(600);
    const recorded = await recordedFailures();
    await expectNoAttempt(await app.complete(browser, answer), recorded);
  });

  it.each([
    ['a tampered state', (answer: URLSearchParams) => answer.set('state', `${answer.get('state')}x`)],
    ['no state', (answer: URLSearchParams) => answer.delete('state')],
    ['an empty state', (answer: URLSearchParams) => answer.set('state', '')],
  ])('refuses an answer with %s', async (_name, tamper) => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    tamper(answer);
    const recorded = await recordedFailures();
    await expectNoAttempt(await app.complete(browser, answer), recorded);
  });

  it.each<[string, string, (answer: URLSearchParams) => void]>([
    ['the iss of another', 'ISSUER_MISMATCH', (answer) => answer.set('iss', 'https://evil.example')],
    ['no iss, though promised', 'ISSUER_MISMATCH', (answer) => answer.delete('iss')],
    ['two states', 'LOGIN_REJECTED', (answer) => answer.append('state', 'x')],
    ['another code', 'AUTHORIZATION_CODE_INVALID', (answer) => answer.set('code', 'x')],
    ['no code', 'LOGIN_REJECTED', (answer) => answer.delete('code')],
  ])('refuses an answer with %s, once and for all', async (_name, code, tamper) => {
    const browser = app.browser();
    const honest = provider.answer(await app.begin(browser));
    const answer = new URLSearchParams(honest);
    tamper(answer);
    const recorded = await recordedFailures();
    await expectRefusal(await app.complete(browser, answer), 401, code);
    await expectNoAttempt(await app.complete(browser, honest), recorded + 1);
  });

  it('passes on that the provider said no, in words of our own', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    answer.delete('code');
    answer.set('error', 'access_denied');
    answer.set('error_description', '<b>canary</b>');
    const response = await app.complete(browser, answer);
    expect(await response.clone().text()).not.toContain('canary');
    await expectRefusal(response, 403, 'LOGIN_DENIED');
  });

  it('is refused with 503 when the provider goes down in between', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    provider.isDown = true;
    await expectRefusal(await app.complete(browser, answer), 503, 'IDENTITY_PROVIDER_UNAVAILABLE');
  });

  it('is refused with 503 when nobody listens any more', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    await provider.stop();
    await expectRefusal(await app.complete(browser, answer), 503, 'IDENTITY_PROVIDER_UNAVAILABLE');
    await shared.stop();
    provider = await ScriptedIdentityProvider.start();
    app = shared = await start();
  });

  it('refuses a suspended person and changes nothing of them', async () => {
    await app.logIn({ name: 'Ada' });
    await app.database.query(`DELETE FROM sessions`);
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    const before = await rowsOf('users');
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser), { name: 'Eve' });
    await expectRefusal(await app.complete(browser, answer), 403, 'USER_SUSPENDED');
    expect(await rowsOf('users')).toEqual(before);
  });

  it('accepts keys that the provider rotated a moment ago', async () => {
    await app.logIn();
    await provider.rotateKeys();
    await app.logIn();
  });

  it('lets two tabs log in in any order, each to its own place', async () => {
    const browser = app.browser();
    const first = provider.answer(await app.begin(browser, '/first'));
    const second = provider.answer(await app.begin(browser, '/second'));
    expect((await app.complete(browser, second)).headers.get('location')).toBe('/second');
    expect((await app.complete(browser, first)).headers.get('location')).toBe('/first');
    expect(await whoIs(browser)).toMatchObject({ username: 'ada' });
  });

  it('returns to / unless told otherwise', async () => {
    const browser = app.browser();
    const response = await app.complete(browser, provider.answer(await app.begin(browser)));
    expect(response.headers.get('location')).toBe('/');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('opens a session under a new id and ends the one that the browser had', async () => {
    const browser = await app.logIn();
    const old = new Map(browser.jar());
    await app.logIn({}, browser);
    const sessions = await rowsOf<{ id: string; revoked_reason: string | null }>('sessions');
    expect(sessions.map(({ revoked_reason }) => revoked_reason).sort()).toEqual([null, 'new_login'].sort());
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(2);
    const thief = app.browser();
    for (const [name, value] of old) thief.jar().set(name, value);
    expect((await thief.fetch('/api/user')).status).toBe(401);
  });

  it('opens a session of its own even when cookies were planted', async () => {
    const attacker = await app.logIn({ sub: 'eve' });
    const victim = app.browser();
    for (const [name, value] of attacker.jar()) victim.jar().set(name, value);
    await app.logIn({ sub: 'ada' }, victim);
    expect(await whoIs(victim)).toMatchObject({ username: 'ada' });
    expect((await attacker.fetch('/api/user')).status).toBe(401);
  });
});

describe('the person who logged in', () => {
  it('is one row, however many first logins race', async () => {
    const browsers = Array.from({ length: 8 }, () => app.browser());
    const answers = await Promise.all(
      browsers.map(async (browser) => provider.answer(await app.begin(browser))),
    );
    await Promise.all(
      browsers.map((browser, index) => app.complete(browser, answers[index] ?? new URLSearchParams())),
    );
    const people = await Promise.all(browsers.map(whoIs));
    expect(new Set(people.map(({ id }) => id)).size).toBe(1);
    expect(await rowsOf('users')).toHaveLength(1);
  });

  it('is another one with another subject, whatever the email', async () => {
    const email = 'ada@example.org';
    const first = await whoIs(await app.logIn({ sub: 'one', email, email_verified: true }));
    const second = await whoIs(await app.logIn({ sub: 'two', email, email_verified: true }));
    expect(first['email']).toBe(second['email']);
    expect(first['id']).not.toBe(second['id']);
  });

  it('is described by what the provider says now, in the ID token or at userinfo', async () => {
    await app.logIn({ preferred_username: 'ada.l', name: 'Ada', email: 'old@example.org' });
    clock.advance(60);
    provider.userInfo = { name: 'Ada Lovelace', email: 'new@example.org' };
    const person = await whoIs(await app.logIn({ preferred_username: 'ada.lovelace' }));
    expect(person).toEqual({
      id: expect.stringMatching(/^user_/),
      username: 'ada.lovelace',
      displayName: 'Ada Lovelace',
      email: 'new@example.org',
      role: 'user',
      tenantId: expect.stringMatching(/^tenant_/),
      createdAt: '2026-11-20T12:00:00.000Z',
      lastLoginAt: '2026-11-20T12:01:00.000Z',
    });
  });

  it.each([
    [undefined, 'user'],
    [[], 'user'],
    [['strangers'], 'user'],
    [['staff'], 'power_user'],
    [['staff', 'boss', 'strangers'], 'admin'],
    [['constructor', '__proto__'], 'user'],
  ])('with groups %j begins as %s', async (groups, role) => {
    expect(await whoIs(await app.logIn({ groups }))).toMatchObject({ role });
  });

  it('keeps the role without a word on groups, and loses it with none', async () => {
    await app.logIn({ groups: ['staff'] });
    expect(await whoIs(await app.logIn())).toMatchObject({ role: 'power_user' });
    expect(await whoIs(await app.logIn({ groups: [] }))).toMatchObject({ role: 'user' });
  });
});
