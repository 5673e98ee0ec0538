import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { LoginProfile } from '../../src/users/login-profile.js';
import { UsersService } from '../../src/users/users.service.js';
import { AuthApplication, pageCodeOf } from '../support/auth-application.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
/** With the usual settings. */
let shared: AuthApplication;
let app: AuthApplication;
let acme: string;
let umbrella: string;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  shared = await start({ 'identity.tenantClaim': 'hd' });
});

beforeEach(async () => {
  app = shared;
  await app.database.query('TRUNCATE users, tenant_identities CASCADE');
  await app.database.query(`UPDATE tenants SET status = 'active'`);
  [acme, umbrella] = [await makeTenant(), await makeTenant()];
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
  return AuthApplication.start({ databaseUrl: database.url, provider, settings });
}

async function makeTenant(): Promise<string> {
  const id = randomUUID();
  await app.database.query(
    'INSERT INTO tenants (id, slug, name, created_at) VALUES ($1::uuid, $1::text, $1::text, now())',
    [id],
  );
  return id;
}

/** The people of our issuer belong to the tenant: those with the claim, or all. */
async function belong(tenantId: string, claimValue = ''): Promise<void> {
  await app.database.query(
    'INSERT INTO tenant_identities (issuer, claim_value, tenant_id) VALUES ($1, $2, $3)',
    [provider.issuer, claimValue, tenantId],
  );
}

async function suspend(tenantId: string): Promise<void> {
  await app.database.query(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [tenantId]);
}

async function refusalOf(claims: Record<string, unknown>): Promise<[number, string | undefined]> {
  const browser = app.browser();
  const response = await app.complete(browser, provider.answer(await app.begin(browser), claims));
  return [response.status, await pageCodeOf(response)];
}

function users(): Promise<Record<string, unknown>[]> {
  return app.database.query('SELECT * FROM users ORDER BY subject');
}

async function tenantOf(subject: string): Promise<unknown> {
  return (await users()).find((user) => user['subject'] === subject)?.['tenant_id'];
}

async function failuresIn(tenantId: string): Promise<string[]> {
  const rows = await app.database.query<{ details: { code: string } }[]>(
    `SELECT details FROM audit_events WHERE tenant_id = $1 AND action = 'login.failed' ORDER BY seq`,
    [tenantId],
  );
  return rows.map(({ details }) => details.code);
}

describe('somebody who logs in', () => {
  it.each([
    ['no tenant', {}],
    ['a tenant that nobody knows', { hd: 'stranger.test' }],
    ['a tenant in other letters', { hd: 'ACME.test' }],
    ['several tenants', { hd: ['acme.test'] }],
    ['an empty tenant', { hd: '' }],
  ])('and tells %s is refused where a claim must tell, and nobody is created', async (_name, claims) => {
    await belong(acme, 'acme.test');
    expect(await refusalOf(claims)).toEqual([403, 'TENANT_UNKNOWN']);
    expect(await users()).toEqual([]);
    expect((await failuresIn(defaultTenantId)).at(-1)).toBe('TENANT_UNKNOWN');
  });

  it('belongs to the tenant of their claim, else to that of everybody of the issuer', async () => {
    await belong(acme, 'acme.test');
    await belong(umbrella);
    await app.logIn({ sub: 'ada', hd: 'acme.test' });
    await app.logIn({ sub: 'bob', hd: 'stranger.test' });
    await app.logIn({ sub: 'eve' });
    expect([await tenantOf('ada'), await tenantOf('bob'), await tenantOf('eve')]).toEqual([
      acme,
      umbrella,
      umbrella,
    ]);
  });

  it('belongs to the tenant of their issuer where no claim tells, else to the default one', async () => {
    app = await start({});
    await app.logIn({ sub: 'ada', hd: 'acme.test' });
    expect(await tenantOf('ada')).toBe(defaultTenantId);
    await belong(acme, 'acme.test');
    await belong(umbrella);
    await app.logIn({ sub: 'bob', hd: 'acme.test' });
    expect(await tenantOf('bob')).toBe(umbrella);
  });

  it('is refused with the tenant of somebody else they were before, and nothing is changed', async () => {
    await belong(acme, 'acme.test');
    await belong(umbrella, 'umbrella.test');
    await app.logIn({ hd: 'acme.test', name: 'Ada' });
    const before = await users();
    expect(await refusalOf({ hd: 'umbrella.test', name: 'Eve' })).toEqual([403, 'TENANT_CHANGED']);
    expect(await refusalOf({ name: 'Eve' })).toEqual([403, 'TENANT_UNKNOWN']);
    expect(await users()).toEqual(before);
    expect(await failuresIn(acme)).toEqual(['TENANT_CHANGED', 'TENANT_UNKNOWN']);
    expect(await failuresIn(umbrella)).toEqual([]);
  });

  it('is refused while their tenant is suspended, new or known, and nothing is changed', async () => {
    await belong(acme, 'acme.test');
    await app.logIn({ hd: 'acme.test' });
    await suspend(acme);
    const before = await users();
    expect(await refusalOf({ hd: 'acme.test', name: 'Eve' })).toEqual([403, 'TENANT_SUSPENDED']);
    expect(await refusalOf({ hd: 'acme.test', sub: 'new' })).toEqual([403, 'TENANT_SUSPENDED']);
    expect(await users()).toEqual(before);
    expect(await failuresIn(acme)).toEqual(['TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
  });

  it('is refused while the default tenant is suspended', async () => {
    app = await start({});
    await suspend(defaultTenantId);
    expect(await refusalOf({})).toEqual([403, 'TENANT_SUSPENDED']);
    expect(await users()).toEqual([]);
  });
});

describe('what the provider says between logins', () => {
  const profile = (tenantClaim: LoginProfile['tenantClaim']): LoginProfile => ({
    issuer: provider.issuer,
    subject: 'ada',
    username: null,
    displayName: 'Eve',
    email: null,
    groups: undefined,
    groupRoles: {},
    tenantClaim,
  });

  it('moves nobody to another tenant, and need not repeat which it is', async () => {
    await belong(acme, 'acme.test');
    await belong(umbrella, 'umbrella.test');
    await app.logIn({ hd: 'acme.test' });
    const service = app.get(UsersService);
    const told = service.reconcile(profile('umbrella.test'));
    await expect(told).rejects.toMatchObject({ code: 'TENANT_CHANGED' });
    expect(await users()).toMatchObject([{ tenant_id: acme, display_name: null }]);
    await service.reconcile(profile(null));
    expect(await users()).toMatchObject([{ tenant_id: acme, display_name: 'Eve' }]);
    await suspend(acme);
    for (const claim of [null, 'acme.test']) {
      const refused = service.reconcile(profile(claim));
      await expect(refused).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' });
    }
  });
});
