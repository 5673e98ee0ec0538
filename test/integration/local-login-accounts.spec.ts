import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LocalAccountsService } from '../../src/auth/local/local-accounts.service.js';
import { fromWireId, toWireId } from '../../src/common/ids.js';
import type { Role } from '../../src/common/owner.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { User } from '../../src/users/user.entity.js';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const password = 'kanarienvogel im fichtenwald';
const newPassword = 'nachtigall hinterm gartentor';
const otherTenantId = '019a0000-0000-7000-8000-000000000001';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;
let lastEvent = '0';

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: { 'login.local': 'on' },
  });
  await app.database.query(
    `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'other', 'Other', now())`,
    [otherTenantId],
  );
});

beforeEach(async () => {
  clock.reset();
  lastEvent = (await recorded('0')).at(-1)?.seq ?? '0';
});

afterEach(() => app.database.query('TRUNCATE users CASCADE'));

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

interface Recorded {
  readonly seq: string;
  readonly action: string;
  readonly target_id: string | null;
}

function recorded(since = lastEvent): Promise<Recorded[]> {
  return app.database.query('SELECT seq, action, target_id FROM audit_events WHERE seq > $1 ORDER BY seq', [
    since,
  ]);
}

async function timesRecorded(action: string): Promise<number> {
  return (await recorded()).filter((event) => event.action === action).length;
}

function account(username: string, role: Role = 'user', tenantId = defaultTenantId): Promise<User> {
  return app.get(LocalAccountsService).create({ tenantId, username, password, role });
}

function send(browser: Browser, path: string, body: object): Promise<Response> {
  return browser.fetch(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

async function logIn(username: string, by = password): Promise<Browser> {
  const browser = app.browser();
  expect((await send(browser, '/api/login', { username, password: by })).status).toBe(200);
  return browser;
}

async function canLogIn(username: string, by: string): Promise<boolean> {
  return (await send(app.browser(), '/api/login', { username, password: by })).status === 200;
}

async function statusOf(browser: Browser): Promise<number> {
  return (await browser.fetch('/api/user')).status;
}

async function admin(): Promise<Browser> {
  await account('root of all', 'admin');
  return logIn('root of all');
}

async function expectRefusal(response: Response, status: number, code: string): Promise<void> {
  expect(await codeOf(response)).toBe(code);
  expect(response.status).toBe(status);
}

async function rows(): Promise<unknown> {
  const [users, accounts] = await Promise.all([
    app.database.query<object[]>('SELECT id, username, role FROM users ORDER BY id'),
    app.database.query<object[]>('SELECT * FROM local_accounts ORDER BY user_id'),
  ]);
  return { users, accounts };
}

describe('making an account', () => {
  it.each<Role>(['power_user', 'user', 'guest'])('is refused to a %s', async (role) => {
    await account('grace', role);
    const browser = await logIn('grace');
    const before = await rows();
    await expectRefusal(
      await send(browser, '/api/users', { username: 'mallory', password }),
      403,
      'FORBIDDEN',
    );
    expect(await rows()).toEqual(before);
  });

  it('is refused to nobody in particular', async () => {
    const response = await send(app.browser(), '/api/users', { username: 'mallory', password });
    await expectRefusal(response, 401, 'NOT_AUTHENTICATED');
  });

  it('is refused to an API token, which could outlive its own revocation by it, as are new passwords', async () => {
    const browser = await admin();
    const expiresAt = new Date(clock.now().getTime() + 3_600_000).toISOString();
    const issued = await send(browser, '/api/tokens', { name: 'CI', scopes: ['admin'], expiresAt });
    const { data } = (await issued.json()) as { data: { token: string; ownerId: string } };
    const headers = { authorization: `Bearer ${data.token}`, 'content-type': 'application/json' };
    const before = await rows();
    for (const [path, body] of [
      ['/api/users', { username: 'mallory', password }],
      [`/api/users/${data.ownerId}/password`, { password: newPassword }],
      ['/api/profile/password', { currentPassword: password, newPassword }],
    ] as const) {
      const request = { method: 'POST', headers, body: JSON.stringify(body) };
      await expectRefusal(await fetch(`${app.url}${path}`, request), 403, 'FORBIDDEN');
    }
    expect((await fetch(`${app.url}/api/users`, { headers })).status).toBe(200);
    expect(await rows()).toEqual(before);
  });

  it('is refused to an admin whose login was long ago', async () => {
    const browser = await admin();
    clock.advance(3601);
    const response = await send(browser, '/api/users', { username: 'mallory', password });
    await expectRefusal(response, 403, 'RECENT_LOGIN_REQUIRED');
  });

  it.each([
    ['short', 'elf zeichen', 'PASSWORD_TOO_WEAK'],
    ['short once composed', '\u0041\u030a'.repeat(6), 'PASSWORD_TOO_WEAK'],
    ['one character', 'a'.repeat(20), 'PASSWORD_TOO_WEAK'],
    ['few characters', 'abcdabcdabcdabcd', 'PASSWORD_TOO_WEAK'],
    ['the username and more', 'xx MALLORY xx 99', 'PASSWORD_TOO_WEAK'],
    ['the username in wide letters', 'xx ｍａｌｌｏｒｙ xx 99', 'PASSWORD_TOO_WEAK'],
    ['what everybody takes', 'Password123!', 'PASSWORD_TOO_WEAK'],
    ['two of what everybody takes', 'qwertyuiop12', 'PASSWORD_TOO_WEAK'],
    ['a row of digits', '234567890123', 'PASSWORD_TOO_WEAK'],
    ['a row of digits backwards', '987654321098', 'PASSWORD_TOO_WEAK'],
  ])('refuses a password that is %s', async (_name, weak, code) => {
    const browser = await admin();
    const before = await rows();
    const response = await send(browser, '/api/users', { username: 'mallory', password: weak });
    expect(await response.clone().json()).toMatchObject({ error: { param: 'password' } });
    await expectRefusal(response, 422, code);
    expect(await rows()).toEqual(before);
  });

  it.each([
    ['username', { username: '' }],
    ['username', { username: 'x'.repeat(201) }],
    ['username', { username: 'ﬃ'.repeat(100) }],
    ['username', { username: ' mallory' }],
    ['username', { username: 'mal  lory' }],
    ['username', { username: 'mal\u200blory' }],
    ['username', { username: 'mal\u202elory' }],
    ['username', { username: 'mal\nlory' }],
    ['username', { username: '\u3164' }],
    ['username', { username: 'mal\u3164lory' }],
    ['username', { username: 'mal\u2800lory' }],
    ['username', { username: 'mal\u034flory' }],
    ['username', { username: 'mal\u115flory' }],
    ['username', { username: 'mal\uffa0lory' }],
    ['username', { username: 'mallory\ufe0f' }],
    ['username', { username: 'mal\ud800lory' }],
    ['password', { password: 'x1y2z3'.repeat(34) }],
    ['role', { role: 'owner' }],
    ['email', { email: 'nobody' }],
    ['email', { email: '\ud800' }],
    ['email', { email: 'a\udfff@acme.test' }],
    ['email', { email: 'a\0@acme.test' }],
    ['email', { email: `a@${'x'.repeat(320)}.test` }],
    ['displayName', { displayName: ' ' }],
    ['issuer', { issuer: 'http://evil.test' }],
    ['tenantId', { tenantId: 'tenant_1' }],
  ])('refuses a %s that is not valid: %j', async (param, change) => {
    const browser = await admin();
    const before = await rows();
    const response = await send(browser, '/api/users', { username: 'mallory', password, ...change });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED', param } });
    expect(await rows()).toEqual(before);
  });

  it.each(['grace', 'GRACE', 'ｇrace'])(
    'refuses the name %s when somebody has it, in any tenant',
    async (name) => {
      const browser = await admin();
      await account('grace', 'user', otherTenantId);
      const before = await rows();
      await expectRefusal(
        await send(browser, '/api/users', { username: name, password }),
        409,
        'USERNAME_TAKEN',
      );
      expect(await rows()).toEqual(before);
    },
  );

  it('gives a name to one of many who want it at once', async () => {
    const browser = await admin();
    const tries = Array.from({ length: 8 }, () =>
      send(browser, '/api/users', { username: 'grace', password }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
    const users = await app.database.query<object[]>(`SELECT id FROM users WHERE username = 'grace'`);
    expect(users).toHaveLength(1);
  });

  it('makes a person of the tenant of the admin, by their own username, who can log in', async () => {
    const browser = await admin();
    const body = {
      username: 'Grace',
      password,
      role: 'power_user',
      displayName: 'Grace H.',
      email: 'g@h.test',
    };
    const response = await send(browser, '/api/users', body);
    expect(response.status).toBe(201);
    const { data } = (await response.json()) as { data: { id: string } };
    expect(data).toMatchObject({
      kind: 'person',
      issuer: 'parley:local',
      username: 'Grace',
      displayName: 'Grace H.',
      email: 'g@h.test',
      role: 'power_user',
      status: 'active',
      lastLoginAt: null,
    });
    expect(JSON.stringify(data)).not.toContain('argon2');
    const userId = fromWireId('user', data.id);
    expect(await app.database.query('SELECT tenant_id, subject FROM users WHERE id = $1', [userId])).toEqual([
      { tenant_id: defaultTenantId, subject: userId },
    ]);
    expect((await recorded()).at(-1)).toMatchObject({ action: 'user.created', target_id: data.id });
    expect(await (await (await logIn('grace')).fetch('/api/user')).json()).toMatchObject({
      data: { id: data.id, role: 'power_user' },
    });
  });

  it('makes a user when no role is asked for', async () => {
    const response = await send(await admin(), '/api/users', { username: 'grace', password });
    expect(await response.json()).toMatchObject({ data: { role: 'user' } });
  });
});

describe("changing one's own password", () => {
  const change = (browser: Browser, currentPassword: string, wanted = newPassword): Promise<Response> =>
    send(browser, '/api/profile/password', { currentPassword, newPassword: wanted });

  it('is refused without the current one', async () => {
    await account('grace');
    const [browser, other] = [await logIn('grace'), await logIn('grace')];
    await expectRefusal(await change(browser, newPassword), 403, 'PASSWORD_INCORRECT');
    expect([await statusOf(browser), await statusOf(other)]).toEqual([200, 200]);
    expect(await canLogIn('grace', password)).toBe(true);
    expect((await recorded()).find(({ action }) => action === 'user.password_changed')).toBeDefined();
  });

  it.each(['kurz', 'grace grace grace', 'a'.repeat(30)])('is refused for %s', async (weak) => {
    await account('grace');
    await expectRefusal(await change(await logIn('grace'), password, weak), 422, 'PASSWORD_TOO_WEAK');
    expect(await canLogIn('grace', password)).toBe(true);
  });

  it('is nothing for those who log in elsewhere', async () => {
    await expectRefusal(await change(await app.logIn(), password), 404, 'USER_NOT_FOUND');
    await expectRefusal(await change(app.browser(), password), 401, 'NOT_AUTHENTICATED');
  });

  it('ends the other sessions of the person at once, and nobody else', async () => {
    await account('grace');
    await account('lovelace');
    const [browser, other, stranger] = [await logIn('grace'), await logIn('grace'), await logIn('lovelace')];
    expect([await statusOf(browser), await statusOf(other)]).toEqual([200, 200]);
    expect((await change(browser, password)).status).toBe(204);
    clock.advance(1);
    expect([await statusOf(browser), await statusOf(other), await statusOf(stranger)]).toEqual([
      200, 401, 200,
    ]);
    expect([await canLogIn('grace', password), await canLogIn('grace', newPassword)]).toEqual([false, true]);
    expect(await timesRecorded('user.password_changed')).toBe(1);
    expect(await timesRecorded('session.revoked')).toBe(1);
  });

  it('succeeds once of many at once with the same password', async () => {
    await account('grace');
    const browser = await logIn('grace');
    const wanted = Array.from({ length: 6 }, (_, index) => `${newPassword} ${index}`);
    const statuses = await Promise.all(
      wanted.map(async (one) => (await change(browser, password, one)).status),
    );
    expect([...statuses].sort()).toEqual([204, 403, 403, 403, 403, 403]);
    expect(await canLogIn('grace', wanted[statuses.indexOf(204)] ?? '')).toBe(true);
  });
});

describe('giving somebody a new password', () => {
  const give = (browser: Browser, userId: string, wanted = newPassword): Promise<Response> =>
    send(browser, `/api/users/${userId}/password`, { password: wanted });

  it('is refused to those who are no admin', async () => {
    const { id } = await account('grace');
    const response = await give(await logIn('grace'), toWireId('user', id));
    await expectRefusal(response, 403, 'FORBIDDEN');
    expect(await canLogIn('grace', password)).toBe(true);
  });

  it('is 404 for whom there is no account in the tenant', async () => {
    const browser = await admin();
    const stranger = await account('grace', 'user', otherTenantId);
    await app.logIn({ sub: 'elsewhere', preferred_username: 'elsewhere' });
    const [elsewhere] = await app.database.query<{ id: string }[]>(
      `SELECT id FROM users WHERE subject = 'elsewhere'`,
    );
    const before = await rows();
    const ids = [stranger.id, elsewhere?.id ?? '', '019a0000-0000-7000-8000-00000000dead'];
    for (const id of [...ids.map((uuid) => toWireId('user', uuid)), 'user_x', 'x']) {
      await expectRefusal(await give(browser, id), 404, 'USER_NOT_FOUND');
      await expectRefusal(await give(browser, id, 'weak'), 404, 'USER_NOT_FOUND');
    }
    expect(await rows()).toEqual(before);
  });

  it('is refused when it is weak', async () => {
    const browser = await admin();
    const { id } = await account('grace');
    const response = await give(browser, toWireId('user', id), 'xx grace xx 1234');
    await expectRefusal(response, 422, 'PASSWORD_TOO_WEAK');
  });

  it('ends all sessions of the person', async () => {
    const browser = await admin();
    const { id } = await account('grace');
    const [first, second] = [await logIn('grace'), await logIn('grace')];
    expect((await give(browser, toWireId('user', id))).status).toBe(204);
    clock.advance(1);
    expect([await statusOf(first), await statusOf(second), await statusOf(browser)]).toEqual([401, 401, 200]);
    expect([await canLogIn('grace', password), await canLogIn('grace', newPassword)]).toEqual([false, true]);
    const changed = (await recorded()).find(({ action }) => action === 'user.password_changed');
    expect(changed?.target_id).toBe(toWireId('user', id));
    expect(JSON.stringify(await app.database.query('SELECT * FROM audit_events'))).not.toContain(
      'nachtigall',
    );
  });
});
