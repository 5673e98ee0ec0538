import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const secret = 'the first secret, 32 characters.';
const newSecret = 'a newer secret of 32 characters.';
const minute = 60;

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;
let replica: AuthApplication;
const others: AuthApplication[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await start();
  replica = await start();
});

beforeEach(() => {
  clock.reset();
  provider.issuesRefreshTokens = true;
  provider.isDown = false;
  provider.isStalled = false;
  provider.renewal = {};
  provider.renewalError = undefined;
  provider.renewals = 0;
  provider.userInfo = {};
});

afterEach(async () => {
  await app.database.query('TRUNCATE users CASCADE');
  await Promise.all(others.splice(0).map((application) => application.stop()));
});

afterAll(async () => {
  await Promise.all([app.stop(), replica.stop()]);
  await provider.stop();
  await database.drop();
});

function start(settings: EmbeddedValues = {}): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: {
      'session.secrets': [secret],
      'identity.groupRoles': { admins: 'admin', guests: 'guest' },
      ...settings,
    },
  });
}

async function startAnother(settings: EmbeddedValues): Promise<AuthApplication> {
  const application = await start(settings);
  others.push(application);
  return application;
}

function cloneOf(browser: Browser, application = app): Browser {
  const clone = application.browser();
  for (const [name, value] of browser.jar()) clone.jar().set(name, value);
  return clone;
}

function refresh(browser: Browser): Promise<Response> {
  return browser.fetch('/api/session/refresh', { method: 'POST' });
}

/** The role that a request gets. */
async function roleOf(browser: Browser): Promise<string> {
  const response = await browser.fetch('/api/user');
  const { data } = (await response.json()) as { data: { role: string } };
  return data.role;
}

function scopesOf(browser: Browser): unknown {
  return decodeJwt(browser.jar().get('parley_session') ?? '')['scope'];
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect([response.status, await codeOf(response)]).toEqual([status, code]);
}

interface SessionRow {
  readonly id: string;
  readonly revoked_reason: string | null;
  readonly provider_tokens: Buffer | null;
}

function sessions(): Promise<SessionRow[]> {
  return app.database.query<SessionRow[]>('SELECT * FROM sessions ORDER BY created_at');
}

/** What is recorded of the request made last; the record outlives each test. */
function lastAuditOf(action: string): Promise<{ actor_kind: string; details: object }[]> {
  return app.database.query(
    `SELECT * FROM audit_events WHERE action = $1 AND request_id =
       (SELECT request_id FROM audit_events ORDER BY seq DESC LIMIT 1)`,
    [action],
  );
}

describe('a session that the provider no longer honours', () => {
  it('ends at its next refresh', async () => {
    const browser = await app.logIn();
    const copy = cloneOf(browser);
    provider.renewalError = 'invalid_grant';
    clock.advance(15 * minute);
    await expectRefusal(await browser.fetch('/api/user'), 401, 'SESSION_ENDED');
    expect(await sessions()).toMatchObject([{ revoked_reason: 'provider_refused', provider_tokens: null }]);
    await expectRefusal(await refresh(copy), 401, 'SESSION_ENDED');
    expect(await lastAuditOf('session.revoked')).toMatchObject([
      { actor_kind: 'system', details: { reason: 'provider_refused' } },
    ]);
  });

  it('ends when the provider speaks of somebody else', async () => {
    const browser = await app.logIn();
    provider.renewal = { sub: 'eve' };
    clock.advance(15 * minute);
    await expectRefusal(await refresh(browser), 401, 'SESSION_ENDED');
    expect(await sessions()).toMatchObject([{ revoked_reason: 'provider_refused' }]);
  });

  it('ends when its person would be refused a login', async () => {
    const strict = await startAnother({ 'identity.absentGroups': 'refuse' });
    const browser = await strict.logIn({ groups: [] });
    provider.renewal = { groups: undefined };
    clock.advance(15 * minute);
    await expectRefusal(await refresh(browser), 401, 'SESSION_ENDED');
    expect(await sessions()).toMatchObject([{ revoked_reason: 'provider_refused' }]);
  });

  it('leaves the other sessions of the person to their own refreshes', async () => {
    const browser = await app.logIn();
    clock.advance(10 * minute);
    const other = await app.logIn();
    clock.advance(5 * minute);
    provider.renewalError = 'invalid_grant';
    await refresh(browser);
    expect((await refresh(other)).status).toBe(200);
  });
});

describe('a provider that cannot be asked', () => {
  // The last admin would stay one, whatever was said.
  beforeEach(() => app.logIn({ sub: 'root', groups: ['admins'] }));

  it.each([
    ['is down', () => (provider.isDown = true)],
    ['does not know us any more', () => (provider.renewalError = 'invalid_client')],
    ['signs with a key of nobody', () => provider.forgeKey()],
    ['answers for another client', () => (provider.renewal = { aud: 'another', groups: [] })],
    ['answers for another party', () => (provider.renewal = { azp: 'another', groups: [] })],
  ])('changes nothing when it %s', async (_name, breakIt) => {
    const browser = await app.logIn({ groups: ['admins'] });
    await breakIt();
    clock.advance(15 * minute);
    expect((await refresh(browser)).status).toBe(200);
    provider.isDown = false;
    await provider.rotateKeys();
    expect(await roleOf(browser)).toBe('admin');
    expect((await sessions()).map(({ revoked_reason: reason }) => reason)).toEqual([null, null]);
  });

  it('is waited for five seconds, and not longer', async () => {
    const browser = await app.logIn({ groups: ['admins'] });
    provider.isStalled = true;
    clock.advance(15 * minute);
    const began = performance.now();
    const clones = [browser, cloneOf(browser), cloneOf(browser)];
    const responses = await Promise.all(clones.map(refresh));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(performance.now() - began).toBeLessThan(6500);
    expect(provider.renewals).toBe(1);
    expect(await roleOf(browser)).toBe('admin');
  }, 15_000);

  it('is asked again after the next interval', async () => {
    const browser = await app.logIn({ groups: ['admins'] });
    provider.isDown = true;
    clock.advance(15 * minute);
    await refresh(browser);
    provider.isDown = false;
    provider.renewal = { groups: [] };
    clock.advance(15 * minute);
    await refresh(browser);
    expect(await roleOf(browser)).toBe('user');
  });
});

describe('groups that changed at the provider', () => {
  // The last admin would stay one.
  beforeEach(() => app.logIn({ sub: 'root', groups: ['admins'] }));

  it('take effect at the next refresh, in the very request that needed it', async () => {
    const browser = await app.logIn({ groups: ['admins'] });
    provider.renewal = { groups: [] };
    expect(await roleOf(browser)).toBe('admin');
    clock.advance(15 * minute);
    expect(await roleOf(browser)).toBe('user');
    expect(scopesOf(browser)).toEqual(['read', 'write']);
    expect(await lastAuditOf('user.role_changed')).toMatchObject([
      { details: { from: 'admin', to: 'user' } },
    ]);
  });

  it('promote as well, with the scopes of the new role', async () => {
    const browser = await app.logIn();
    provider.renewal = { groups: ['admins'] };
    clock.advance(15 * minute);
    await refresh(browser);
    expect(scopesOf(browser)).toEqual(['read', 'write', 'admin']);
    expect(await roleOf(browser)).toBe('admin');
  });

  it('count for every tab that refreshes at the same moment', async () => {
    const browser = await app.logIn({ groups: ['admins'] });
    provider.renewal = { groups: [] };
    clock.advance(15 * minute);
    const tabs = Array.from({ length: 10 }, () => cloneOf(browser));
    await Promise.all(tabs.map((tab) => tab.fetch('/api/user')));
    expect(tabs.map(scopesOf)).toEqual(tabs.map(() => ['read', 'write']));
  });

  it('are heard at userinfo, too', async () => {
    const browser = await app.logIn();
    provider.userInfo = { groups: ['admins'], name: 'Ada Lovelace' };
    clock.advance(15 * minute);
    expect(await roleOf(browser)).toBe('admin');
    expect(await app.database.query(`SELECT display_name FROM users WHERE subject = 'ada'`)).toEqual([
      { display_name: 'Ada Lovelace' },
    ]);
  });

  it('keep the role when the claim is absent, unless a setting says otherwise', async () => {
    const browser = await app.logIn({ groups: ['admins'] });
    provider.renewal = { groups: undefined };
    clock.advance(15 * minute);
    expect(await roleOf(browser)).toBe('admin');
  });
});

describe('asking the provider', () => {
  it('happens once for ten tabs on two replicas, and again after the interval', async () => {
    let browser = await app.logIn();
    for (let round = 1; round <= 5; round++) {
      clock.advance(15 * minute);
      const tabs = Array.from({ length: 10 }, (_, index) => cloneOf(browser, index % 2 ? app : replica));
      const responses = await Promise.all(tabs.map(refresh));
      expect(responses.map(({ status }) => status)).toEqual(tabs.map(() => 200));
      expect(provider.renewals).toBe(round);
      browser = tabs[0] ?? browser;
    }
  });

  it('does not happen before the interval is over', async () => {
    const browser = await app.logIn();
    clock.advance(15 * minute - 1);
    await refresh(browser);
    expect(provider.renewals).toBe(0);
    clock.advance(1);
    await refresh(browser);
    await refresh(browser);
    expect(provider.renewals).toBe(1);
  });

  it('does not happen without a refresh token', async () => {
    provider.issuesRefreshTokens = false;
    const browser = await app.logIn();
    clock.advance(15 * minute);
    expect((await refresh(browser)).status).toBe(200);
    expect(provider.renewals).toBe(0);
  });

  it('does not happen to a suspended person', async () => {
    const browser = await app.logIn();
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    clock.advance(15 * minute);
    await expectRefusal(await refresh(browser), 403, 'USER_SUSPENDED');
    expect(provider.renewals).toBe(0);
  });

  it('goes by the refresh token that the provider gave last, which no row shows', async () => {
    const browser = await app.logIn();
    const kept = new Set<string>();
    for (let round = 1; round <= 3; round++) {
      clock.advance(15 * minute);
      expect((await refresh(browser)).status).toBe(200);
      const [session] = await sessions();
      kept.add(session?.provider_tokens?.toString('base64') ?? '');
      expect(session?.provider_tokens?.toString('latin1')).not.toContain('refreshToken');
    }
    expect(provider.renewals).toBe(3);
    expect(kept.size).toBe(3);
  });

  it('goes on with an older secret, and without the secret the session goes on unasked', async () => {
    const browser = await app.logIn();
    clock.advance(15 * minute);
    const rotated = await startAnother({ 'session.secrets': [newSecret, secret] });
    const later = cloneOf(browser, rotated);
    expect((await refresh(later)).status).toBe(200);
    expect(provider.renewals).toBe(1);
    clock.advance(15 * minute);
    const latest = cloneOf(later, await startAnother({ 'session.secrets': [newSecret] }));
    expect((await refresh(latest)).status).toBe(200);
    expect(provider.renewals).toBe(2);
    const lost = cloneOf(
      latest,
      await startAnother({ 'session.secrets': ['a third secret of 32 characters.'] }),
    );
    clock.advance(15 * minute);
    expect((await refresh(lost)).status).toBe(200);
    expect(provider.renewals).toBe(2);
  });
});
