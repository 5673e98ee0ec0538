import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { hash } from 'argon2';
import { LocalAccountsService } from '../../src/auth/local/local-accounts.service.js';
import { PasswordHasher } from '../../src/auth/local/password-hasher.js';
import { Passwords } from '../../src/auth/local/passwords.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { User } from '../../src/users/user.entity.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { AuthApplication, codeOf, ManualClock, publicOrigin } from '../support/auth-application.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const password = 'kanarienvogel im fichtenwald';
const wrong = 'kanarienvogel im buchenwald';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;
const others: AuthApplication[] = [];
/** Before the test: rows of the record stay. */
let lastEvent = '0';

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await start({ 'login.local': 'on' });
});

beforeEach(async () => {
  clock.reset();
  lastEvent =
    (await app.database.query<{ seq: string }[]>('SELECT max(seq) AS seq FROM audit_events'))[0]?.seq ?? '0';
});

afterEach(async () => {
  jest.restoreAllMocks();
  await app.database.query('TRUNCATE users CASCADE');
  await app.database.query(`UPDATE tenants SET status = 'active'`);
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

async function startAnother(settings: EmbeddedValues): Promise<AuthApplication> {
  const application = await start(settings);
  others.push(application);
  return application;
}

function account(username = 'grace', role: User['role'] = 'user'): Promise<User> {
  return app.get(LocalAccountsService).create({ tenantId: defaultTenantId, username, password, role });
}

async function post(
  body: object,
  {
    headers = {},
    browser = app.browser(),
  }: { headers?: Record<string, string>; browser?: ReturnType<AuthApplication['browser']> } = {},
): Promise<Response> {
  return browser.fetch('/api/login', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(await codeOf(response.clone())).toBe(code);
  expect(response.status).toBe(status);
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(await app.database.query('SELECT id FROM sessions')).toEqual([]);
}

/** What the same failure looks like to whoever asks, but for time and request id. */
async function shown(response: Response): Promise<unknown> {
  const { error } = (await response.json()) as { error: unknown };
  return { status: response.status, error, names: [...response.headers.keys()].sort() };
}

function storedHash(): Promise<{ password_hash: string }[]> {
  return app.database.query('SELECT password_hash FROM local_accounts');
}

describe('login by password', () => {
  it.each<[string, EmbeddedValues]>([
    ['it is off', { 'login.local': 'off' }],
    ['there is an OpenID provider and nobody asked for it', {}],
  ])('is not there where %s', async (_name, settings) => {
    await account();
    const other = await startAnother(settings);
    const browser = other.browser();
    for (const body of [{ username: 'grace', password }, {}, { unknown: true }]) {
      await expectRefusal(await post(body, { browser }), 404, 'NOT_FOUND');
    }
    expect(await (await browser.fetch('/api/info')).json()).toMatchObject({
      data: { loginMethods: [{ type: 'oidc' }] },
    });
  });

  it('is there by itself where there is no OpenID provider', async () => {
    await account();
    const other = await startAnother({ 'oidc.issuer': undefined, 'oidc.clientId': undefined });
    const browser = other.browser();
    expect((await post({ username: 'grace', password }, { browser })).status).toBe(200);
    const info = (await (await browser.fetch('/api/info')).json()) as { data: { loginMethods: object[] } };
    expect(info.data.loginMethods).toMatchObject([{ type: 'password', url: '/api/login' }]);
  });

  it('refuses a wrong password', async () => {
    await account();
    await expectRefusal(await post({ username: 'grace', password: wrong }), 401, 'LOGIN_FAILED');
  });

  it('answers the same, after the same work, whoever it is and whatever is wrong with them', async () => {
    await account('grace');
    await account('suspended');
    await account('program');
    await app.database.query(`UPDATE users SET status = 'suspended' WHERE username = 'suspended'`);
    await app.database.query(`UPDATE users SET kind = 'service' WHERE username = 'program'`);
    await app.logIn({ sub: 'oidc-only', preferred_username: 'oidc-only' });
    await app.database.query('DELETE FROM sessions');
    const verify = jest.spyOn(app.get(PasswordHasher), 'verify');
    const answers: unknown[] = [];
    const names = ['grace', 'nobody', 'suspended', 'program', 'oidc-only', 'x'.repeat(200), 'ﬁ'.repeat(200)];
    for (const username of names) {
      verify.mockClear();
      answers.push(await shown(await post({ username, password: wrong })));
      const costs = verify.mock.calls.map(([digest]) => digest.split('$').slice(1, 4).join(' '));
      expect([username, ...costs]).toEqual([username, 'argon2id v=19 m=19456,p=1,t=2']);
    }
    expect(answers[0]).toMatchObject({ status: 401, error: { code: 'LOGIN_FAILED' } });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it.each<[string, string, number, string]>([
    ['a suspended person', `UPDATE users SET status = 'suspended'`, 403, 'USER_SUSPENDED'],
    ['a suspended tenant', `UPDATE tenants SET status = 'suspended'`, 403, 'TENANT_SUSPENDED'],
    ['a service account', `UPDATE users SET kind = 'service'`, 401, 'LOGIN_FAILED'],
  ])('refuses %s, by the right password too', async (_name, sql, status, code) => {
    await account();
    await app.database.query(sql);
    await expectRefusal(await post({ username: 'grace', password }), status, code);
  });

  it.each([
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'none' },
    { 'Sec-Fetch-Site': 'same-site', Origin: publicOrigin },
  ])('refuses what another site makes a browser send: %j', async (headers) => {
    await account();
    await expectRefusal(await post({ username: 'grace', password }, { headers }), 403, 'CROSS_SITE_REQUEST');
  });

  it.each(['http://evil.test', 'null', 'http://parley.test:81'])('refuses the origin %s', async (origin) => {
    await account();
    const response = await fetch(`${app.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ username: 'grace', password }),
    });
    await expectRefusal(response, 403, 'CROSS_SITE_REQUEST');
  });

  it('refuses what is no JSON, as a form would send', async () => {
    const headers = { 'content-type': 'text/plain' };
    await expectRefusal(
      await post({ username: 'grace', password }, { headers }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    );
  });

  it('opens a session like any other, also for a program that has no browser', async () => {
    const grace = await account();
    const browser = app.browser();
    const response = await post({ username: 'GRACE', password }, { browser });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      data: { idleExpiresAt: '2026-11-27T12:00:00.000Z', expiresAt: '2026-12-20T12:00:00.000Z' },
    });
    expect([...browser.jar().keys()].sort()).toEqual(['parley_refresh', 'parley_session']);
    expect(await (await browser.fetch('/api/user')).json()).toMatchObject({
      data: { username: 'grace', role: 'user', lastLoginAt: '2026-11-20T12:00:00.000Z' },
    });
    const curl = await fetch(`${app.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'grace', password }),
    });
    expect(curl.status).toBe(200);
    expect(await app.database.query('SELECT user_id, provider_issuer FROM sessions')).toEqual([
      { user_id: grace.id, provider_issuer: null },
      { user_id: grace.id, provider_issuer: null },
    ]);
  });

  it('takes name and password however a keyboard composes them', async () => {
    await app.get(LocalAccountsService).create({
      tenantId: defaultTenantId,
      username: 'Zoë',
      password: 'Ångström \u00fcber alles',
      role: 'user',
    });
    const body = { username: 'zoe\u0308', password: 'A\u030angstro\u0308m u\u0308ber alles' };
    expect((await post(body)).status).toBe(200);
  });

  it('ends the session that the browser had', async () => {
    await account();
    const browser = app.browser();
    await post({ username: 'grace', password }, { browser });
    await post({ username: 'grace', password }, { browser });
    const sessions = await app.database.query<object[]>(
      'SELECT revoked_reason FROM sessions ORDER BY revoked_reason',
    );
    expect(sessions).toEqual([{ revoked_reason: 'new_login' }, { revoked_reason: null }]);
  });

  it('makes a hash anew that was made at a lower cost, and changes no other', async () => {
    await account();
    const [current] = await storedHash();
    expect((await post({ username: 'grace', password })).status).toBe(200);
    expect(await storedHash()).toEqual([current]);

    const weak = await hash(password, { memoryCost: 1024, timeCost: 1, parallelism: 1 });
    await app.database.query('UPDATE local_accounts SET password_hash = $1', [weak]);
    await post({ username: 'grace', password: wrong });
    expect(await storedHash()).toEqual([{ password_hash: weak }]);
    const logins = Array.from({ length: 4 }, () => post({ username: 'grace', password }));
    expect((await Promise.all(logins)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const [renewed] = await storedHash();
    expect(renewed?.password_hash).toContain('$m=19456,p=1,t=2$');
    expect((await post({ username: 'grace', password })).status).toBe(200);
  });

  it('gives no session for a password that was changed while it was checked', async () => {
    await account();
    const passwords = app.get(Passwords);
    const other = await hash('something else altogether', { memoryCost: 1024, timeCost: 1, parallelism: 1 });
    jest.spyOn(passwords, 'isOutdated').mockImplementation(() => false);
    const matches = passwords.matches.bind(passwords);
    jest.spyOn(passwords, 'matches').mockImplementation(async (...given) => {
      const isMatch = await matches(...given);
      await app.database.query('UPDATE local_accounts SET password_hash = $1', [other]);
      return isMatch;
    });
    await expectRefusal(await post({ username: 'grace', password }), 401, 'LOGIN_FAILED');
  });
});

describe('guessing', () => {
  it('at one account is stopped wherever it comes from, known or not, before anything is computed', async () => {
    await account();
    const limited = await startAnother({ 'login.local': 'on', 'rateLimit.loginPerAccount': 3 });
    const matches = jest.spyOn(limited.get(Passwords), 'matches');
    const spellings = ['grace', 'GRACE', 'ｇrace', 'Grace', 'grace', 'grace'];
    const answers: unknown[] = [];
    for (const names of [spellings, Array.from({ length: 6 }, () => 'nobody')]) {
      matches.mockClear();
      const tries = names.map((username) =>
        post({ username, password: wrong }, { browser: limited.browser() }),
      );
      const responses = await Promise.all(tries);
      expect(responses.map(({ status }) => status).sort()).toEqual([401, 401, 401, 429, 429, 429]);
      expect(matches).toHaveBeenCalledTimes(3);
      const refused = await post({ username: names[0], password }, { browser: limited.browser() });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      answers.push(await shown(refused));
    }
    expect(answers[0]).toMatchObject({ status: 429, error: { code: 'RATE_LIMITED' } });
    expect(answers[0]).toEqual(answers[1]);
    clock.advance(61);
    expect((await post({ username: 'grace', password }, { browser: limited.browser() })).status).toBe(200);
  });

  it('by many at once takes no more than a few computations, and the others are told to come again', async () => {
    await account();
    const tries = Array.from({ length: 50 }, () => post({ username: 'grace', password: wrong }));
    const responses = await Promise.all(tries);
    const busy = responses.filter(({ status }) => status === 503);
    expect(busy.length).toBeGreaterThan(0);
    expect(responses.filter(({ status }) => status === 401).length).toBe(50 - busy.length);
    expect(await codeOf(busy[0] ?? Response.error())).toBe('LOGIN_BUSY');
    expect((await post({ username: 'grace', password })).status).toBe(200);
  });
});

describe('the record of logins', () => {
  async function events(action: string): Promise<object[]> {
    return app.database.query(
      `SELECT actor_kind, target_id IS NOT NULL AS "isKnown", outcome, details FROM audit_events
        WHERE action = $1 AND seq > $2 ORDER BY seq`,
      [action, lastEvent],
    );
  }

  it('has successes and failures, and never what was typed', async () => {
    await account();
    await post({ username: 'grace', password });
    await post({ username: 'grace', password: wrong });
    await post({ username: wrong, password: wrong });
    expect(await events('login.succeeded')).toEqual([
      { actor_kind: 'user', isKnown: true, outcome: 'success', details: { method: 'local' } },
    ]);
    const failure = { actor_kind: 'anonymous', outcome: 'failure' };
    const details = { method: 'local', code: 'LOGIN_FAILED' };
    expect(await events('login.failed')).toEqual([
      { ...failure, isKnown: true, details },
      { ...failure, isKnown: false, details },
    ]);
    const all = JSON.stringify(await app.database.query('SELECT * FROM audit_events'));
    expect(all).not.toContain('kanarienvogel');
  });
});

describe('passwords', () => {
  it('are in no answer and no row', async () => {
    await account();
    const shown: string[] = [];
    const bodies = [
      { username: 'grace', password },
      { username: 'grace', password: wrong },
      { username: password, password },
      { username: 'grace', password, extra: password },
      { username: 'grace', password: [password] },
      { username: [password], password },
    ];
    for (const body of bodies) shown.push(await (await post(body)).text());
    for (const table of ['users', 'local_accounts', 'sessions', 'audit_events']) {
      shown.push(JSON.stringify(await app.database.query(`SELECT * FROM ${table}`)));
    }
    expect(shown.filter((text) => text.includes('kanarienvogel'))).toEqual([]);
  });
});
