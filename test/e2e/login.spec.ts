import { createServer, type AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/create-app.js';
import {
  startDevelopmentIdentityProvider,
  type DevelopmentIdentityProvider,
} from '../../src/embedded/development-identity-provider.js';
import { developmentGroupRoles } from '../../src/embedded/development-people.js';
import { codeOf, pageCodeOf } from '../support/auth-application.js';
import { Browser } from '../support/browser.js';
import { choose, follow, logIn } from '../support/login.js';
import { testConfiguration } from '../support/test-configuration.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let provider: DevelopmentIdentityProvider;
let app: NestExpressApplication;
let home: string;

beforeAll(async () => {
  const port = await freePort();
  home = `http://localhost:${port}`;
  database = await createTestDatabase();
  provider = await startDevelopmentIdentityProvider({
    port: 0,
    redirectUris: [`${home}/app/login/callback`],
    postLogoutRedirectUris: [home],
    log: () => undefined,
  });
  app = await createApp(
    testConfiguration({
      'database.url': database.url,
      'server.publicUrl': home,
      'oidc.issuer': provider.issuer,
      'oidc.clientId': provider.clientId,
      'oidc.clientSecret': provider.clientSecret,
      'identity.groupRoles': developmentGroupRoles,
    }),
  );
  await app.listen(port, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  await provider.stop();
  await database.drop();
});

/** A port that was free a moment ago: the provider must know our redirect URI before we listen. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // Listens on TCP.
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The page of the provider that asks who it is, on the way to `returnTo`. */
async function openTab(browser: Browser, returnTo: string): Promise<string> {
  const { url } = await follow(browser, `${home}/app/login?returnTo=${returnTo}`);
  return url;
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
    expect((await browser.fetch('/api/logout', { method: 'POST' })).status).toBe(204);
    expect(await codeOf(await browser.fetch('/api/user'))).toBe('NOT_AUTHENTICATED');
  });
});
