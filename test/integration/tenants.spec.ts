import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { TenantDto } from '../../src/tenants/dto/tenant.dto.js';
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

const home = toWireId('tenant', defaultTenantId);

let parley: Parley;
let second: Replica;
let root: Person;
let amy: Person;
let acme: string;

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  acme = await createTenant(parley, root, 'acme');
  amy = await logInAdmin(parley.first, 'amy', { org: 'acme' });
});

afterAll(() => parley.stop());

function storedTenants(): Promise<unknown> {
  return Promise.all([
    parley.first.database.query('SELECT * FROM tenants ORDER BY id'),
    parley.first.database.query('SELECT * FROM tenant_identities ORDER BY 1, 2'),
  ]);
}

function patch(id: string, change: unknown): Promise<Answer<TenantDto>> {
  return root.ask('PATCH', `/api/tenants/${id}`, change);
}

async function refusesAndKeeps(work: () => Promise<Answer>, status: number, code: string): Promise<void> {
  const before = await storedTenants();
  expect(await work()).toMatchObject({ status, error: { code } });
  expect(await storedTenants()).toEqual(before);
}

describe('administering tenants', () => {
  it('is refused to admins of other tenants, their own included, whether there is such a tenant or not', async () => {
    const absent = toWireId('tenant', new UuidV7Ids().next());
    for (const [method, path, body] of [
      ['GET', '/api/tenants'],
      ['POST', '/api/tenants', { slug: 'mine', name: 'Mine' }],
      ['GET', `/api/tenants/${acme}`],
      ['GET', `/api/tenants/${home}`],
      ['GET', `/api/tenants/${absent}`],
      ['PATCH', `/api/tenants/${acme}`, { name: 'Mine' }],
      ['PATCH', `/api/tenants/${home}`, { status: 'suspended' }],
      ['PATCH', `/api/tenants/${absent}`, { name: 'Mine' }],
    ] as const) {
      await refusesAndKeeps(() => amy.ask(method, path, body), 403, 'FORBIDDEN');
    }
  });

  it('is refused to people of the default tenant who are no admins', async () => {
    const uma = await parley.first.logIn('uma');
    await refusesAndKeeps(() => uma.ask('GET', '/api/tenants'), 403, 'FORBIDDEN');
    await refusesAndKeeps(() => uma.ask('POST', '/api/tenants', { slug: 'u', name: 'U' }), 403, 'FORBIDDEN');
  });

  it('finds none that is not there', async () => {
    for (const id of [toWireId('tenant', new UuidV7Ids().next()), 'tenant_x', 'user_x', '%00']) {
      await refusesAndKeeps(() => root.ask('GET', `/api/tenants/${id}`), 404, 'TENANT_NOT_FOUND');
      await refusesAndKeeps(() => patch(id, { name: 'x' }), 404, 'TENANT_NOT_FOUND');
    }
  });

  const issuer = 'https://id.example.org';
  it.each([
    [{ slug: 'Upper' }, 'slug'],
    [{ slug: '-a' }, 'slug'],
    [{ slug: 'a-' }, 'slug'],
    [{ slug: 'a_b' }, 'slug'],
    [{ slug: 'x'.repeat(64) }, 'slug'],
    [{ slug: '' }, 'slug'],
    [{ slug: 'a\n' }, 'slug'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ defaultTools: 'search' }, 'defaultTools'],
    [{ defaultTools: ['a', 'a'] }, 'defaultTools'],
    [{ identities: {} }, 'identities'],
    [{ identities: [issuer] }, 'identities'],
    [{ identities: [[]] }, 'identities'],
    [{ identities: [null] }, 'identities'],
    [{ identities: [{}] }, 'identities.0.issuer'],
    [{ identities: [{ issuer: 'example.org' }] }, 'identities.0.issuer'],
    [{ identities: [{ issuer: `${issuer}?x=1` }] }, 'identities.0.issuer'],
    [{ identities: [{ issuer: 'javascript:alert(1)' }] }, 'identities.0.issuer'],
    [{ identities: [{ issuer, claimValue: '' }] }, 'identities.0.claimValue'],
    [{ identities: [{ issuer, tenantId: home }] }, 'identities.0.tenantId'],
    [{ identities: [{ issuer }, { issuer, claimValue: null }] }, 'identities'],
    [{ id: 'tenant_1' }, 'id'],
    [{ tenantId: 'tenant_1' }, 'tenantId'],
    [{ createdAt: '2026-01-01' }, 'createdAt'],
  ])('refuses %j and names it', async (body, param) => {
    const wanted = { error: { code: 'VALIDATION_FAILED', param }, status: 400 };
    const before = await storedTenants();
    expect(await root.ask('POST', '/api/tenants', { slug: 'fine', name: 'Fine', ...body })).toMatchObject(
      wanted,
    );
    expect(await patch(acme, body)).toMatchObject(wanted);
    expect(await storedTenants()).toEqual(before);
  });

  it('refuses a slug and people that another tenant has', async () => {
    const identities = [{ issuer: parley.identity.issuer, claimValue: 'acme' }];
    const post = (body: object) => root.ask('POST', '/api/tenants', { slug: 'other', name: 'x', ...body });
    await refusesAndKeeps(() => post({ slug: 'acme' }), 409, 'TENANT_SLUG_TAKEN');
    await refusesAndKeeps(() => post({ identities }), 409, 'TENANT_IDENTITY_TAKEN');
    await refusesAndKeeps(() => patch(home, { slug: 'acme' }), 409, 'TENANT_SLUG_TAKEN');
    await refusesAndKeeps(() => patch(home, { identities }), 409, 'TENANT_IDENTITY_TAKEN');
  });

  it('lets one of two win who create the same at once', async () => {
    const body = { slug: 'race', name: 'Race' };
    const answers = await Promise.all(
      [root, root.at(second)].map((person) => person.ask('POST', '/api/tenants', body)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('refuses to suspend the default tenant', async () => {
    await refusesAndKeeps(() => patch(home, { status: 'suspended' }), 409, 'DEFAULT_TENANT_REQUIRED');
    expect((await patch(home, { status: 'active' })).status).toBe(200);
  });

  it('creates a tenant, shows it without a word more than is declared, and records it', async () => {
    const identities = [
      { issuer, claimValue: 'new' },
      { issuer: 'https://other.example.org', claimValue: null },
    ];
    const body = { slug: 'new-1', name: 'New', identities, defaultTools: ['search'] };
    const { data, status } = await root.ask<TenantDto>('POST', '/api/tenants', body);
    expect(status).toBe(201);
    expect(data).toEqual({
      ...body,
      id: expect.stringMatching(/^tenant_/),
      status: 'active',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await root.ask('GET', `/api/tenants/${data.id}`)).data).toEqual(data);
    expect(await auditOf(parley, data.id)).toEqual([
      {
        action: 'tenant.created',
        targetId: data.id,
        details: expect.objectContaining({ slug: 'new-1', name: 'New' }),
      },
    ]);
  });

  it('changes what is given and records what was different', async () => {
    const id = await createTenant(parley, root, 'change-me');
    const identities = [{ issuer, claimValue: 'changed' }];
    const { data } = await patch(id, { name: 'Changed', slug: 'change-me', identities });
    expect(data).toMatchObject({ name: 'Changed', slug: 'change-me', identities, status: 'active' });
    expect((await patch(id, { identities })).data.identities).toEqual(identities);
    expect((await patch(id, {})).data).toMatchObject({ name: 'Changed', identities });
    const [, ...records] = await auditOf(parley, id);
    expect(records).toEqual([
      {
        action: 'tenant.changed',
        targetId: id,
        details: {
          old: {
            name: 'change-me',
            identities: [{ issuer: parley.identity.issuer, claimValue: 'change-me' }],
          },
          new: { name: 'Changed', identities },
        },
      },
    ]);
  });

  it('lists all tenants by number', async () => {
    const { data, pagination } = await root.ask<TenantDto[]>('GET', '/api/tenants?page_size=2');
    expect(data.map(({ slug }) => slug)).toEqual(['acme', 'change-me']);
    expect(data[0]?.identities).toEqual([{ issuer: parley.identity.issuer, claimValue: 'acme' }]);
    expect(pagination).toMatchObject({ page: 1, pageSize: 2, hasMore: true });
  });
});

describe('a new tenant', () => {
  it('has its first admin from the groups of whoever its identity lets in', async () => {
    await createTenant(parley, root, 'fresh');
    const first = await logInAdmin(parley.first, 'first of fresh', { org: 'fresh' });
    expect((await first.ask('GET', '/api/authz')).data).toMatchObject({ role: 'admin', tenantSlug: 'fresh' });
    const { data } = await first.ask<{ id: string }[]>('GET', '/api/users');
    expect(data.map(({ id }) => id)).toEqual([await idOf(first)]);
  });
});

describe('a suspended tenant', () => {
  it('shuts everybody in it out on every replica within a second, and lets them in again', async () => {
    const id = await createTenant(parley, root, 'closing');
    const people = [
      await logInAdmin(parley.first, 'closing admin', { org: 'closing' }),
      await second.logIn('closing user', { org: 'closing' }),
    ];
    for (const person of people) expect((await person.ask('GET', '/api/threads')).status).toBe(200);
    const suspended = await announcing(parley, () => patch(id, { status: 'suspended' }));
    expect(suspended.data.status).toBe('suspended');
    for (const person of people) {
      const answer = await eventually(async () => {
        const asked = await person.ask('GET', '/api/threads');
        return asked.status === 200 ? undefined : asked;
      }, soonMs);
      expect(answer).toMatchObject({ status: 403, error: { code: 'TENANT_SUSPENDED' } });
      expect((await person.ask('GET', '/api/user')).error?.code).toBe('TENANT_SUSPENDED');
    }
    expect((await amy.ask('GET', '/api/threads')).status).toBe(200);
    await patch(id, { status: 'active' });
    for (const person of people) {
      await eventually(
        async () => ((await person.ask('GET', '/api/user')).status === 200 ? true : undefined),
        soonMs,
      );
    }
    expect((await auditOf(parley, id)).map(({ action }) => action)).toEqual([
      'tenant.created',
      'tenant.suspended',
      'tenant.reactivated',
    ]);
  });
});
