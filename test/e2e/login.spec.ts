import { createServer, type AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createApp } from '../../src/create-app.js';
import {
  startDevelopmentIdentityProvider,
  type DevelopmentIdentityProvider,
} from '../../src/embedded/development-identity-provider.js';
import { developmentGroupRoles } from '../../src/embedded/development-people.js';
import { codeOf, pageCodeOf } from '../support/auth-application.js';
import { Browser } from '../support/browser.js';
import { choose, follow, logIn } from '../support/login.js';
import { eventually } from '../support/parley.js';
import { testConfiguration } from '../support/test-configuration.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let provider: DevelopmentIdentityProvider;
let partner: DevelopmentIdentityProvider;
let app: NestExpressApplication;
let home: string;

beforeAll(async () => {
  const port = await freePort();
  home = `http://localhost:${port}`;
  database = await createTestDatabase();
  [provider, partner] = await Promise.all([startProvider(), startProvider()]);
  app = await createApp(
    testConfiguration({
      'database.url': database.url,
      'server.publicUrl': home,
      'oidc.issuer': provider.issuer,
      'oidc.clientId': provider.clientId,
      'oidc.clientSecret': provider.clientSecret,
      'oidc.providers': [
        {
          name: 'partner',
          issuer: partner.issuer,
          clientId: partner.clientId,
          clientSecret: partner.clientSecret,
          audience: undefined,
          claims: {},
        },
      ],
      'identity.groupRoles': developmentGroupRoles,
    }),
  );
  await app.listen(port, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  await Promise.all([provider.stop(), partner.stop()]);
  await database.drop();
});

function startProvider(): Promise<DevelopmentIdentityProvider> {
  return startDevelopmentIdentityProvider({
    port: 0,
    redirectUris: [`${home}/app/login/callback`, `${home}/app/login/callback/partner`],
    postLogoutRedirectUris: [`${home}/`],
    backchannelLogoutUri: `${home}/app/logout/backchannel`,
    log: () => undefined,
  });
}

/** A port that was free a moment ago: the provider must know our redirect URI before we listen. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // Listens on TCP.
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The page of the provider that asks who it is, on the way to `returnTo`. */
async function openTab(browser: Browser, returnTo: string, more = ''): Promise<string> {
  const { url } = await follow(browser, `${home}/app/login?returnTo=${returnTo}${more}`);
  return url;
}

async function whoIs(browser: Browser): Promise<Record<string, unknown>> {
  const { data } = (await (await browser.fetch('/api/user')).json()) as { data: Record<string, unknown> };
  return data;
}

describe('with a real OpenID provider', () => {
  it('refuses a callback that was used, and one of another browser', async () => {
    const browser = new Browser(home);
    const callback = await choose(browser, await openTab(browser, '/'), 'uma');
    const foreign = await new Browser(home).navigate(callback);
    expect(await pageCodeOf(foreign)).toBe('LOGIN_TRANSACTION_INVALID');
    expect((await browser.navigate(callback)).status).toBe(302);
    expect(await pageCodeOf(await browser.navigate(callback))).toBe('LOGIN_TRANSACTION_INVALID');
  });

  it.each([
    ['state', 'LOGIN_TRANSACTION_INVALID', true],
    ['code', 'AUTHORIZATION_CODE_INVALID', false],
    ['iss', 'ISSUER_MISMATCH', false],
  ])('refuses a callback whose %s was tampered with', async (name, code, isStillGood) => {
    const browser = new Browser(home);
    const callback = await choose(browser, await openTab(browser, '/'), 'uma');
    const tampered = new URL(callback);
    tampered.searchParams.set(name, `${tampered.searchParams.get(name)}x`);
    expect(await pageCodeOf(await browser.navigate(tampered.href))).toBe(code);
    // Nobody can use up an attempt whose state they do not know.
    expect((await browser.navigate(callback)).status).toBe(isStillGood ? 302 : 400);
  });

  it('stays logged in when the way back leads to a callback that was used, and can log in again', async () => {
    const browser = new Browser(home);
    const page = await openTab(browser, '/');
    const callback = await choose(browser, page, 'uma');
    await browser.navigate(callback);
    expect((await browser.navigate(callback)).status).toBe(400);
    expect(await whoIs(browser)).toMatchObject({ username: 'uma' });
    await browser.navigate(await choose(browser, await openTab(browser, '/'), 'gus'));
    expect(await whoIs(browser)).toMatchObject({ username: 'gus' });
  });

  it('refuses the code of one provider at the other, and lets nobody in', async () => {
    const browser = new Browser(home);
    const [here, there] = [await openTab(browser, '/'), await openTab(browser, '/', '&provider=partner')];
    const answer = new URL(await choose(browser, here, 'uma'));
    const other = new URL(await choose(browser, there, 'uma'));
    answer.searchParams.set('state', other.searchParams.get('state') ?? '');
    expect(await pageCodeOf(await browser.navigate(answer.href))).toBe('ISSUER_MISMATCH');
    expect(await codeOf(await browser.fetch('/api/user'))).toBe('NOT_AUTHENTICATED');
  });

  it('makes one subject at two providers two people, logged in side by side', async () => {
    const here = await logIn(home, 'uma');
    const there = new Browser(home);
    await there.navigate(await choose(there, await openTab(there, '/', '&provider=partner'), 'uma'));
    const [one, two] = [await whoIs(here), await whoIs(there)];
    expect([one['username'], two['username']]).toEqual(['uma', 'uma']);
    expect(one['id']).not.toBe(two['id']);
  });

  it.each(['', '&reauthenticate=true'])('learns when somebody proved who they are: %j', async (more) => {
    const browser = new Browser(home);
    const before = Date.now() - 1000;
    await browser.navigate(await choose(browser, await openTab(browser, '/', more), 'ada'));
    expect(await whoIs(browser)).toMatchObject({ username: 'ada' });
    const [session] = await app
      .get(DataSource)
      .query<{ authenticated_at: Date }[]>('SELECT authenticated_at FROM sessions ORDER BY created_at DESC');
    // In whole seconds, which only the provider counts in.
    expect(session?.authenticated_at.getMilliseconds()).toBe(0);
    expect(session?.authenticated_at.getTime()).toBeGreaterThanOrEqual(before);
  });

  it.each([
    ['ada', 'admin'],
    ['paul', 'power_user'],
    ['uma', 'user'],
    ['gus', 'guest'],
  ])('logs %s in as %s, with what the provider knows', async (person, role) => {
    const browser = await logIn(home, person);
    const { data } = (await (await browser.fetch('/api/user')).json()) as { data: object };
    const known = provider.people.find(({ sub }) => sub === person);
    expect(data).toMatchObject({ username: person, displayName: known?.name, email: known?.email, role });
  });

  it('lets two tabs log in in any order', async () => {
    const browser = new Browser(home);
    const first = await openTab(browser, '/first');
    const second = await openTab(browser, '/second');
    const secondDone = await browser.navigate(await choose(browser, second, 'uma'));
    const firstDone = await browser.navigate(await choose(browser, first, 'uma'));
    expect(secondDone.headers.get('location')).toBe('/second');
    expect(firstDone.headers.get('location')).toBe('/first');
    expect((await browser.fetch('/api/user')).status).toBe(200);
  });

  it('logs out for good', async () => {
    const browser = await logIn(home, 'uma');
    expect((await browser.fetch('/api/logout', { method: 'POST' })).status).toBe(200);
    expect(await codeOf(await browser.fetch('/api/user'))).toBe('NOT_AUTHENTICATED');
  });

  it('logs out at the provider as well, which ends what else was opened by its session', async () => {
    // Under Jest oidc-provider does not find the HTTP client of fetch, which it hardens, and says so.
    jest.spyOn(console, 'warn').mockImplementationOnce(() => undefined);
    const browser = await logIn(home, 'uma');
    const other = new Browser(home);
    for (const [name, value] of browser.jar()) other.jar().set(name, value);
    // As if a second browser shared the session at the provider: this one forgets that it had a session here.
    browser.jar().clear();
    const page = await follow(browser, `${home}/app/login`);
    expect((await browser.navigate(await choose(browser, page.url, 'uma'))).status).toBe(302);
    expect((await other.fetch('/api/user')).status).toBe(200);

    const response = await browser.fetch('/api/logout', { method: 'POST' });
    const { data } = (await response.json()) as { data: { logoutUrl: string } };
    const question = await follow(browser, data.logoutUrl);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(await question.response.text())?.[1] ?? '';
    const confirmed = await browser.navigate(new URL('/session/end/confirm', provider.issuer).href, {
      method: 'POST',
      body: new URLSearchParams({ xsrf, logout: 'yes' }),
    });
    expect(confirmed.headers.get('location')).toBe(`${home}/`);
    const refused = await eventually(async () => {
      const answer = await other.fetch('/api/user');
      return answer.ok ? undefined : answer;
    });
    expect(await codeOf(refused)).toBe('SESSION_ENDED');
  });

  it('asks the provider again at a refresh', async () => {
    const browser = await logIn(home, 'ada');
    await app.get(DataSource).query(`UPDATE sessions SET provider_checked_at = now() - interval '1 hour'`);
    await app.get(DataSource).query(`UPDATE users SET role = 'guest' WHERE subject = 'ada'`);
    await browser.fetch('/api/session/refresh', { method: 'POST' });
    const { data } = (await (await browser.fetch('/api/user')).json()) as { data: { role: string } };
    expect(data.role).toBe('admin');
  });
});
