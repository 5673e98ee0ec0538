import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventEmitter } from 'node:events';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { AuthzDto } from '../../src/capabilities/dto/authz.dto.js';
import type { CapabilitiesDto } from '../../src/capabilities/dto/capabilities.dto.js';
import { toWireId } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { version } from '../../src/version.js';
import { eventually, Parley, type Person, type Replica } from '../support/parley.js';
import { idOf, logInAdmin, soonMs } from '../support/people.js';

const home = toWireId('tenant', defaultTenantId);

let parley: Parley;
let second: Replica;
let root: Person;
let uma: Person;

beforeAll(async () => {
  parley = await Parley.start({ 'rateLimit.version': 7, 'generation.maxAnswerCharacters': 4321 });
  second = await parley.addReplica();
  root = await logInAdmin(parley.first, 'root');
  uma = await parley.first.logIn('uma');
});

afterAll(() => parley.stop());

async function authz(person: Person): Promise<AuthzDto> {
  return (await person.ask<AuthzDto>('GET', '/api/authz')).data;
}

async function capabilities(person: Person): Promise<CapabilitiesDto> {
  return (await person.ask<CapabilitiesDto>('GET', '/api/capabilities')).data;
}

it.each(['/api/user', '/api/authz', '/api/capabilities', '/api/version'])(
  '%s is refused to strangers',
  async (path) => {
    expect((await fetch(parley.first.url + path)).status).toBe(401);
  },
);

describe('what one may do', () => {
  it('is told as single rights, by role', async () => {
    const gus = await parley.first.logIn('gus', { groups: ['guests'] });
    expect(await authz(gus)).toEqual({
      role: 'guest',
      tenantId: home,
      tenantSlug: 'default',
      scopes: ['threads:read', 'messages:read', 'models:read'],
      tools: [],
    });
    expect((await authz(uma)).scopes).toEqual([
      'threads:read',
      'threads:write',
      'messages:read',
      'messages:write',
      'models:read',
      'completions:read',
      'completions:write',
      'tokens:read',
      'usage:read',
    ]);
    const { role, scopes } = await authz(root);
    expect(role).toBe('admin');
    expect(scopes).toEqual(expect.arrayContaining(['admin', 'users:write', 'tokens:write', 'audit:read']));
  });

  it('is told as capabilities, with the limits that are set', async () => {
    expect(await capabilities(uma)).toEqual({
      features: {
        chat: true,
        issueTokens: false,
        manageModels: false,
        manageUsers: false,
        manageTenants: false,
        localLogin: false,
      },
      limits: {
        bodyBytes: 1024 ** 2,
        messageCharacters: 500_000,
        answerCharacters: 4321,
        systemPromptCharacters: 10_000,
        tokenLifetimeDays: 365,
        requestsPerMinute: expect.objectContaining({ version: 7, other: 0 }),
      },
    });
    expect((await capabilities(root)).features).toMatchObject({ issueTokens: true, manageTenants: true });
  });

  it('does not depend on whether it is asked under a version', async () => {
    expect((await uma.ask('GET', '/api/v1/version')).data).toEqual({ version, apiVersions: ['v1'] });
  });
});

describe('the tools of a user', () => {
  it('are those of the tenant and their own, without what is denied, within a second of a change', async () => {
    const id = await idOf(uma);
    const umaElsewhere = uma.at(second);
    const told = (tools: string[]) =>
      eventually(async () => {
        const both = await Promise.all([authz(uma), authz(umaElsewhere)]);
        return both.every((one) => one.tools.join() === tools.join()) ? true : undefined;
      }, soonMs);
    await told([]);
    await root.ask('PATCH', `/api/tenants/${home}`, { defaultTools: ['search', 'mail'] });
    await told(['mail', 'search']);
    await root.ask('PATCH', `/api/users/${id}`, { tools: { allow: ['python'], deny: ['mail', 'python'] } });
    await told(['search']);
    await root.ask('PATCH', `/api/users/${id}`, { tools: { deny: ['mail'] } });
    await told(['python', 'search']);
    expect((await authz(root)).tools).toEqual(['mail', 'search']);
  });
});

describe('GET /api/user', () => {
  it('shows oneself without a word more than is declared', async () => {
    expect((await uma.ask('GET', '/api/user')).data).toEqual({
      id: expect.stringMatching(/^user_/),
      username: 'uma',
      displayName: null,
      email: null,
      role: 'user',
      tenantId: home,
      createdAt: expect.any(String),
      lastLoginAt: expect.any(String),
    });
  });

  it('asks the database nothing within a second', async () => {
    const eve = await parley.first.logIn('eve');
    const driver = parley.first.database.driver as PostgresDriver; // What Parley runs on.
    const pool = driver.master as EventEmitter; // pg's, which TypeORM does not type.
    let connections = 0;
    const count = (): void => {
      connections++;
    };
    pool.on('acquire', count);
    const begun = performance.now();
    for (let index = 0; index < 50; index++) expect((await eve.ask('GET', '/api/user')).status).toBe(200);
    const seconds = Math.ceil((performance.now() - begun) / 1000);
    pool.off('acquire', count);
    // One for the session and one for the user, and what each replica does every second anyway.
    expect(connections).toBeGreaterThanOrEqual(2);
    expect(connections).toBeLessThanOrEqual(10 * seconds);
  });
});
