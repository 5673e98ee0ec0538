import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';
import { ask } from '../support/tokens.js';

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
    settings: { 'identity.groupRoles': { admins: 'admin' } },
  });
});

afterEach(() => app.database.query('TRUNCATE users CASCADE'));

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

function asBearer(credential: string): Promise<Response> {
  return fetch(`${app.url}/api/user`, { headers: { authorization: `Bearer ${credential}` } });
}

function asCookie(credential: string): Promise<Response> {
  return fetch(`${app.url}/api/user`, { headers: { cookie: `parley_session=${credential}` } });
}

async function issue(admin: Browser, fields: Record<string, unknown>): Promise<string> {
  const expiresAt = new Date(clock.now().getTime() + 60_000).toISOString();
  const body = { name: 'door', scopes: ['read'], expiresAt, ...fields };
  const { data, status } = await ask(admin, 'POST', '/api/tokens', body);
  expect(status).toBe(201);
  return data.token;
}

/** Each credential is presented where it belongs first, so that its caller is remembered, and then at the other door. */
describe('a credential that was remembered at one door', () => {
  it('is nothing at the other: a token as a cookie, a session as a bearer', async () => {
    const admin = await app.logIn({ sub: 'root', groups: ['admins'] });
    const token = await issue(admin, {});
    const session = admin.jar().get('parley_session') ?? '';
    expect([(await asBearer(token)).status, (await asCookie(session)).status]).toEqual([200, 200]);
    expect([(await asCookie(token)).status, (await asBearer(session)).status]).toEqual([401, 401]);
  });

  it('lets no token in as a cookie that was refused as a bearer', async () => {
    const admin = await app.logIn({ sub: 'root', groups: ['admins'] });
    const elsewhere = await issue(admin, { allowedNetworks: ['192.0.2.0/24'] });
    expect(await codeOf(await asBearer(elsewhere))).toBe('TOKEN_NETWORK_FORBIDDEN');
    expect((await asCookie(elsewhere)).status).toBe(401);
    const expired = await issue(admin, {});
    clock.advance(61);
    expect(await codeOf(await asBearer(expired))).toBe('TOKEN_EXPIRED');
    expect((await asCookie(expired)).status).toBe(401);
  });
});

describe('a slow tab', () => {
  it('that comes within the grace with a token of long ago gets the newest one, and logs nobody out', async () => {
    const browser = await app.logIn();
    const jar = browser.jar();
    const first = jar.get('parley_refresh') ?? '';
    for (let round = 0; round < 3; round++) await browser.fetch('/api/session/refresh', { method: 'POST' });
    const newest = jar.get('parley_refresh');
    jar.set('parley_refresh', first);
    expect((await browser.fetch('/api/session/refresh', { method: 'POST' })).status).toBe(200);
    expect(jar.get('parley_refresh')).toBe(newest);
    clock.advance(60);
    expect((await browser.fetch('/api/session/refresh', { method: 'POST' })).status).toBe(200);
  });
});
