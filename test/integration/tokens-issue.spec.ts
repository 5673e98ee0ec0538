import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import { maxLifetimeDays, TokenScene } from '../support/token-scene.js';
import { ask, askWith, expectRefusal, type Told } from '../support/tokens.js';

let scene: TokenScene;

beforeAll(async () => {
  scene = await TokenScene.start();
});

beforeEach(() => scene.begin());
afterEach(() => scene.end());
afterAll(() => scene.stop());

describe('a token', () => {
  const fields = {
    name: 'Build server',
    scopes: ['read', 'messages:write', 'read'],
    models: ['demo', 'gpt-5', 'demo'],
    allowedNetworks: ['203.0.113.7', '2001:DB8::/32', '203.0.113.7/32'],
    requestsPerMinute: 60,
    monthlyTokenBudget: 9_007_199_254_740_991,
    monthlyCostBudget: 5_000_000,
  };
  const shown = {
    name: 'Build server',
    scopes: ['read', 'messages:write'],
    models: ['demo', 'gpt-5'],
    allowedNetworks: ['203.0.113.7/32', '2001:db8::/32'],
    requestsPerMinute: 60,
    monthlyTokenBudget: 9_007_199_254_740_991,
    monthlyCostBudget: 5_000_000,
    revokedAt: null,
    successorId: null,
    lastUsedAt: null,
    lastUsedNetwork: null,
  };

  it('is shown once, and never again', async () => {
    const created = await ask(scene.root.browser, 'POST', '/api/tokens', scene.order(fields));
    expect(created.status).toBe(201);
    expect(created.headers.get('cache-control')).toBe('no-store');
    const { token, ...rest } = created.data;
    expect(token).toMatch(/^ply_[0-9A-Za-z]{49}$/);
    expect(rest).toEqual({
      ...shown,
      id: expect.stringMatching(/^tok_/),
      ownerId: scene.root.id,
      createdBy: scene.root.id,
      hint: token.slice(4, 12),
      createdAt: scene.inSeconds(0),
      expiresAt: scene.inSeconds(86_400),
    });
    const got = await ask(scene.root.browser, 'GET', `/api/tokens/${rest.id}`);
    expect(got.data).toEqual(rest);
    const listed = await ask<unknown[]>(scene.root.browser, 'GET', '/api/tokens');
    expect(listed.data).toEqual([rest]);
    const stored = JSON.stringify([
      await scene.tokenRows(),
      await scene.app.database.query('SELECT * FROM audit_events'),
    ]);
    expect(stored).not.toContain(token.slice(12));
    expect(await scene.audited('token.issued')).toEqual([
      {
        actor_kind: 'user',
        target_id: rest.id,
        details: {
          ownerId: scene.root.id,
          name: 'Build server',
          scopes: shown.scopes,
          models: shown.models,
          allowedNetworks: shown.allowedNetworks,
          requestsPerMinute: 60,
          monthlyTokenBudget: shown.monthlyTokenBudget,
          monthlyCostBudget: shown.monthlyCostBudget,
          expiresAt: scene.inSeconds(86_400),
        },
      },
    ]);
  });

  it('has no limits but its end when none are given', async () => {
    expect(await scene.issue()).toMatchObject({
      models: null,
      allowedNetworks: [],
      requestsPerMinute: null,
      monthlyTokenBudget: null,
      monthlyCostBudget: null,
    });
    expect(
      await scene.issue({ models: null, requestsPerMinute: null, monthlyTokenBudget: null }),
    ).toMatchObject({
      models: null,
      requestsPerMinute: null,
      monthlyTokenBudget: null,
    });
  });

  it.each([
    ['name', ''],
    ['name', 'x'.repeat(101)],
    ['name', undefined],
    ['scopes', []],
    ['scopes', ['everything']],
    ['scopes', ['read', 'threads:delete']],
    ['scopes', ['READ']],
    ['scopes', [['read']]],
    ['scopes', 'read'],
    ['scopes', undefined],
    ['models', []],
    ['models', ['']],
    ['models', [1]],
    ['models', ['a\u0000b']],
    ['models', 'demo'],
    ['allowedNetworks', ['10.0.0.1/8']],
    ['allowedNetworks', ['localhost']],
    ['allowedNetworks', [null]],
    ['allowedNetworks', null],
    ['allowedNetworks', '10.0.0.0/8'],
    ['requestsPerMinute', 0],
    ['requestsPerMinute', 100_001],
    ['requestsPerMinute', 1.5],
    ['requestsPerMinute', '60'],
    ['monthlyTokenBudget', 0],
    ['monthlyTokenBudget', 2 ** 53],
    ['monthlyCostBudget', -1],
    ['monthlyCostBudget', 0.5],
    ['expiresAt', undefined],
    ['expiresAt', null],
    ['expiresAt', 'tomorrow'],
    ['expiresAt', '2026-11-31T00:00:00Z'],
    ['expiresAt', '2026-11-21T00:00:00'],
    ['expiresAt', 1_795_219_200_000],
    ['ownerId', 'tok_01jd0v3kq9e8vb5t2m4y6z8a0c'],
    ['ownerId', defaultTenantId],
    ['ownerId', null],
    ['serviceAccount', null],
    ['serviceAccount', []],
    ['serviceAccount', 'ci'],
    ['serviceAccount.name', {}],
    ['serviceAccount.name', { name: ' ' }],
    ['serviceAccount.role', { name: 'ci', role: 'root' }],
    ['serviceAccount.kind', { name: 'ci', kind: 'person' }],
    ['tokenHash', 'x'],
    ['createdBy', 'x'],
  ])('is not issued with a %s that is %j', async (param, value) => {
    const [field = ''] = param.split('.');
    await scene.expectNothingChanged(async () => {
      const answer = await ask(scene.root.browser, 'POST', '/api/tokens', scene.order({ [field]: value }));
      expectRefusal(answer, 400, 'VALIDATION_FAILED', param);
    });
  });

  it('is not issued for a user and a service account at once', async () => {
    await scene.expectNothingChanged(async () => {
      const body = scene.order({ ownerId: scene.uma.id, serviceAccount: { name: 'ci' } });
      expectRefusal(
        await ask(scene.root.browser, 'POST', '/api/tokens', body),
        400,
        'VALIDATION_FAILED',
        'serviceAccount',
      );
    });
  });

  it.each([
    ['an end that is now', 0],
    ['an end that is past', -1],
    ['an end beyond the longest life', maxLifetimeDays * 86_400 + 0.001],
  ])('is not issued with %s', async (_what, seconds) => {
    await scene.expectNothingChanged(async () => {
      const answer = await ask(
        scene.root.browser,
        'POST',
        '/api/tokens',
        scene.order({ expiresAt: scene.inSeconds(seconds) }),
      );
      expectRefusal(answer, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt');
      expect(answer.error?.details).toEqual({ maxLifetimeDays });
    });
  });

  it('may live as long as the setting says', async () => {
    await scene.issue({ expiresAt: scene.inSeconds(maxLifetimeDays * 86_400) });
  });
});

describe('who may issue', () => {
  it.each([
    ['user', undefined, ['admin']],
    ['user', undefined, ['read', 'users:read']],
    ['user', undefined, ['models:write']],
    ['guest', ['guests'], ['write']],
    ['guest', ['guests'], ['messages:write']],
    ['power_user', ['power'], ['settings:write']],
  ])('refuses a %s (%j) the scopes %j', async (_role, groups, scopes) => {
    const person = await scene.logIn({ sub: 'zoe', groups });
    await scene.expectNothingChanged(async () => {
      const answer = await ask(
        scene.root.browser,
        'POST',
        '/api/tokens',
        scene.order({ ownerId: person.id, scopes }),
      );
      expectRefusal(answer, 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes');
      expect(answer.error?.details).toEqual({ scopes: scopes.filter((scope) => scope !== 'read') });
    });
  });

  it.each([
    ['user', undefined, ['read', 'write', 'completions:write', 'usage:read']],
    ['guest', ['guests'], ['read']],
    ['power_user', ['power'], ['models:write']],
    ['admin', ['admins'], ['admin', 'read', 'users:write']],
  ])('lets admins issue for a %s (%j) the scopes %j', async (_role, groups, scopes) => {
    const person = await scene.logIn({ sub: 'zoe', groups });
    expect(await scene.issue({ ownerId: person.id, scopes })).toMatchObject({
      ownerId: person.id,
      createdBy: scene.root.id,
      scopes,
    });
  });

  it('refuses an admin what their session does not include yet', async () => {
    const zoe = await scene.logIn({ sub: 'zoe' });
    await scene.app.database.query(`UPDATE users SET role = 'admin' WHERE subject = 'zoe'`);
    scene.clock.advance(1);
    const answer = await ask(zoe.browser, 'POST', '/api/tokens', scene.order({ scopes: ['admin'] }));
    expectRefusal(answer, 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes');
  });

  it.each([
    ['user', undefined],
    ['power_user', ['power']],
    ['guest', ['guests']],
  ])('is no %s (%j) without self-service', async (_role, groups) => {
    const person = await scene.logIn({ sub: 'zoe', groups });
    const token = await scene.issue({ ownerId: person.id });
    await scene.expectNothingChanged(async () => {
      for (const [method, path, body] of [
        ['POST', '/api/tokens', scene.order()],
        ['PATCH', `/api/tokens/${token.id}`, { name: 'x' }],
        ['DELETE', `/api/tokens/${token.id}`, undefined],
        ['POST', `/api/tokens/${token.id}/rotate`, {}],
      ] as const) {
        expectRefusal(await ask(person.browser, method, path, body), 403, 'FORBIDDEN');
      }
    });
  });

  it('is no program, be it an admin with an access token of the identity provider', async () => {
    const { provider, clock } = scene;
    const replica = await scene.startReplica({ 'oidc.resourceServer.audience': 'parley-api' });
    const now = Math.floor(clock.now().getTime() / 1000);
    const claims = {
      iss: provider.issuer,
      aud: 'parley-api',
      sub: 'root',
      iat: now,
      exp: now + 60,
      jti: 'a',
    };
    const scope = 'read write admin tokens:write';
    const access = await provider.sign({ ...claims, client_id: 'x', scope }, { typ: 'at+jwt' });
    const { id } = await scene.issue();
    const listed = await askWith(access, `${replica.url}/api/tokens`);
    expect(listed.status).toBe(200);
    await scene.expectNothingChanged(async () => {
      for (const [method, path, body] of [
        ['POST', '', scene.order()],
        ['PATCH', `/${id}`, { name: 'x' }],
        ['DELETE', `/${id}`, undefined],
        ['POST', `/${id}/rotate`, {}],
      ] as const) {
        const answer = await askWith(access, `${replica.url}/api/tokens${path}`, { method, body });
        expectRefusal(answer, 403, 'FORBIDDEN');
      }
    });
    await replica.stop();
  });

  it('is nobody who is not logged in', async () => {
    await scene.expectNothingChanged(async () => {
      const stranger = scene.app.browser();
      expectRefusal(await ask(stranger, 'POST', '/api/tokens', scene.order()), 401, 'NOT_AUTHENTICATED');
      expectRefusal(await ask(stranger, 'GET', '/api/tokens'), 401, 'NOT_AUTHENTICATED');
    });
  });

  it('is no admin whose login is long ago', async () => {
    const { id } = await scene.issue();
    const late = await scene.logIn({ sub: 'late', groups: ['admins'] });
    scene.clock.advance(3601);
    await scene.expectNothingChanged(async () => {
      expectRefusal(
        await ask(late.browser, 'POST', '/api/tokens', scene.order()),
        403,
        'RECENT_LOGIN_REQUIRED',
      );
      expectRefusal(await ask(late.browser, 'DELETE', `/api/tokens/${id}`), 403, 'RECENT_LOGIN_REQUIRED');
    });
    expect((await ask(late.browser, 'GET', `/api/tokens/${id}`)).status).toBe(200);
  });

  it('refuses admins people of another tenant and people who are not there, alike', async () => {
    await scene.expectNothingChanged(async () => {
      const nobody = toWireId('user', new UuidV7Ids().next());
      for (const ownerId of [scene.eve.id, nobody]) {
        const answer = await ask(scene.root.browser, 'POST', '/api/tokens', scene.order({ ownerId }));
        expectRefusal(answer, 404, 'USER_NOT_FOUND', 'ownerId');
      }
    });
  });
});

describe('self-service', () => {
  it.each([
    ['user', undefined, ['read', 'write', 'tokens:write']],
    ['power_user', ['power'], ['models:write']],
  ])('lets a %s (%j) issue, change, rotate and revoke their own', async (_role, groups, scopes) => {
    const zoe = await scene.logIn({ sub: 'zoe', groups }, scene.selfService);
    const own = await scene.issue({ scopes }, zoe);
    expect(own).toMatchObject({ ownerId: zoe.id, createdBy: zoe.id });
    const path = `/api/tokens/${own.id}`;
    expect((await ask(zoe.browser, 'PATCH', path, { name: 'y' })).data.name).toBe('y');
    expect((await ask(zoe.browser, 'POST', `${path}/rotate`, {})).status).toBe(201);
    expect((await ask(zoe.browser, 'DELETE', path)).status).toBe(200);
    expect((await ask<unknown[]>(zoe.browser, 'GET', '/api/tokens')).data).toHaveLength(2);
  });

  it('refuses more than one may do oneself, anybody else, and service accounts', async () => {
    const zoe = await scene.logIn({ sub: 'zoe' }, scene.selfService);
    const { id } = await scene.issue({}, zoe);
    await scene.expectNothingChanged(async () => {
      const post = (fields: Record<string, unknown>): Promise<Told<unknown>> =>
        ask(zoe.browser, 'POST', '/api/tokens', scene.order(fields));
      expectRefusal(await post({ scopes: ['admin'] }), 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes');
      expectRefusal(await post({ scopes: ['read', 'models:write'] }), 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes');
      expectRefusal(await post({ ownerId: scene.root.id }), 404, 'USER_NOT_FOUND', 'ownerId');
      expectRefusal(await post({ ownerId: scene.uma.id }), 404, 'USER_NOT_FOUND', 'ownerId');
      expectRefusal(await post({ serviceAccount: { name: 'ci' } }), 403, 'FORBIDDEN');
      const raise = await ask(zoe.browser, 'PATCH', `/api/tokens/${id}`, { scopes: ['admin'] });
      expectRefusal(raise, 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes');
    });
  });

  it('is not for guests', async () => {
    const gus = await scene.logIn({ sub: 'gus', groups: ['guests'] }, scene.selfService);
    expectRefusal(await ask(gus.browser, 'POST', '/api/tokens', scene.order()), 403, 'FORBIDDEN');
    expectRefusal(await ask(gus.browser, 'GET', '/api/tokens'), 403, 'FORBIDDEN');
  });
});
