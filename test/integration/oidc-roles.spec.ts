import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EmbeddedValues } from '../../src/config/registry.js';
import type { LoginProfile } from '../../src/users/login-profile.js';
import { UsersService } from '../../src/users/users.service.js';
import { AuthApplication, ManualClock, pageCodeOf } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const groupRoles = { boss: 'admin', staff: 'power_user', all: 'user', visitors: 'guest' } as const;
const clock = new ManualClock();

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
/** With the usual settings. */
let shared: AuthApplication;
let app: AuthApplication;
let seqBefore: string;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  shared = await start({});
});

beforeEach(async () => {
  app = shared;
  clock.reset();
  await forget();
});

afterEach(async () => {
  if (app !== shared) await app.stop();
});

afterAll(async () => {
  await shared.stop();
  await provider.stop();
  await database.drop();
});

function start(settings: EmbeddedValues): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: { 'identity.groupRoles': groupRoles, ...settings },
  });
}

/** Who was here. */
async function forget(): Promise<void> {
  await app.database.query('TRUNCATE users CASCADE');
  const [{ seq } = { seq: '0' }] = await app.database.query<{ seq: string }[]>(
    'SELECT coalesce(max(seq), 0) AS seq FROM audit_events',
  );
  seqBefore = seq;
}

async function refusalOf(claims: Record<string, unknown>): Promise<[number, string | undefined]> {
  const browser = app.browser();
  const response = await app.complete(browser, provider.answer(await app.begin(browser), claims));
  return [response.status, await pageCodeOf(response)];
}

/** What somebody is told of their role by a replica that has heard of it, or not yet. */
async function toldRoleOf(browser: Browser): Promise<string> {
  const { data } = (await (await browser.fetch('/api/user')).json()) as { data: { role: string } };
  return data.role;
}

/** After the second for which a replica may not have heard of a change. */
function roleOf(browser: Browser): Promise<string> {
  clock.advance(1);
  return toldRoleOf(browser);
}

interface UserRow {
  readonly id: string;
  readonly subject: string;
  readonly role: string;
  readonly updated_at: Date;
}

function users(): Promise<UserRow[]> {
  return app.database.query<UserRow[]>('SELECT * FROM users ORDER BY subject');
}

async function roles(): Promise<Record<string, string>> {
  return Object.fromEntries((await users()).map(({ subject, role }) => [subject, role]));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

/** What was recorded since the test began. */
function recorded(action: string): Promise<Record<string, unknown>[]> {
  return app.database.query(
    'SELECT actor_kind, target_id, outcome, details FROM audit_events WHERE action = $1 AND seq > $2 ORDER BY seq',
    [action, seqBefore],
  );
}

function profileOf(subject: string, rest: Partial<LoginProfile> = {}): LoginProfile {
  return {
    issuer: provider.issuer,
    subject,
    username: null,
    displayName: null,
    email: null,
    groups: undefined,
    groupRoles,
    tenantClaim: undefined,
    ...rest,
  };
}

describe('groups', () => {
  it('refuse a login that does not tell them, where the setting says so, and nobody is created', async () => {
    app = await start({ 'identity.absentGroups': 'refuse' });
    expect(await refusalOf({})).toEqual([403, 'LOGIN_GROUPS_MISSING']);
    expect(await users()).toEqual([]);
    expect(await recorded('login.failed')).toMatchObject([
      { actor_kind: 'anonymous', outcome: 'failure', details: { code: 'LOGIN_GROUPS_MISSING' } },
    ]);
    await app.logIn({ groups: [] });
    const before = await users();
    expect(await refusalOf({ name: 'Eve' })).toEqual([403, 'LOGIN_GROUPS_MISSING']);
    expect(await users()).toEqual(before);
  });

  it.each([
    ['keep', 'power_user', 'user'],
    ['default', 'user', 'user'],
  ] as const)(
    'that are not told %s the role, and none take it away',
    async (absentGroups, known, unknown) => {
      app = await start({ 'identity.absentGroups': absentGroups });
      await app.logIn({ groups: ['staff'] });
      expect(await roleOf(await app.logIn())).toBe(known);
      expect(await roleOf(await app.logIn({ sub: 'new' }))).toBe(unknown);
      await app.logIn({ groups: ['staff'] });
      expect(await roleOf(await app.logIn({ groups: [] }))).toBe('user');
    },
  );

  it('give the strongest role in whatever order they come', async () => {
    expect(await roleOf(await app.logIn({ groups: ['visitors', 'staff', 'all'] }))).toBe('power_user');
    expect(await roleOf(await app.logIn({ groups: ['all', 'visitors'] }))).toBe('user');
    expect(await roleOf(await app.logIn({ groups: 'visitors' }))).toBe('guest');
  });

  it.each([
    ['keep', ['staff', 'visitors']],
    ['default', null],
  ] as const)(
    'are themselves kept as roles are when the claim is absent: %s',
    async (absentGroups, groups) => {
      app = await start({ 'identity.absentGroups': absentGroups });
      await app.logIn({ groups: ['visitors', 'staff', 'staff'] });
      expect(await users()).toMatchObject([{ groups: ['staff', 'visitors'] }]);
      await app.logIn({});
      expect(await users()).toMatchObject([{ groups }]);
      await app.logIn({ groups: [] });
      expect(await users()).toMatchObject([{ groups: [] }]);
    },
  );

  it('change nothing where none means anything: roles are given here', async () => {
    app = await start({ 'identity.groupRoles': {}, 'identity.absentGroups': 'default' });
    await app.logIn({ groups: ['boss'] });
    await app.database.query(`UPDATE users SET role = 'power_user'`);
    expect(await roleOf(await app.logIn({ groups: ['boss'] }))).toBe('power_user');
  });

  it('that change a role are on record, and known at once wherever somebody is logged in', async () => {
    const browser = await app.logIn({ groups: ['staff'] });
    expect(await toldRoleOf(browser)).toBe('power_user');
    await app.logIn({ groups: ['visitors'] });
    // The clock stands still: only word of the change makes it known.
    await until(async () => (await toldRoleOf(browser)) === 'guest');
    expect(await recorded('user.created')).toMatchObject([
      { actor_kind: 'user', details: { role: 'power_user', issuer: provider.issuer } },
    ]);
    expect(await recorded('user.role_changed')).toMatchObject([
      { actor_kind: 'system', details: { from: 'power_user', to: 'guest' } },
    ]);
    await app.logIn({ groups: ['visitors'] });
    expect(await recorded('user.role_changed')).toHaveLength(1);
    expect(await recorded('user.created')).toHaveLength(1);
  });

  it('create one person on record, however many first logins race', async () => {
    const service = app.get(UsersService);
    await Promise.all(
      Array.from({ length: 8 }, () => service.logIn(profileOf('ada', { groups: ['staff'] }))),
    );
    expect(await recorded('user.created')).toHaveLength(1);
    expect(await recorded('user.role_changed')).toEqual([]);
    expect(await roles()).toEqual({ ada: 'power_user' });
  });
});

describe('a named admin', () => {
  it('is one whatever the groups say or do not say, and nobody else is', async () => {
    app = await start({
      'identity.admins': [`${provider.issuer}#ada`, 'https://other.example#eve'],
      'identity.absentGroups': 'refuse',
    });
    expect(await roleOf(await app.logIn())).toBe('admin');
    expect(await roleOf(await app.logIn({ groups: ['visitors'] }))).toBe('admin');
    expect(await roleOf(await app.logIn({ sub: 'eve', groups: ['visitors'] }))).toBe('guest');
    expect(await refusalOf({ sub: 'adam' })).toEqual([403, 'LOGIN_GROUPS_MISSING']);
  });
});

describe('the last admin of a tenant', () => {
  it('is not demoted by a login, nor by word of the provider in between', async () => {
    await app.logIn({ groups: ['boss'] });
    expect(await roleOf(await app.logIn({ groups: [], name: 'Ada L' }))).toBe('admin');
    await app.get(UsersService).reconcile(profileOf('ada', { groups: ['visitors'] }));
    expect(await users()).toMatchObject([{ role: 'admin', display_name: 'Ada L' }]);
    expect(await recorded('user.role_changed')).toEqual([]);
  });

  it.each([
    ['suspended', `status = 'suspended'`],
    ['a service account', `kind = 'service'`],
    ['of another tenant', `tenant_id = (SELECT id FROM tenants WHERE slug = 'elsewhere')`],
  ])('stays one though another admin is %s', async (_name, change) => {
    await app.database.query(
      `INSERT INTO tenants (id, slug, name, created_at)
       VALUES (gen_random_uuid(), 'elsewhere', 'Elsewhere', now()) ON CONFLICT DO NOTHING`,
    );
    await app.logIn({ groups: ['boss'] });
    await app.logIn({ sub: 'eve', groups: ['boss'] });
    await app.database.query(`DELETE FROM sessions`);
    await app.database.query(`UPDATE users SET ${change} WHERE subject = 'eve'`);
    await app.logIn({ groups: [] });
    expect(await roles()).toEqual({ ada: 'admin', eve: 'admin' });
  });

  it('is one of two who are demoted at once', async () => {
    const service = app.get(UsersService);
    for (let round = 0; round < 8; round++) {
      const people = ['ada', 'eve'];
      for (const subject of people) await service.logIn(profileOf(subject, { groups: ['boss'] }));
      await Promise.all(people.map((subject) => service.logIn(profileOf(subject, { groups: [] }))));
      expect(Object.values(await roles()).sort()).toEqual(['admin', 'user']);
    }
  });
});

describe('what the provider says between logins', () => {
  it.each([
    ['of nobody we know', 'NOT_FOUND', `DELETE FROM users`],
    ['of somebody who is suspended', 'USER_SUSPENDED', `UPDATE users SET status = 'suspended'`],
  ])('%s changes nothing', async (_name, code, sql) => {
    await app.logIn();
    await app.database.query(sql);
    const before = await users();
    const news = profileOf('ada', { groups: ['staff'], displayName: 'Eve' });
    await expect(app.get(UsersService).reconcile(news)).rejects.toMatchObject({ code });
    expect(await users()).toEqual(before);
  });

  it('changes role and display, and what it does not mention stays', async () => {
    await app.logIn({ preferred_username: 'ada', name: 'Ada', email: 'a@b.c', groups: ['staff'] });
    clock.advance(60);
    const news = profileOf('ada', { displayName: 'Ada L', groups: ['visitors'] });
    expect(await app.get(UsersService).reconcile(news)).toMatchObject({ role: 'guest', username: 'ada' });
    const [row] = await users();
    expect(row).toMatchObject({ username: 'ada', display_name: 'Ada L', email: 'a@b.c', role: 'guest' });
    expect(row?.updated_at).toEqual(clock.now());
    expect(await recorded('user.role_changed')).toHaveLength(1);
  });

  it('is on record with what was different, and nothing is where nothing was', async () => {
    await app.logIn({ preferred_username: 'ada', name: 'Ada', email: 'a@b.c', groups: ['staff'] });
    const service = app.get(UsersService);
    await service.reconcile(profileOf('ada', { username: 'ada', displayName: 'Ada', groups: ['staff'] }));
    await service.logIn(profileOf('ada', { username: 'ada', displayName: 'Ada', email: 'a@b.c' }));
    expect(await recorded('user.changed')).toEqual([]);
    await service.reconcile(profileOf('ada', { displayName: 'Ada L', groups: ['visitors'] }));
    await service.logIn(profileOf('ada', { username: 'ada2', displayName: 'Ada L' }));
    const row = { actor_kind: 'system', outcome: 'success', target_id: expect.stringMatching(/^user_/) };
    const by = 'identity_provider';
    expect(await recorded('user.changed')).toEqual([
      {
        ...row,
        details: {
          by,
          old: { displayName: 'Ada', groups: ['staff'] },
          new: { displayName: 'Ada L', groups: ['visitors'] },
        },
      },
      {
        ...row,
        details: { by, old: { username: 'ada', email: 'a@b.c' }, new: { username: 'ada2', email: null } },
      },
    ]);
  });

  it('writes nothing when there is nothing new, and keeps the role without a word on groups', async () => {
    await app.logIn({ preferred_username: 'ada', groups: ['staff'] });
    const before = await users();
    clock.advance(60);
    await app.get(UsersService).reconcile(profileOf('ada', { username: 'ada' }));
    await app.get(UsersService).reconcile(profileOf('ada', { username: 'ada', groups: ['staff'] }));
    expect(await users()).toEqual(before);
  });

  it('is refused without a word on groups where the setting says so', async () => {
    app = await start({ 'identity.absentGroups': 'refuse' });
    await app.logIn({ groups: ['staff'] });
    const told = app.get(UsersService).reconcile(profileOf('ada'));
    await expect(told).rejects.toMatchObject({ code: 'LOGIN_GROUPS_MISSING' });
  });
});
