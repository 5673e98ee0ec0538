import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SetupState } from '../../src/auth/setup/setup-state.service.js';
import { Transactions } from '../../src/infrastructure/database/transactions.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const password = 'kanarienvogel im fichtenwald';
const account = { username: 'root of all', password, displayName: 'Root' };
const newerSecret = 'the newer secret, 32 characters.';
const olderSecret = 'an older secret of 32 characters';
const otherTenantId = '019a0000-0000-7000-8000-000000000001';
const local: EmbeddedValues = { 'login.local': 'on' };

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
const running: AuthApplication[] = [];
let app: AuthApplication;
let lastEvent = '0';

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await start(local);
});

beforeEach(async () => {
  clock.reset();
  // One that saw the end of a setup knows of no other.
  if (!(await app.get(SetupState).isDue())) app = await start(local);
  lastEvent = (await recorded('0')).at(-1)?.seq ?? '0';
  await app.database.query(
    `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'other', 'Other', now()) ON CONFLICT DO NOTHING`,
    [otherTenantId],
  );
});

afterEach(async () => {
  await app.database.query('TRUNCATE users CASCADE');
  await app.database.query('UPDATE installation SET setup_completed_at = NULL');
  await app.database.query('DELETE FROM tenant_identities');
  const others = running.filter((application) => application !== app);
  await Promise.all(others.map((application) => application.stop()));
  running.splice(0, running.length, app);
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

async function start(settings: EmbeddedValues): Promise<AuthApplication> {
  const all = { 'identity.groupRoles': { admins: 'admin' }, ...settings } as const;
  const application = await AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: all,
  });
  running.push(application);
  return application;
}

interface Recorded {
  readonly seq: string;
  readonly action: string;
  readonly outcome: string;
  readonly details: object;
}

function recorded(since = lastEvent): Promise<Recorded[]> {
  return app.database.query(
    `SELECT seq, action, outcome, details FROM audit_events WHERE seq > $1 AND action LIKE 'setup.%' ORDER BY seq`,
    [since],
  );
}

function token(application = app): Promise<string> {
  return application.get(SetupState).token();
}

function setUp(body: object, browser: Browser = app.browser()): Promise<Response> {
  return browser.fetch('/api/setup', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

async function isDue(application = app): Promise<boolean> {
  const response = await application.browser().fetch('/api/info');
  return ((await response.json()) as { data: { setupDue: boolean } }).data.setupDue;
}

async function completedAt(): Promise<Date | null | undefined> {
  const rows = await app.database.query<{ setup_completed_at: Date | null }[]>(
    'SELECT setup_completed_at FROM installation',
  );
  return rows[0]?.setup_completed_at;
}

async function admins(): Promise<string[]> {
  const rows = await app.database.query<{ username: string }[]>(
    `SELECT username FROM users WHERE role = 'admin' ORDER BY username`,
  );
  return rows.map(({ username }) => username);
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(await codeOf(response)).toBe(code);
  expect(response.status).toBe(status);
  expect(response.headers.getSetCookie()).toEqual([]);
}

async function expectStillDue(): Promise<void> {
  expect([await admins(), await completedAt(), await isDue()]).toEqual([[], null, true]);
}

describe('setup', () => {
  it('refuses a wrong token, and it is on record', async () => {
    const good = await token();
    const browser = await app.logIn();
    const flipped = `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`;
    for (const wrong of [flipped, good.slice(1), `${good} `, 'x', '\u{1F600}'.repeat(43)]) {
      await expectRefusal(await setUp({ token: wrong, account }), 403, 'SETUP_TOKEN_INVALID');
      await expectRefusal(await setUp({ token: wrong }, browser), 403, 'SETUP_TOKEN_INVALID');
    }
    await expectStillDue();
    const failures = await recorded();
    expect(failures).toHaveLength(10);
    expect(failures[0]).toMatchObject({ action: 'setup.failed', outcome: 'failure', details: {} });
  });

  it('refuses the token of another installation', async () => {
    const other = await start({ ...local, 'session.secrets': [newerSecret] });
    await expectRefusal(await setUp({ token: await token(other), account }), 403, 'SETUP_TOKEN_INVALID');
    const before = await token();
    await app.database.query('UPDATE installation SET setup_salt = gen_random_uuid()');
    await expectRefusal(await setUp({ token: before, account }), 403, 'SETUP_TOKEN_INVALID');
    await expectStillDue();
  });

  it('refuses whoever neither is logged in nor brings an account', async () => {
    await expectRefusal(await setUp({ token: await token() }), 401, 'NOT_AUTHENTICATED');
    await expectStillDue();
  });

  it('refuses a person of another tenant', async () => {
    const browser = await app.logIn();
    await app.database.query('DELETE FROM sessions');
    await app.database.query('UPDATE users SET tenant_id = $1', [otherTenantId]);
    await app.database.query(
      `INSERT INTO tenant_identities (issuer, claim_value, tenant_id) VALUES ($1, '', $2)`,
      [provider.issuer, otherTenantId],
    );
    await app.logIn({}, browser);
    await expectRefusal(await setUp({ token: await token() }, browser), 403, 'FORBIDDEN');
    await expectStillDue();
  });

  it('refuses a suspended person', async () => {
    const browser = await app.logIn();
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    clock.advance(1);
    await expectRefusal(await setUp({ token: await token() }, browser), 401, 'NOT_AUTHENTICATED');
    await expectStillDue();
  });

  it('refuses what another site sends with the cookies of a person', async () => {
    const browser = await app.logIn();
    const response = await browser.fetch('/api/setup', {
      method: 'POST',
      body: JSON.stringify({ token: await token() }),
      headers: { 'content-type': 'application/json', 'Sec-Fetch-Site': 'cross-site' },
    });
    await expectRefusal(response, 403, 'CROSS_SITE_REQUEST');
    await expectStillDue();
  });

  it.each<[string, object, number, string]>([
    ['is weak', { ...account, password: 'passwort' }, 422, 'PASSWORD_TOO_WEAK'],
    ['says a role', { ...account, role: 'admin' }, 400, 'VALIDATION_FAILED'],
    ['has no password', { username: 'root' }, 400, 'VALIDATION_FAILED'],
  ])('refuses an account that %s', async (_name, wrong, status, code) => {
    await expectRefusal(await setUp({ token: await token(), account: wrong }), status, code);
    await expectStillDue();
  });

  it.each<[string, unknown, string, string]>([
    ['nothing', {}, 'VALIDATION_FAILED', 'token'],
    ['a list', [], 'INVALID_BODY', ''],
    ['an unknown field', { token: 'x', role: 'admin' }, 'VALIDATION_FAILED', 'role'],
    ['no token', { account }, 'VALIDATION_FAILED', 'token'],
    ['a token that is no text', { token: 5 }, 'VALIDATION_FAILED', 'token'],
    ['a token beyond reason', { token: 'x'.repeat(201) }, 'VALIDATION_FAILED', 'token'],
    ['an account that is no object', { token: 'x', account: 'root' }, 'VALIDATION_FAILED', 'account'],
    ['an account that is null', { token: 'x', account: null }, 'VALIDATION_FAILED', 'account'],
    ['a list of accounts', { token: 'x', account: [account] }, 'VALIDATION_FAILED', 'account'],
    ['an account of nobody', { token: 'x', account: {} }, 'VALIDATION_FAILED', 'account.username'],
  ])('refuses %s', async (_name, body, code, param) => {
    const response = await setUp(body as object);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code, ...(param === '' ? {} : { param }) } });
    await expectStillDue();
  });

  it('refuses an account where people log in at their identity provider', async () => {
    const other = await start({ 'login.local': 'off' });
    const response = await setUp({ token: await token(), account }, other.browser());
    await expectRefusal(response, 422, 'LOCAL_LOGIN_OFF');
    await expectStillDue();
  });

  it('stays due when the name of the account is taken', async () => {
    await setUp({ token: await token(), account });
    await app.database.query(`UPDATE users SET role = 'user'`);
    await app.database.query('UPDATE installation SET setup_completed_at = NULL');
    const other = await start(local);
    const response = await setUp({ token: await token(), account }, other.browser());
    await expectRefusal(response, 409, 'USERNAME_TAKEN');
    expect([await admins(), await completedAt(), await isDue(other)]).toEqual([[], null, true]);
  });

  it('makes whoever is logged in the admin, with all rights at once', async () => {
    const browser = await app.logIn({ preferred_username: 'ada' });
    const stranger = await app.logIn({ sub: 'eve', preferred_username: 'eve' });
    expect((await browser.fetch('/api/tenants')).status).toBe(403);
    const response = await setUp({ token: await token() }, browser);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ data: { username: 'ada', role: 'admin' } });
    expect((await browser.fetch('/api/tenants')).status).toBe(200);
    expect((await stranger.fetch('/api/tenants')).status).toBe(403);
    expect([await admins(), await isDue()]).toEqual([['ada'], false]);
    expect(await recorded()).toMatchObject([{ action: 'setup.completed', details: { by: 'session' } }]);
  });

  it('makes an account for the admin, and logs them in', async () => {
    const browser = app.browser();
    const response = await setUp({ token: await token(), account }, browser);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      data: { username: 'root of all', displayName: 'Root', role: 'admin' },
    });
    expect((await browser.fetch('/api/users')).status).toBe(200);
    expect([await admins(), await completedAt()]).toEqual([['root of all'], clock.now()]);
    expect(await recorded()).toMatchObject([{ action: 'setup.completed', details: { by: 'account' } }]);
    const body = JSON.stringify({ username: 'root of all', password });
    const headers = { 'content-type': 'application/json' };
    const login = await app.browser().fetch('/api/login', { method: 'POST', body, headers });
    expect(login.status).toBe(200);
    const rows = JSON.stringify(await app.database.query('SELECT * FROM audit_events'));
    expect(rows).not.toContain('kanarienvogel');
    expect(rows).not.toContain(await token());
  });

  it('prefers the account to whoever is logged in', async () => {
    const browser = await app.logIn({ preferred_username: 'ada' });
    expect((await setUp({ token: await token(), account }, browser)).status).toBe(200);
    expect(await admins()).toEqual(['root of all']);
  });

  it('takes the token of every key that still counts', async () => {
    const old = await start({ ...local, 'session.secrets': [olderSecret] });
    const rotated = await start({ ...local, 'session.secrets': [newerSecret, olderSecret] });
    expect(await token(old)).not.toBe(await token(rotated));
    const response = await setUp({ token: await token(old), account }, rotated.browser());
    expect(response.status).toBe(200);
  });
});

describe('a claim to the setup', () => {
  const claim = (): Promise<boolean> => app.get(Transactions).run((db) => app.get(SetupState).claim(db));

  it('is refused to the second, also when the first is no admin any more', async () => {
    expect([await claim(), await claim()]).toEqual([true, false]);
  });

  it('is refused when an admin came by other means a moment ago, which ends the setup', async () => {
    await app.logIn({ sub: 'ada', groups: ['admins'] });
    expect([await claim(), await completedAt()]).toEqual([false, clock.now()]);
  });

  it('lapses with its transaction', async () => {
    const failing = app.get(Transactions).run(async (db) => {
      await app.get(SetupState).claim(db);
      throw new Error('it failed');
    });
    await expect(failing).rejects.toThrow('it failed');
    expect(await claim()).toBe(true);
  });
});

describe('afterwards', () => {
  /** Whatever is sent. */
  async function expectNothingThere(application: AuthApplication): Promise<void> {
    const browser = await application.logIn({ sub: 'late', preferred_username: 'late' });
    const good = await token(application);
    for (const body of [{ token: good }, { token: good, account }, { token: 'wrong' }, {}, { x: 1 }]) {
      await expectRefusal(await setUp(body, application.browser()), 404, 'NOT_FOUND');
      await expectRefusal(await setUp(body, browser), 404, 'NOT_FOUND');
    }
    for (const type of ['application/json', 'text/plain']) {
      const init = { method: 'POST', body: '{', headers: { 'content-type': type } };
      await expectRefusal(await fetch(`${application.url}/api/setup`, init), 404, 'NOT_FOUND');
    }
    expect(await isDue(application)).toBe(false);
  }

  it('the route is 404 for good, on every replica, also when nobody is admin any more', async () => {
    const other = await start(local);
    expect(await isDue(other)).toBe(true);
    await setUp({ token: await token(), account });
    await expectNothingThere(app);
    await expectNothingThere(other);
    await app.database.query(`UPDATE users SET role = 'user'`);
    await expectNothingThere(app);
    await expectNothingThere(await start(local));
    await app.database.query('TRUNCATE users CASCADE');
    await expectNothingThere(await start(local));
    expect(await admins()).toEqual([]);
  });

  it.each([
    ['a group', { sub: 'ada', groups: ['admins'] }],
    ['configuration', { sub: 'root' }],
  ])('is from the first admin on who came by %s', async (_name, claims) => {
    const configured = await start({ ...local, 'identity.admins': [`${provider.issuer}#root`] });
    await configured.logIn(claims);
    expect(await admins()).toHaveLength(1);
    await expectNothingThere(configured);
    expect(await completedAt()).toEqual(clock.now());
    await app.database.query('TRUNCATE users CASCADE');
    await expectNothingThere(app);
  });

  it('costs no query', async () => {
    await setUp({ token: await token(), account });
    expect(await isDue()).toBe(false);
    await app.database.query('ALTER TABLE installation RENAME TO elsewhere');
    try {
      expect(await isDue()).toBe(false);
      await expectRefusal(await setUp({ token: 'x' }), 404, 'NOT_FOUND');
    } finally {
      await app.database.query('ALTER TABLE elsewhere RENAME TO installation');
    }
  });

  it('a suspended admin, or one of another tenant, or a program, is not yet an admin', async () => {
    await app.logIn({ sub: 'ada', groups: ['admins'] });
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    expect(await isDue()).toBe(true);
    await app.database.query(`UPDATE users SET status = 'active', kind = 'service'`);
    expect(await isDue()).toBe(true);
    await app.database.query('DELETE FROM sessions');
    await app.database.query(`UPDATE users SET kind = 'person', tenant_id = $1`, [otherTenantId]);
    expect(await isDue()).toBe(true);
    await app.logIn({ sub: 'root', groups: ['admins'] });
    expect(await isDue()).toBe(false);
  });
});
