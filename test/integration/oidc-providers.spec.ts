import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openProviderTokens } from '../../src/auth/sessions/provider-tokens.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { Seals } from '../../src/infrastructure/crypto/seals.js';
import { AuthApplication, codeOf, ManualClock, pageCodeOf } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const clock = new ManualClock();

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let partner: ScriptedIdentityProvider;
/** With the usual settings. */
let shared: AuthApplication;
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  partner = await ScriptedIdentityProvider.start();
  shared = await start();
});

beforeEach(async () => {
  app = shared;
  provider.reset();
  partner.reset();
  await forget();
});

afterEach(async () => {
  if (app !== shared) await app.stop();
});

afterAll(async () => {
  await shared.stop();
  await Promise.all([provider.stop(), partner.stop()]);
  await database.drop();
});

/** What happened. */
async function forget(): Promise<void> {
  clock.reset();
  await app.database.query('TRUNCATE users, login_transactions CASCADE');
}

/** With other settings, or with none of what a replica remembers. */
async function restart(settings: EmbeddedValues = {}): Promise<void> {
  if (app !== shared) await app.stop();
  app = await start(settings);
  await forget();
}

function start(settings: EmbeddedValues = {}): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: {
      'identity.groupRoles': { staff: 'power_user' },
      'oidc.providers': [
        {
          name: 'partner',
          issuer: partner.issuer,
          clientId,
          clientSecret: undefined,
          audience: undefined,
          label: 'Partner',
          groupRoles: { staff: 'guest' },
          claims: { username: 'upn' },
        },
      ],
      ...settings,
    },
  });
}

/** Where a login at the partner leads to, or whatever else the query says. */
async function begin(browser: Browser, query = 'provider=partner'): Promise<string> {
  const response = await browser.navigate(`${app.url}/app/login?${query}`);
  expect(response.status).toBe(302);
  return response.headers.get('location') ?? '';
}

async function whoIs(browser: Browser): Promise<Record<string, unknown>> {
  // What changed a moment ago may be known a second later.
  clock.advance(1);
  const { data } = (await (await browser.fetch('/api/user')).json()) as { data: Record<string, unknown> };
  return data;
}

async function sessions(): Promise<Record<string, unknown>[]> {
  return app.database.query('SELECT * FROM sessions ORDER BY id');
}

describe('a choice of identity providers', () => {
  it.each(['stranger', 'Partner', '', 'constructor', 'partner&provider=default'])(
    'has no provider %j',
    async (name) => {
      const response = await app.browser().navigate(`${app.url}/app/login?provider=${name}`);
      expect(response.headers.getSetCookie()).toEqual([]);
      const page = await response.clone().text();
      expect([response.status, await pageCodeOf(response)]).toEqual([404, 'LOGIN_PROVIDER_UNKNOWN']);
      expect(page).toContain('href="/app/login"');
      expect(await app.database.query('SELECT * FROM login_transactions')).toEqual([]);
    },
  );

  it('has none at all where people log in with passwords only', async () => {
    await restart({ 'oidc.issuer': undefined, 'oidc.clientId': undefined, 'oidc.providers': [] });
    const browser = app.browser();
    for (const path of ['/app/login', '/app/login?provider=default']) {
      const response = await browser.navigate(app.url + path);
      const page = await response.clone().text();
      expect([response.status, await pageCodeOf(response)]).toEqual([404, 'SINGLE_SIGN_ON_DISABLED']);
      expect(page).not.toContain('href');
    }
    const callback = await browser.navigate(`${app.url}/app/login/callback?state=x&code=y`);
    expect([callback.status, await pageCodeOf(callback)]).toEqual([400, 'LOGIN_TRANSACTION_INVALID']);
  });

  it('is told to everybody, by label and address', async () => {
    const { data } = (await (await fetch(`${app.url}/api/info`)).json()) as { data: object };
    expect(data).toMatchObject({
      loginMethods: [
        { type: 'oidc', label: 'Single sign-on', url: '/app/login' },
        { type: 'oidc', label: 'Partner', url: '/app/login?provider=partner' },
      ],
    });
  });

  it('makes one subject at two providers two people, in the words and roles of each', async () => {
    const first = await app.logIn({ groups: ['staff'], preferred_username: 'ada', email: 'a@b.c' });
    const second = app.browser();
    const claims = { groups: ['staff'], preferred_username: 'ada', upn: 'ada@partner', email: 'a@b.c' };
    const done = await app.complete(second, partner.answer(await begin(second), claims), 'partner');
    expect(done.status).toBe(302);
    const [one, two] = [await whoIs(first), await whoIs(second)];
    expect(one).toMatchObject({ username: 'ada', role: 'power_user', email: 'a@b.c' });
    expect(two).toMatchObject({ username: 'ada@partner', role: 'guest', email: 'a@b.c' });
    expect(one['id']).not.toBe(two['id']);
  });

  it('lets two tabs of one browser log in at two providers in any order', async () => {
    const browser = app.browser();
    const here = provider.answer(await begin(browser, 'returnTo=/here'));
    const there = partner.answer(await begin(browser, 'provider=partner&returnTo=/there'), {
      upn: 'ada@partner',
    });
    expect((await app.complete(browser, there, 'partner')).headers.get('location')).toBe('/there');
    expect(await whoIs(browser)).toMatchObject({ username: 'ada@partner' });
    expect((await app.complete(browser, here)).headers.get('location')).toBe('/here');
    expect(await whoIs(browser)).toMatchObject({ username: 'ada' });
  });

  it('still serves the others while one is down', async () => {
    await restart();
    provider.isDown = true;
    const browser = app.browser();
    expect((await browser.navigate(`${app.url}/app/login`)).status).toBe(503);
    expect((await app.complete(browser, partner.answer(await begin(browser)), 'partner')).status).toBe(302);
  });
});

describe('the answer of one provider to the question of another', () => {
  it.each([
    ['says whose it is', (answer: URLSearchParams) => answer, 'ISSUER_MISMATCH'],
    [
      'hides whose it is',
      (answer: URLSearchParams) => {
        answer.delete('iss');
        return answer;
      },
      'ISSUER_MISMATCH',
    ],
    [
      'lies about whose it is',
      (answer: URLSearchParams) => {
        answer.set('iss', provider.issuer);
        return answer;
      },
      'AUTHORIZATION_CODE_INVALID',
    ],
  ])('is refused when it %s', async (_name, tamper, code) => {
    const browser = app.browser();
    const answer = tamper(partner.answer(await begin(browser, '')));
    const response = await app.complete(browser, answer);
    expect([response.status, await pageCodeOf(response)]).toEqual([401, code]);
    expect(partner.codeExchanges).toBe(0);
    expect(await app.database.query('SELECT id FROM users')).toEqual([]);
  });

  it.each([
    ['of the first at the address of the other', '', 'partner'],
    ['of the other at the address of the first', 'provider=partner', undefined],
    ['of the first at an address of nobody', '', 'nobody'],
  ])('is refused where neither says whose it is: %s', async (_name, query, calledBack) => {
    const browser = app.browser();
    const asked = calledBack === undefined ? partner : provider;
    const answer = asked.answer(await begin(browser, query));
    answer.delete('iss');
    const response = await app.complete(browser, answer, calledBack);
    expect([response.status, await pageCodeOf(response)]).toEqual([401, 'ISSUER_MISMATCH']);
    expect([provider.codeExchanges, partner.codeExchanges]).toEqual([0, 0]);
  });

  it('is refused when the ID token is of the other one', async () => {
    const browser = app.browser();
    const answer = provider.answer(await begin(browser, ''), { iss: partner.issuer });
    const response = await app.complete(browser, answer);
    expect([response.status, await pageCodeOf(response)]).toEqual([401, 'ID_TOKEN_ISSUER_MISMATCH']);
    expect(await app.database.query('SELECT id FROM users')).toEqual([]);
  });

  it('is refused when the provider is no longer configured', async () => {
    const browser = app.browser();
    const answer = partner.answer(await begin(browser));
    await app.database.query(`UPDATE login_transactions SET issuer = 'https://gone.example'`);
    const response = await app.complete(browser, answer, 'partner');
    expect([response.status, await pageCodeOf(response)]).toEqual([400, 'LOGIN_TRANSACTION_INVALID']);
  });

  it('is that of the first provider when a replica of the version before asked', async () => {
    const browser = app.browser();
    const answer = provider.answer(await begin(browser, ''));
    await app.database.query('UPDATE login_transactions SET issuer = NULL');
    expect((await app.complete(browser, answer)).status).toBe(302);
  });
});

describe('an issuer', () => {
  it('may be written with or without the slash after its host', async () => {
    for (const [configured, told] of spellings()) {
      const browser = await logInAs(configured, told);
      expect((await browser.fetch('/api/user')).status).toBe(200);
      expect(await app.database.query('SELECT issuer FROM users')).toEqual([{ issuer: told }]);
      expect(await sessions()).toMatchObject([{ provider_issuer: told }]);
    }
  });

  it.each([{ sub: 'ada' }, { sid: 's1' }])('so written also ends sessions: %j', async (whom) => {
    for (const [configured, told] of spellings()) {
      const browser = await logInAs(configured, told);
      const seconds = Math.floor(clock.now().getTime() / 1000);
      const order = {
        ...{ iss: told, aud: clientId, iat: seconds, exp: seconds + 60, jti: told },
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      };
      const logoutToken = await provider.sign({ ...order, ...whom }, { typ: 'logout+jwt' });
      const response = await fetch(`${app.url}/app/logout/backchannel`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: logoutToken }),
      });
      expect(response.status).toBe(200);
      clock.advance(1);
      expect(await codeOf(await browser.fetch('/api/user'))).toBe('SESSION_ENDED');
    }
  });

  it('so written also vouches for programs, which are the same person', async () => {
    for (const [configured, told] of spellings()) {
      await logInAs(configured, told, { 'oidc.resourceServer.audience': 'api' });
      const exp = Math.floor(clock.now().getTime() / 1000) + 60;
      const bearer = await provider.sign({ iss: told, aud: 'api', sub: 'ada', exp }, { typ: 'at+jwt' });
      const response = await fetch(`${app.url}/api/user`, { headers: { Authorization: `Bearer ${bearer}` } });
      expect(response.status).toBe(200);
      expect(await app.database.query('SELECT issuer FROM users')).toEqual([{ issuer: told }]);
    }
  });

  it('so written also says who somebody is between logins', async () => {
    provider.issuesRefreshTokens = true;
    for (const [configured, told] of spellings()) {
      const browser = await logInAs(configured, told);
      provider.renewal = { groups: ['staff'] };
      clock.advance(3600);
      await browser.fetch('/api/session/refresh', { method: 'POST' });
      expect(await whoIs(browser)).toMatchObject({ role: 'power_user' });
    }
  });

  function spellings(): [configured: string, told: string][] {
    return [
      [provider.issuer, `${provider.issuer}/`],
      [`${provider.issuer}/`, provider.issuer],
    ];
  }

  async function logInAs(configured: string, told: string, settings: EmbeddedValues = {}): Promise<Browser> {
    await restart({ 'oidc.issuer': configured, ...settings });
    await app.database.query('TRUNCATE used_logout_tokens');
    provider.moreMetadata = { issuer: told };
    const browser = app.browser();
    const answer = provider.answer(await begin(browser, ''), { iss: told, sid: 's1' });
    answer.set('iss', told);
    expect((await app.complete(browser, answer)).status).toBe(302);
    return browser;
  }
});

describe('a session', () => {
  const secondsOf = (date: Date) => date.getTime() / 1000;

  it('remembers when its person proved who they are, and never as later than now', async () => {
    await app.logIn({ auth_time: secondsOf(clock.now()) - 5000 });
    await app.logIn({ auth_time: secondsOf(clock.now()) + 5000 });
    const times = (await sessions()).map(({ authenticated_at: at }) => (at as Date).toISOString());
    expect(times).toEqual(['2026-11-20T10:36:40.000Z', clock.now().toISOString()]);
  });

  it('does not know when, where the provider does not tell', async () => {
    const browser = await app.logIn({ auth_time: undefined });
    expect(await sessions()).toMatchObject([{ authenticated_at: null }]);
    const { data } = (await (await browser.fetch('/api/sessions')).json()) as { data: unknown };
    expect(data).toMatchObject([{ authenticatedAt: null }]);
  });

  it('keeps the tokens of the provider sealed, for itself alone', async () => {
    provider.issuesRefreshTokens = true;
    await app.logIn({ sid: 'session-at-the-provider' });
    provider.issuesRefreshTokens = false;
    await app.logIn({ sub: 'eve', sid: 7 });
    const [first, second] = await sessions();
    expect(first).toMatchObject({
      provider_issuer: provider.issuer,
      provider_session_id: 'session-at-the-provider',
    });
    expect(second).toMatchObject({ provider_issuer: provider.issuer, provider_session_id: null });
    const seals = app.get(Seals);
    const sealed = first?.['provider_tokens'] as Buffer;
    expect(sealed.toString('latin1')).not.toContain('eyJ');
    expect(openProviderTokens(seals, sealed, String(first?.['id']))).toEqual({
      idToken: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      refreshToken: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(openProviderTokens(seals, sealed, String(second?.['id']))).toBeUndefined();
    const other = openProviderTokens(seals, second?.['provider_tokens'] as Buffer, String(second?.['id']));
    expect(other).toEqual({ idToken: expect.any(String) });
  });
});

describe('a login that asks for proof again', () => {
  it.each(['yes', '', 'TRUE', 'true&reauthenticate=true'])('refuses to be asked by %j', async (value) => {
    const response = await app.browser().navigate(`${app.url}/app/login?reauthenticate=${value}`);
    expect([response.status, await pageCodeOf(response)]).toEqual([400, 'INVALID_REQUEST']);
    expect(await app.database.query('SELECT * FROM login_transactions')).toEqual([]);
  });

  it('asks the provider not to answer from memory, which no other login does; to tell the time, every one', async () => {
    const asked = new URL(await begin(app.browser(), 'provider=partner&reauthenticate=true')).searchParams;
    const claims = '{"id_token":{"auth_time":{"essential":true}}}';
    expect(Object.fromEntries(asked)).toMatchObject({ prompt: 'login', max_age: '0', claims });
    for (const query of ['', 'reauthenticate=false']) {
      const usual = new URL(await begin(app.browser(), query)).searchParams;
      expect(usual.has('prompt')).toBe(false);
      expect(Object.fromEntries(usual)).toMatchObject({ max_age: '31536000', claims });
    }
  });

  it('believes a provider that answers from memory all the same, so that it does not count as recent', async () => {
    await restart({ 'identity.groupRoles': { boss: 'admin' } });
    const old = app.browser();
    const early = { ...admin, auth_time: secondsBefore(4000) };
    await app.complete(old, provider.answer(await begin(old, 'reauthenticate=true'), early));
    expect(await codeOf(await changes(old))).toBe('RECENT_LOGIN_REQUIRED');
    const late = { ...admin, auth_time: secondsBefore(5) };
    await app.complete(old, provider.answer(await begin(old, 'reauthenticate=true'), late));
    expect(await codeOf(await changes(old))).toBe('USER_NOT_FOUND');
  });

  it.each(['', 'reauthenticate=true'])(
    'counts no login (%j) as recent whose time the provider does not tell, unless told to trust it',
    async (query) => {
      const untold = { ...admin, auth_time: undefined };
      const logInAndChange = async () => {
        const browser = app.browser();
        await app.complete(browser, provider.answer(await begin(browser, query), untold));
        return { browser, code: await codeOf(await changes(browser)) };
      };
      await restart({ 'identity.groupRoles': { boss: 'admin' } });
      expect((await logInAndChange()).code).toBe('RECENT_LOGIN_REQUIRED');

      await restart({ 'identity.groupRoles': { boss: 'admin' }, 'session.trustUntoldLogins': true });
      const { browser, code } = await logInAndChange();
      expect(code).toBe('USER_NOT_FOUND');
      clock.advance(3601);
      await browser.fetch('/api/session/refresh', { method: 'POST' });
      expect(await codeOf(await changes(browser))).toBe('RECENT_LOGIN_REQUIRED');
    },
  );

  const admin = { groups: ['boss'] };

  function changes(browser: Browser): Promise<Response> {
    return browser.fetch('/api/users/user_01jd0v3kq9e8vb5t2m4y6z8a0c', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"role":"user"}',
    });
  }

  function secondsBefore(seconds: number): number {
    return clock.now().getTime() / 1000 - seconds;
  }
});
