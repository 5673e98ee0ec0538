import { Controller, Get, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Authenticated, Requires } from '../../src/auth/access.js';
import { CurrentCaller, type Caller } from '../../src/auth/caller.js';
import type { Scope } from '../../src/auth/scopes.js';
import { fromWireId } from '../../src/common/ids.js';
import { TokenAuthentication } from '../../src/tokens/token-authentication.service.js';
import { newToken } from '../../src/tokens/token-format.js';
import { TokenUses } from '../../src/tokens/token-uses.service.js';
import { AuthApplication, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { eventually } from '../support/parley.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';
import { ask, askWith, type Told } from '../support/tokens.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';

@Controller('probe')
class ProbeController {
  @Get('own')
  @Authenticated()
  own(@CurrentCaller() caller: Caller): object {
    return { data: caller };
  }

  @Get('threads')
  @Requires('threads:read')
  read(): object {
    return {};
  }

  @Post('threads')
  @Requires('threads:write')
  write(): object {
    return {};
  }

  @Get('admin')
  @Requires('admin')
  administer(): object {
    return {};
  }
}

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let clock: ManualClock;
let app: AuthApplication;
let admin: Browser;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  clock = new ManualClock();
  app = await AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    controllers: [ProbeController],
    settings: { 'identity.groupRoles': { admins: 'admin', guests: 'guest', power: 'power_user' } },
  });
});

beforeEach(async () => {
  admin = await app.logIn({ sub: 'root', groups: ['admins'] });
});

afterEach(async () => {
  await app.get(TokenUses).flush();
  await app.database.query('TRUNCATE users CASCADE');
  clock.reset();
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});

function inSeconds(seconds: number): string {
  return new Date(clock.now().getTime() + seconds * 1000).toISOString();
}

async function issue(fields: Record<string, unknown> = {}): Promise<IssuedTokenDto> {
  const body = { name: 'CI', scopes: ['read'], expiresAt: inSeconds(86_400), ...fields };
  const issued = await ask(admin, 'POST', '/api/tokens', body);
  expect(issued.status).toBe(201);
  return issued.data;
}

/** A token for somebody of this role, who is not the admin. */
async function issueFor(groups: readonly string[], scopes: readonly Scope[]): Promise<IssuedTokenDto> {
  const person = await app.logIn({ sub: 'uma', groups });
  const { data } = await ask<{ id: string }>(person, 'GET', '/api/user');
  return issue({ ownerId: data.id, scopes });
}

function probe<Data>(
  credential: string | Record<string, string>,
  path = '/probe/own',
  method = 'GET',
): Promise<Told<Data>> {
  return askWith<Data>(credential, `${app.url}${path}`, { method });
}

async function expectRefusal(answer: Promise<Told<unknown>>, status: number, code: string): Promise<void> {
  const { status: got, error } = await answer;
  expect([got, error?.code]).toEqual([status, code]);
}

/** How often tokens were looked up while it ran. */
async function lookUpsDuring(work: () => Promise<void>): Promise<number> {
  const { logger } = app.database;
  let count = 0;
  const counting = Object.create(logger, {
    logQuery: { value: (sql: string) => (count += sql.includes('token.token_hash') ? 1 : 0) },
  }) as typeof logger;
  app.database.logger = counting;
  try {
    await work();
  } finally {
    app.database.logger = logger;
  }
  return count;
}

describe('a token that is none', () => {
  it('is refused without a query', async () => {
    const good = (await issue()).token;
    const flipped = good.endsWith('0') ? '1' : '0';
    const lookUps = await lookUpsDuring(async () => {
      for (const bad of [
        `${good.slice(0, -1)}${flipped}`,
        good.slice(0, -1),
        `${good}0`,
        'ply_',
        'ply_x',
        `PLY${good.slice(3)}`,
      ]) {
        await expectRefusal(probe(bad), 401, 'NOT_AUTHENTICATED');
      }
    });
    expect(lookUps).toBe(0);
    expect(await lookUpsDuring(() => expectRefusal(probe(newToken()), 401, 'NOT_AUTHENTICATED'))).toBe(1);
  });

  it('is refused when nobody issued it', async () => {
    await expectRefusal(probe(newToken()), 401, 'NOT_AUTHENTICATED');
  });

  it.each(['access_token', 'api_key', 'apiKey', 'token', 'key', 'authorization', 'x-api-key'])(
    'is a good one in a query string, as %s',
    async (name) => {
      const { token } = await issue();
      await expectRefusal(askWith({}, `${app.url}/probe/own?${name}=${token}`), 401, 'NOT_AUTHENTICATED');
    },
  );

  it.each([
    ['two that differ', { authorization: 'Bearer A', 'x-api-key': 'B' }],
    ['one of another scheme', { authorization: 'Basic A' }],
    ['one without a scheme', { authorization: 'A' }],
    ['one of another scheme beside a good one', { authorization: 'Basic A', 'x-api-key': 'A' }],
    ['one in a cookie', { cookie: 'parley_session=A; token=A; api_key=A' }],
  ])('is %s', async (_what, form) => {
    const [a, b] = [(await issue()).token, (await issue()).token];
    const headers = Object.fromEntries(
      Object.entries<string>(form).map(([name, value]) => [
        name,
        value.replaceAll(/\bA\b/g, a).replaceAll(/\bB\b/g, b),
      ]),
    );
    await expectRefusal(probe(headers), 401, 'NOT_AUTHENTICATED');
  });
});

describe('a token', () => {
  it('means the same in every header, and says who it is', async () => {
    const { token, id, ownerId } = await issue({
      scopes: ['threads:read', 'admin'],
      requestsPerMinute: 7,
      models: ['demo'],
    });
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer ${token}` },
      { 'x-api-key': token },
      { authorization: `Bearer ${token}`, 'x-api-key': token },
    ]) {
      const { data, status } = await probe<Caller>(headers);
      expect(status).toBe(200);
      expect(data).toMatchObject({
        userId: fromWireId('user', ownerId),
        role: 'admin',
        scopes: ['threads:read', 'admin'],
        credential: {
          kind: 'token',
          tokenId: fromWireId('token', id),
          models: ['demo'],
          allowedNetworks: [],
          requestsPerMinute: 7,
          expiresAt: inSeconds(86_400),
        },
      });
    }
  });

  it('counts instead of the session that comes with it', async () => {
    const { token } = await issue({ scopes: ['read'] });
    const headers = { authorization: `Bearer ${token}` };
    const refused = await admin.fetch('/probe/admin', { headers });
    expect(refused.status).toBe(403);
    const bad = await admin.fetch('/probe/own', { headers: { authorization: `Bearer ${newToken()}` } });
    expect(bad.status).toBe(401);
  });

  it('is looked up once a second', async () => {
    const { token } = await issue();
    const lookUps = await lookUpsDuring(async () => {
      for (let request = 0; request < 5; request++) expect((await probe(token)).status).toBe(200);
    });
    expect(lookUps).toBe(1);
    clock.advance(1);
    expect(await lookUpsDuring(() => expectRefusal(probe(token, '/probe/admin'), 403, 'FORBIDDEN'))).toBe(1);
  });

  it('is not good when it has expired, within the second of the cache too', async () => {
    const { token } = await issue({ expiresAt: inSeconds(10.5) });
    clock.advance(10);
    expect((await probe(token)).status).toBe(200);
    clock.advance(0.5);
    await expectRefusal(probe(token), 401, 'TOKEN_EXPIRED');
    clock.advance(5);
    await expectRefusal(probe(token), 401, 'TOKEN_EXPIRED');
  });

  it.each<[string, string, string, unknown]>([
    ['TOKEN_REVOKED', 'DELETE', '', undefined],
    ['TOKEN_EXPIRED', 'POST', '/rotate', {}],
    ['TOKEN_NETWORK_FORBIDDEN', 'PATCH', '', { allowedNetworks: ['192.0.2.1'] }],
  ])('is %s as soon as word of %s %s is there, while time stands still', async (code, method, path, body) => {
    const { token, id } = await issue();
    expect((await probe(token)).status).toBe(200);
    expect((await ask(admin, method, `/api/tokens/${id}${path}`, body)).error).toBeUndefined();
    const refusal = await eventually(async () => (await probe(token)).error?.code);
    expect(refusal).toBe(code);
  });

  it.each([
    [`UPDATE users SET status = 'suspended' WHERE subject = 'uma'`, 403, 'USER_SUSPENDED'],
    [`UPDATE tenants SET status = 'suspended'`, 403, 'TENANT_SUSPENDED'],
    [`DELETE FROM users WHERE subject = 'uma'`, 401, 'NOT_AUTHENTICATED'],
  ])('is not good within a second of %s, even if nobody told', async (sql, status, code) => {
    const { token } = await issueFor([], ['read']);
    expect((await probe(token)).status).toBe(200);
    await app.database.query(sql);
    clock.advance(1);
    await expectRefusal(probe(token), status, code);
    await app.database.query(`UPDATE tenants SET status = 'active'`);
  });
});

describe('what a token may do', () => {
  it.each<[string, readonly string[], readonly Scope[], string, string, number]>([
    ['user', [], ['read'], 'GET', '/probe/threads', 200],
    ['user', [], ['read'], 'POST', '/probe/threads', 403],
    ['user', [], ['messages:write'], 'GET', '/probe/threads', 403],
    ['user', [], ['threads:write'], 'GET', '/probe/threads', 200],
    ['user', [], ['threads:write'], 'POST', '/probe/threads', 201],
    ['user', [], ['write'], 'POST', '/probe/threads', 201],
    ['user', [], ['read', 'write'], 'GET', '/probe/admin', 403],
    ['power user', ['power'], ['read', 'write'], 'GET', '/probe/admin', 403],
    ['guest', ['guests'], ['read'], 'GET', '/probe/threads', 200],
    ['guest', ['guests'], ['read'], 'POST', '/probe/threads', 403],
    ['admin', ['admins'], ['read', 'write'], 'GET', '/probe/admin', 403],
    ['admin', ['admins'], ['admin'], 'GET', '/probe/admin', 200],
  ])(
    'of a %s with the groups %j and the scopes %j: %s %s is %s',
    async (_role, groups, scopes, method, path, status) => {
      const { token } = await issueFor(groups, scopes);
      expect((await probe(token, path, method)).status).toBe(status);
    },
  );

  it('ends within a second with the role of its owner, and comes back with it', async () => {
    const { token } = await issueFor(['admins'], ['admin']);
    expect((await probe(token, '/probe/admin')).status).toBe(200);
    await app.database.query(`UPDATE users SET role = 'guest' WHERE subject = 'uma'`);
    clock.advance(1);
    await expectRefusal(probe(token, '/probe/admin'), 403, 'FORBIDDEN');
    await expectRefusal(probe(token, '/probe/threads', 'POST'), 403, 'FORBIDDEN');
    expect((await probe(token, '/probe/threads')).status).toBe(200);
    await app.database.query(`UPDATE users SET role = 'admin' WHERE subject = 'uma'`);
    clock.advance(1);
    expect((await probe(token, '/probe/admin')).status).toBe(200);
  });

  it.each<[string, string, unknown]>([
    ['POST', '/api/tokens', { name: 'x', scopes: ['read'], expiresAt: '2026-11-20T13:00:00Z' }],
    ['PATCH', '/api/tokens/:id', { name: 'y' }],
    ['DELETE', '/api/tokens/:id', undefined],
    ['POST', '/api/tokens/:id/rotate', {}],
  ])('is never %s %s', async (method, path, body) => {
    for (const scopes of [
      ['admin'],
      ['write'],
      ['tokens:write'],
      ['read', 'write', 'admin', 'tokens:write'],
    ]) {
      const { token, id } = await issue({ scopes });
      const before = await app.database.query<unknown[]>('SELECT * FROM api_tokens ORDER BY id');
      const url = `${app.url}${path.replace(':id', id)}`;
      await expectRefusal(askWith(token, url, { method, body }), 403, 'FORBIDDEN');
      await app.get(TokenUses).flush();
      const after = await app.database.query<{ last_used_at: unknown; last_used_ip: unknown }[]>(
        'SELECT * FROM api_tokens ORDER BY id',
      );
      expect(after.map((row) => ({ ...row, last_used_at: null, last_used_ip: null }))).toEqual(
        before.map((row) => ({ ...(row as object), last_used_at: null, last_used_ip: null })),
      );
    }
  });

  it('is to look at tokens', async () => {
    const { token, id } = await issue({ scopes: ['tokens:read'] });
    const list = await askWith<{ id: string }[]>(token, `${app.url}/api/tokens`);
    expect(list.data.map((row) => row.id)).toEqual([id]);
    expect((await askWith(token, `${app.url}/api/tokens/${id}`)).status).toBe(200);
  });
});

describe('allowed networks', () => {
  it('are checked at each request, also of a caller who is remembered', async () => {
    const { token, id } = await issue({ allowedNetworks: ['127.0.0.0/8'] });
    const { token: other } = await issue({ allowedNetworks: ['192.0.2.0/24', '2001:db8::/32'] });
    expect((await probe(token)).status).toBe(200);
    for (let request = 0; request < 2; request++) {
      await expectRefusal(probe(other), 403, 'TOKEN_NETWORK_FORBIDDEN');
    }
    const tokens = app.get(TokenAuthentication);
    const caller = await tokens.authenticate(token);
    if (caller === undefined) throw new Error('not authenticated');
    expect(() => tokens.admit(caller, '::ffff:127.0.0.1')).not.toThrow();
    for (const ip of ['128.0.0.1', '::ffff:128.0.0.1', '::1', undefined]) {
      expect(() => tokens.admit(caller, ip)).toThrow(
        expect.objectContaining({ code: 'TOKEN_NETWORK_FORBIDDEN' }),
      );
    }
    await ask(admin, 'PATCH', `/api/tokens/${id}`, { allowedNetworks: ['192.0.2.1'] });
    clock.advance(1);
    await expectRefusal(probe(token), 403, 'TOKEN_NETWORK_FORBIDDEN');
  });

  it('are not told from headers that anybody can send', async () => {
    const { token } = await issue({ allowedNetworks: ['192.0.2.0/24'] });
    const headers = {
      authorization: `Bearer ${token}`,
      'x-forwarded-for': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
    };
    await expectRefusal(probe(headers), 403, 'TOKEN_NETWORK_FORBIDDEN');
  });
});
