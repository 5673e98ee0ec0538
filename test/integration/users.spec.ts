import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Caller } from '../../src/auth/caller.js';
import { fromWireId, toWireId, UuidV7Ids } from '../../src/common/ids.js';
import type { ManagedUserDto } from '../../src/users/dto/managed-user.dto.js';
import { UsersAdministration } from '../../src/users/users-administration.service.js';
import { eventually, Parley, type Answer, type Person, type Replica } from '../support/parley.js';
import {
  announcing,
  auditOf,
  createTenant,
  idOf,
  logInAdmin,
  openDefaultTenant,
  tenantClaim,
  soonMs,
} from '../support/people.js';
import { askWith, type Told } from '../support/tokens.js';

let parley: Parley;
let second: Replica;
let root: Person;
let rootId: string;
let amy: Person;
let amyId: string;
let joe: Person;
let joeId: string;

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  rootId = await idOf(root);
  await createTenant(parley, root, 'acme');
  amy = await logInAdmin(parley.first, 'amy', { org: 'acme', name: 'Amy Admin', email: 'amy@acme.test' });
  amyId = await idOf(amy);
  joe = await parley.first.logIn('joe', { org: 'acme', name: 'Joe', groups: ['staff', 'dev'] });
  joeId = await idOf(joe);
});

afterAll(() => parley.stop());

function storedUsers(): Promise<unknown> {
  return parley.first.database.query('SELECT * FROM users ORDER BY id');
}

function patch(person: Person, id: string, change: unknown): Promise<Answer<ManagedUserDto>> {
  return person.ask('PATCH', `/api/users/${id}`, change);
}

async function tokenOf(person: Person, scopes: readonly string[]): Promise<string> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const order = { name: 'CI', scopes, expiresAt };
  return (await person.ask<{ token: string }>('POST', '/api/tokens', order)).data.token;
}

function patchWith(token: string, id: string, body: unknown): Promise<Told<ManagedUserDto>> {
  return askWith(token, `${parley.first.url}/api/users/${id}`, { method: 'PATCH', body });
}

async function refusesAndKeeps(
  work: () => Promise<Pick<Told<unknown>, 'status' | 'error'>>,
  status: number,
  code: string,
): Promise<void> {
  const before = await storedUsers();
  expect(await work()).toMatchObject({ status, error: { code } });
  expect(await storedUsers()).toEqual(before);
}

describe('administering users', () => {
  it('is refused to everybody who is no admin', async () => {
    await refusesAndKeeps(() => joe.ask('GET', '/api/users'), 403, 'FORBIDDEN');
    await refusesAndKeeps(() => joe.ask('GET', `/api/users/${joeId}`), 403, 'FORBIDDEN');
    await refusesAndKeeps(() => patch(joe, joeId, { role: 'admin' }), 403, 'FORBIDDEN');
  });

  it.each([
    ['an admin of another tenant', () => amy, () => rootId],
    ['a system admin', () => root, () => amyId],
  ])('finds nobody of another tenant, for %s', async (_who, person, id) => {
    const path = `/api/users/${id()}`;
    await refusesAndKeeps(() => person().ask('GET', path), 404, 'USER_NOT_FOUND');
    await refusesAndKeeps(() => patch(person(), id(), { status: 'suspended' }), 404, 'USER_NOT_FOUND');
    await refusesAndKeeps(() => patch(person(), id(), { displayName: 'Mine' }), 404, 'USER_NOT_FOUND');
    expect(await auditOf(parley, id())).not.toContainEqual(expect.objectContaining({ action: 'user.read' }));
  });

  it('tells what is of another tenant apart from what is absent in no way', async () => {
    const absent = await amy.ask('GET', `/api/users/${toWireId('user', new UuidV7Ids().next())}`);
    expect((await amy.ask('GET', `/api/users/${rootId}`)).error).toEqual(absent.error);
    expect((await amy.ask('GET', '/api/users/thread_x')).error).toEqual(absent.error);
  });

  it.each([
    ['tenantId', 'tenant_1'],
    ['id', 'user_1'],
    ['issuer', 'x'],
    ['subject', 'x'],
    ['kind', 'service'],
    ['username', 'x'],
    ['email', 'x'],
    ['createdAt', '2026-01-01'],
    ['toolAllow', []],
  ])('refuses a change of %s', async (param, value) => {
    await refusesAndKeeps(
      () => patch(amy, joeId, { role: 'guest', [param]: value }),
      400,
      'VALIDATION_FAILED',
    );
    expect((await patch(amy, joeId, { [param]: value })).error?.param).toBe(param);
  });

  it.each([
    [{ role: 'root' }, 'role'],
    [{ role: null }, 'role'],
    [{ status: 'gone' }, 'status'],
    [{ displayName: '' }, 'displayName'],
    [{ displayName: 'x'.repeat(201) }, 'displayName'],
    [{ tools: [] }, 'tools'],
    [{ tools: null }, 'tools'],
    [{ tools: { allow: 'search' } }, 'tools.allow'],
    [{ tools: { allow: ['a', 'a'] } }, 'tools.allow'],
    [{ tools: { allow: [1] } }, 'tools.allow'],
    [{ tools: { deny: ['no spaces'] } }, 'tools.deny'],
    [{ tools: { deny: Array.from({ length: 201 }, (_, index) => `t${index}`) } }, 'tools.deny'],
    [{ tools: { forbid: [] } }, 'tools.forbid'],
  ])('refuses %j and names it', async (change, param) => {
    await refusesAndKeeps(() => patch(amy, joeId, change), 400, 'VALIDATION_FAILED');
    expect((await patch(amy, joeId, change)).error?.param).toBe(param);
  });

  it.each([
    ['write', { role: 'admin' }, 'role'],
    ['users:write', { role: 'guest', displayName: 'Joey' }, 'role'],
    ['users:write', { status: 'suspended' }, 'status'],
    ['admin', { status: 'active' }, 'status'],
  ])('is refused to a token with %s for %j: it would outlive the token', async (scope, change, param) => {
    const token = await tokenOf(amy, [scope]);
    await refusesAndKeeps(() => patchWith(token, joeId, change), 403, 'FORBIDDEN');
    expect((await patchWith(token, joeId, change)).error?.param).toBe(param);
  });

  it('changes names and tools for a token, too', async () => {
    const token = await tokenOf(amy, ['users:write']);
    const leo = await idOf(await parley.first.logIn('leo', { org: 'acme' }));
    const { status, data } = await patchWith(token, leo, { displayName: 'Leo', tools: { allow: ['x'] } });
    expect([status, data.displayName, data.tools.allow]).toEqual([200, 'Leo', ['x']]);
  });

  it('shows a user without a word more than is declared, and records who looked at somebody else', async () => {
    const before = (await auditOf(parley, joeId)).length;
    const { data } = await amy.ask<ManagedUserDto>('GET', `/api/users/${joeId}`);
    expect(data).toEqual({
      id: joeId,
      kind: 'person',
      issuer: parley.identity.issuer,
      subject: 'joe',
      username: 'joe',
      displayName: 'Joe',
      email: null,
      role: 'user',
      groups: ['dev', 'staff'],
      status: 'active',
      tools: { allow: [], deny: [] },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      lastLoginAt: expect.any(String),
    });
    expect((await auditOf(parley, joeId)).slice(before)).toEqual([
      { action: 'user.read', targetId: joeId, details: {} },
    ]);
    await amy.ask('GET', `/api/users/${amyId}`);
    expect(await auditOf(parley, amyId)).not.toContainEqual(expect.objectContaining({ action: 'user.read' }));
  });

  it('changes role, tools and name, and records what was different', async () => {
    const kim = await parley.first.logIn('kim', { org: 'acme', name: 'Kim' });
    const kimId = await idOf(kim);
    const before = (await auditOf(parley, kimId)).length;
    const change = {
      role: 'power_user',
      tools: { allow: ['search'], deny: ['mail'] },
      displayName: 'Kimberly',
    };
    const { data, status } = await patch(amy, kimId, change);
    expect(status).toBe(200);
    expect(data).toMatchObject(change);
    expect((await amy.ask('GET', `/api/users/${kimId}`)).data).toEqual(data);
    expect((await auditOf(parley, kimId)).slice(before, before + 2)).toEqual([
      { action: 'user.role_changed', targetId: kimId, details: { from: 'user', to: 'power_user' } },
      {
        action: 'user.changed',
        targetId: kimId,
        details: {
          old: { displayName: null, toolAllow: [], toolDeny: [] },
          new: { displayName: 'Kimberly', toolAllow: ['search'], toolDeny: ['mail'] },
        },
      },
    ]);
  });

  it('records nothing where nothing is different', async () => {
    const before = await auditOf(parley, joeId);
    expect((await patch(amy, joeId, { role: 'user', status: 'active', tools: { allow: [] } })).status).toBe(
      200,
    );
    expect((await patch(amy, joeId, {})).status).toBe(200);
    expect(await auditOf(parley, joeId)).toEqual(before);
  });

  it('keeps the name that an admin gave when the provider says its own again', async () => {
    const lou = await idOf(await parley.first.logIn('lou', { org: 'acme', name: 'Lou' }));
    await patch(amy, lou, { displayName: 'Louise' });
    const again = await parley.first.logIn('lou', { org: 'acme', name: 'Lou Two' });
    expect((await again.ask('GET', '/api/user')).data).toMatchObject({ displayName: 'Louise' });
    expect((await patch(amy, lou, { displayName: null })).data.displayName).toBe('Lou Two');
  });

  it('demotes on every replica within a second', async () => {
    const max = await logInAdmin(parley.first, 'max', { org: 'acme' });
    const maxElsewhere = max.at(second);
    expect((await maxElsewhere.ask('GET', '/api/users')).status).toBe(200);
    const id = await idOf(max);
    expect((await announcing(parley, () => patch(amy, id, { role: 'user' }))).status).toBe(200);
    await eventually(async () => {
      const { status } = await maxElsewhere.ask('GET', '/api/users');
      return status === 403 ? true : undefined;
    }, soonMs);
  });
});

describe('the list of users', () => {
  let boss: Person;

  beforeAll(async () => {
    await createTenant(parley, root, 'listed');
    boss = await logInAdmin(parley.first, 'zed', { org: 'listed', preferred_username: 'zed' });
    const people = ['ann', 'a_b', 'a%b', 'acb', String.raw`back\slash`];
    for (const [index, name] of people.entries()) {
      await parley.first.logIn(`listed ${index}`, {
        org: 'listed',
        preferred_username: name,
        name: `Person ${index}`,
        email: `p${index}@mail.test`,
        groups: index === 0 ? ['guests'] : [],
      });
    }
    const { data } = await boss.ask<ManagedUserDto[]>('GET', '/api/users?q=acb');
    await patch(boss, String(data[0]?.id), { status: 'suspended', displayName: 'Crossed Out' });
  });

  async function names(query: string): Promise<string[]> {
    const { data, status } = await boss.ask<ManagedUserDto[]>('GET', `/api/users?${query}`);
    expect(status).toBe(200);
    return data.map(({ username }) => username);
  }

  it.each([
    ['role=root', 'role'],
    ['status=gone', 'status'],
    ['kind=robot', 'kind'],
    ['q=', 'q'],
    [`q=${'x'.repeat(101)}`, 'q'],
    ['page=0', 'page'],
    ['page_size=101', 'page_size'],
    ['tenantId=default', 'tenantId'],
    ['sort=role', 'sort'],
  ])('refuses the query %s', async (query, param) => {
    const answer = await boss.ask('GET', `/api/users?${query}`);
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
  });

  it('has the users of the tenant and nobody else, also for a system admin', async () => {
    expect(await names('page_size=100')).toEqual(
      ['a%b', 'a_b', 'acb', 'ann', String.raw`back\slash`, 'zed'].sort(),
    );
    const { data } = await root.ask<ManagedUserDto[]>('GET', '/api/users');
    expect(data.map(({ username }) => username)).toEqual(['root']);
  });

  it.each([
    ['role=guest', ['ann']],
    ['role=admin', ['zed']],
    ['status=suspended', ['acb']],
    ['kind=service', []],
    ['q=a_b', ['a_b']],
    ['q=a%25b', ['a%b']],
    ['q=%5C', [String.raw`back\slash`]],
    ['q=P1%40MAIL', ['a_b']],
    ['q=crossed', ['acb']],
    ['q=person+3', []],
    ['q=person&status=active&role=guest', ['ann']],
  ])('finds by %s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it('is on record with what was looked for, for tokens as well', async () => {
    const listed = (): Promise<object[]> =>
      parley.first.database.query(
        `SELECT actor_kind AS kind, target_id AS target, details FROM audit_events
          WHERE action = 'user.listed' AND actor_user_id = $1 ORDER BY seq`,
        [fromWireId('user', bossId)],
      );
    const bossId = await idOf(boss);
    const before = (await listed()).length;
    await boss.ask('GET', '/api/users?page=2&page_size=4');
    await boss.ask('GET', '/api/users?role=guest&status=active&kind=person&q=ann');
    await boss.ask('GET', '/api/users?role=root');
    const token = await tokenOf(boss, ['users:read']);
    expect((await askWith(token, `${parley.first.url}/api/users?q=a`)).status).toBe(200);
    expect((await listed()).slice(before)).toEqual([
      { kind: 'user', target: null, details: {} },
      { kind: 'user', target: null, details: { role: 'guest', status: 'active', kind: 'person', q: 'ann' } },
      { kind: 'token', target: null, details: { q: 'a' } },
    ]);
  });

  it('pages by number through everybody once', async () => {
    const first = await boss.ask<ManagedUserDto[]>('GET', '/api/users?page_size=4');
    expect(first.pagination).toEqual({ page: 1, pageSize: 4, totalCount: 6, hasMore: true });
    const last = await boss.ask<ManagedUserDto[]>('GET', '/api/users?page_size=4&page=2');
    expect(last.pagination).toEqual({ page: 2, pageSize: 4, totalCount: 6, hasMore: false });
    const seen = [...first.data, ...last.data].map(({ id }) => id);
    expect(new Set(seen).size).toBe(6);
    const beyond = await boss.ask<ManagedUserDto[]>('GET', '/api/users?page=9');
    expect(beyond.data).toEqual([]);
    expect(beyond.pagination).toMatchObject({ totalCount: 6, hasMore: false });
  });
});

/** An admin as the guards let them through. */
function inPerson(tenantId: string, userId: string): Caller {
  return {
    tenantId,
    userId,
    username: 'x',
    role: 'admin',
    scopes: ['admin'],
    credential: { kind: 'session', sessionId: userId, authenticatedAt: new Date() },
  };
}

describe('the last admin', () => {
  it.each([{ role: 'user' }, { status: 'suspended' }, { role: 'guest', status: 'active' }])(
    'stays, whoever asks: %j',
    async (change) => {
      await refusesAndKeeps(() => patch(root, rootId, change), 409, 'LAST_ADMIN');
      expect(await auditOf(parley, rootId)).toHaveLength(1);
    },
  );

  it('is last also beside a suspended admin and a service account that is one', async () => {
    const other = await idOf(await logInAdmin(parley.first, 'other'));
    expect((await patch(root, other, { status: 'suspended' })).status).toBe(200);
    await parley.first.database.query(
      `INSERT INTO users (id, tenant_id, issuer, subject, username, role, status, kind, created_at, updated_at)
       SELECT gen_random_uuid(), id, 'parley', 'robot', 'robot', 'admin', 'active', 'service', now(), now()
         FROM tenants WHERE slug = 'default'`,
    );
    await refusesAndKeeps(() => patch(root, rootId, { role: 'user' }), 409, 'LAST_ADMIN');
    expect((await patch(root, other, { role: 'user' })).status).toBe(200);
  });

  it('may still be changed in what else they are', async () => {
    expect((await patch(root, rootId, { role: 'admin', displayName: 'Root' })).status).toBe(200);
  });

  it('is one of two admins who demote each other at two replicas at once', async () => {
    await createTenant(parley, root, 'duel');
    const people = await Promise.all(
      ['left', 'right'].map((subject) => logInAdmin(parley.first, subject, { org: 'duel' })),
    );
    const ids = await Promise.all(people.map(idOf));
    const [{ tenantId }] = await parley.first.database.query<[{ tenantId: string }]>(
      `SELECT id AS "tenantId" FROM tenants WHERE slug = 'duel'`,
    );
    const users = ids.map((id) => fromWireId('user', id) ?? '');
    for (let round = 0; round < 10; round++) {
      const demotions = [parley.first, second].map((replica, index) =>
        replica.app
          .get(UsersAdministration)
          .change(inPerson(tenantId, users[1 - index] ?? ''), users[index] ?? '', { role: 'user' }),
      );
      const outcomes = await Promise.allSettled(demotions);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'LAST_ADMIN' },
      });
      await parley.first.database.query(`UPDATE users SET role = 'admin' WHERE tenant_id = $1`, [tenantId]);
    }
  });
});
