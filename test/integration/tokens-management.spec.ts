import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { toWireId, UuidV7Ids } from '../../src/common/ids.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { TokenDto } from '../../src/tokens/dto/token.dto.js';
import { maxLifetimeDays, TokenScene } from '../support/token-scene.js';
import { ask, askWith, expectRefusal, type Told } from '../support/tokens.js';

let scene: TokenScene;

beforeAll(async () => {
  scene = await TokenScene.start();
});

beforeEach(() => scene.begin());
afterEach(() => scene.end());
afterAll(() => scene.stop());

describe('what is not yours', () => {
  const attempts = [
    ['GET', '', undefined],
    ['PATCH', '', { name: 'mine' }],
    ['DELETE', '', undefined],
    ['POST', '/rotate', {}],
  ] as const;

  it('does not exist for admins of other tenants, nor for other users', async () => {
    const token = await scene.issue({ ownerId: scene.uma.id });
    const zoe = await scene.logIn({ sub: 'zoe' }, scene.selfService);
    const path = `/api/tokens/${token.id}`;
    const absent = `/api/tokens/${toWireId('token', new UuidV7Ids().next())}`;
    await scene.expectNothingChanged(async () => {
      for (const [method, suffix, body] of attempts) {
        for (const person of [scene.eve, zoe]) {
          const [foreign, none] = [
            await ask(person.browser, method, path + suffix, body),
            await ask(person.browser, method, absent + suffix, body),
          ];
          expectRefusal(foreign, 404, 'TOKEN_NOT_FOUND');
          expect(none.error).toEqual(foreign.error);
        }
      }
    });
    for (const person of [scene.eve, zoe]) {
      for (const query of ['', `?ownerId=${scene.uma.id}`]) {
        const list = await ask<unknown[]>(person.browser, 'GET', `/api/tokens${query}`);
        expect([list.data, list.pagination.totalCount]).toEqual([[], 0]);
      }
    }
  });

  it.each(['tok_', 'x', 'user_01jd0v3kq9e8vb5t2m4y6z8a0c', '%00', 'tok_zzzzzzzzzzzzzzzzzzzzzzzzzz'])(
    'is an id such as %s, too',
    async (id) => {
      for (const [method, suffix, body] of attempts) {
        const answer = await ask(scene.root.browser, method, `/api/tokens/${id}${suffix}`, body);
        expectRefusal(answer, 404, 'TOKEN_NOT_FOUND');
      }
    },
  );

  it('is seen by nobody but its owner and admins of the tenant', async () => {
    const token = await scene.issue({ ownerId: scene.uma.id });
    expect((await ask(scene.uma.browser, 'GET', `/api/tokens/${token.id}`)).data).toMatchObject({
      id: token.id,
    });
    expect((await ask<unknown[]>(scene.uma.browser, 'GET', '/api/tokens')).data).toHaveLength(1);
    const own = await scene.issue({}, scene.eve);
    expect((await scene.tokenRows()).map((row) => row['tenant_id'])).toEqual([
      defaultTenantId,
      scene.otherTenant,
    ]);
    expect((await ask<TokenDto[]>(scene.eve.browser, 'GET', '/api/tokens')).data.map(({ id }) => id)).toEqual(
      [own.id],
    );
  });
});

describe('the list', () => {
  it('pages by number, the newest first', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift((await scene.issue()).id);
    const page = (query: string): Promise<Told<TokenDto[]>> =>
      ask(scene.root.browser, 'GET', `/api/tokens?${query}`);
    const first = await page('page=1&page_size=2');
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.pagination).toEqual({ page: 1, pageSize: 2, totalCount: 5, hasMore: true });
    const last = await page('page=3&page_size=2');
    expect(last.data.map(({ id }) => id)).toEqual(ids.slice(4));
    expect(last.pagination).toEqual({ page: 3, pageSize: 2, totalCount: 5, hasMore: false });
    const beyond = await page('page=1000000&page_size=100');
    expect([beyond.status, beyond.data, beyond.pagination.hasMore]).toEqual([200, [], false]);
    expect((await page('page_size=5')).pagination.hasMore).toBe(false);
    expect((await page('')).pagination).toEqual({ page: 1, pageSize: 20, totalCount: 5, hasMore: false });
  });

  it('is for one owner when asked', async () => {
    await scene.issue();
    const { id } = await scene.issue({ ownerId: scene.uma.id });
    const list = await ask<TokenDto[]>(scene.root.browser, 'GET', `/api/tokens?ownerId=${scene.uma.id}`);
    expect([list.data.map((token) => token.id), list.pagination.totalCount]).toEqual([[id], 1]);
    expect(
      (await ask<unknown[]>(scene.root.browser, 'GET', `/api/tokens?ownerId=${scene.eve.id}`)).data,
    ).toEqual([]);
  });

  it.each([
    ['page=0', 'page'],
    ['page=1.5', 'page'],
    ['page=x', 'page'],
    ['page=1000001', 'page'],
    ['page=', 'page'],
    ['page_size=0', 'page_size'],
    ['page_size=101', 'page_size'],
    ['ownerId=x', 'ownerId'],
    ['ownerId=', 'ownerId'],
    ['tenantId=x', 'tenantId'],
  ])('refuses %s', async (query, param) => {
    expectRefusal(
      await ask(scene.root.browser, 'GET', `/api/tokens?${query}`),
      400,
      'VALIDATION_FAILED',
      param,
    );
  });
});

describe('a change', () => {
  it('takes what is given and leaves the rest, and is on record', async () => {
    const { id, token, ...before } = await scene.issue({ models: ['demo'], requestsPerMinute: 5 });
    const change = {
      name: 'New',
      models: null,
      scopes: ['threads:read'],
      allowedNetworks: ['10.0.0.0/8'],
      requestsPerMinute: null,
      monthlyCostBudget: 7,
      expiresAt: scene.inSeconds(maxLifetimeDays * 86_400),
    };
    const changed = await ask<TokenDto>(scene.root.browser, 'PATCH', `/api/tokens/${id}`, change);
    expect([changed.status, changed.data]).toEqual([200, { ...before, id, ...change }]);
    expect((await ask(scene.root.browser, 'GET', `/api/tokens/${id}`)).data).toEqual(changed.data);
    expect(JSON.stringify(changed)).not.toContain(token);
    expect(await scene.audited('token.changed')).toMatchObject([
      {
        target_id: id,
        details: {
          old: {
            name: 'CI',
            models: ['demo'],
            scopes: ['read'],
            allowedNetworks: [],
            requestsPerMinute: 5,
            monthlyCostBudget: null,
            expiresAt: before.expiresAt,
          },
          new: change,
        },
      },
    ]);
  });

  it('is none when everything is as it was', async () => {
    const { id, ...before } = await scene.issue({ models: ['demo'] });
    await scene.expectNothingChanged(async () => {
      for (const body of [
        {},
        { name: before.name, scopes: before.scopes, models: ['demo', 'demo'], expiresAt: before.expiresAt },
      ]) {
        expect((await ask(scene.root.browser, 'PATCH', `/api/tokens/${id}`, body)).status).toBe(200);
      }
    });
  });

  it.each([
    [{ name: null }, 400, 'VALIDATION_FAILED', 'name'],
    [{ scopes: [] }, 400, 'VALIDATION_FAILED', 'scopes'],
    [{ scopes: null }, 400, 'VALIDATION_FAILED', 'scopes'],
    [{ models: [] }, 400, 'VALIDATION_FAILED', 'models'],
    [{ allowedNetworks: null }, 400, 'VALIDATION_FAILED', 'allowedNetworks'],
    [{ requestsPerMinute: 0 }, 400, 'VALIDATION_FAILED', 'requestsPerMinute'],
    [{ expiresAt: null }, 400, 'VALIDATION_FAILED', 'expiresAt'],
    [{ ownerId: 'user_1' }, 400, 'VALIDATION_FAILED', 'ownerId'],
    [{ revokedAt: null }, 400, 'VALIDATION_FAILED', 'revokedAt'],
    [{ token: 'ply_x' }, 400, 'VALIDATION_FAILED', 'token'],
    [{ scopes: ['admin'] }, 422, 'SCOPE_EXCEEDS_RIGHTS', 'scopes'],
    [{ expiresAt: '2026-11-20T11:59:59Z' }, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt'],
    [{ expiresAt: '2026-12-20T12:00:01Z' }, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt'],
  ])('to %j is refused', async (body, status, code, param) => {
    const { id } = await scene.issue({ ownerId: scene.uma.id });
    await scene.expectNothingChanged(async () => {
      expectRefusal(await ask(scene.root.browser, 'PATCH', `/api/tokens/${id}`, body), status, code, param);
    });
  });

  it('cannot make a token live longer than one that is issued', async () => {
    const { id } = await scene.issue();
    scene.clock.advance(600);
    const expiresAt = scene.inSeconds(maxLifetimeDays * 86_400);
    const answer = await ask(scene.root.browser, 'PATCH', `/api/tokens/${id}`, { expiresAt });
    expectRefusal(answer, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt');
  });
});

describe('what has ended', () => {
  it.each([
    ['revoked', (id: string) => ask(scene.root.browser, 'DELETE', `/api/tokens/${id}`)],
    [
      'rotated',
      (id: string) => ask(scene.root.browser, 'POST', `/api/tokens/${id}/rotate`, { overlapSeconds: 3600 }),
    ],
    ['expired', () => scene.clock.advance(600)],
  ])('stays so: a token that is %s', async (_how, end) => {
    const { id } = await scene.issue({ expiresAt: scene.inSeconds(600) });
    await end(id);
    await scene.expectNothingChanged(async () => {
      for (const [method, path, body] of [
        ['PATCH', '', { expiresAt: scene.inSeconds(86_400) }],
        ['PATCH', '', { name: 'x' }],
        ['POST', '/rotate', {}],
      ] as const) {
        const answer = await ask(scene.root.browser, method, `/api/tokens/${id}${path}`, body);
        expectRefusal(answer, 409, 'TOKEN_NOT_ACTIVE');
      }
    });
    expect((await ask(scene.root.browser, 'DELETE', `/api/tokens/${id}`)).status).toBe(200);
  });
});

describe('to revoke', () => {
  it('keeps the row, and once more changes nothing', async () => {
    const { id } = await scene.issue();
    const revoked = await ask(scene.root.browser, 'DELETE', `/api/tokens/${id}`);
    expect([revoked.status, revoked.data.revokedAt]).toEqual([200, scene.inSeconds(0)]);
    scene.clock.advance(60);
    await scene.expectNothingChanged(async () => {
      const again = await ask(scene.root.browser, 'DELETE', `/api/tokens/${id}`);
      expect([again.status, again.data]).toEqual([200, revoked.data]);
    });
    scene.clock.reset();
    expect(await scene.audited('token.revoked')).toMatchObject([{ target_id: id, details: { name: 'CI' } }]);
  });
});

describe('to rotate', () => {
  const use = (token: string): Promise<Told<unknown>> => askWith(token, `${scene.app.url}/api/tokens`);

  it('makes a successor that may do the same, and lets the old one live for the overlap', async () => {
    const { token, ...old } = await scene.issue({
      scopes: ['tokens:read'],
      models: ['demo'],
      requestsPerMinute: 5,
    });
    const rotated = await ask(scene.root.browser, 'POST', `/api/tokens/${old.id}/rotate`, {
      overlapSeconds: 60,
    });
    const { token: newToken, ...successor } = rotated.data;
    expect(rotated.status).toBe(201);
    expect(successor).toEqual({ ...old, id: successor.id, hint: newToken.slice(4, 12) });
    expect([newToken === token, successor.id === old.id]).toEqual([false, false]);
    expect((await ask(scene.root.browser, 'GET', `/api/tokens/${old.id}`)).data).toEqual({
      ...old,
      expiresAt: scene.inSeconds(60),
      successorId: successor.id,
    });
    expect(await scene.audited('token.rotated')).toMatchObject([
      { target_id: old.id, details: { successorId: successor.id, expiresAt: scene.inSeconds(60) } },
    ]);
    expect([(await use(token)).status, (await use(newToken)).status]).toEqual([200, 200]);
    scene.clock.advance(59.9);
    expect((await use(token)).status).toBe(200);
    scene.clock.advance(0.1);
    expectRefusal(await use(token), 401, 'TOKEN_EXPIRED');
    expect((await use(newToken)).status).toBe(200);
  });

  it('ends the old one at once without an overlap, and never makes it live longer', async () => {
    const { token, id } = await scene.issue({ scopes: ['tokens:read'] });
    await ask(scene.root.browser, 'POST', `/api/tokens/${id}/rotate`, {});
    scene.clock.advance(1);
    expectRefusal(await use(token), 401, 'TOKEN_EXPIRED');
    const short = await scene.issue({ expiresAt: scene.inSeconds(30) });
    await ask(scene.root.browser, 'POST', `/api/tokens/${short.id}/rotate`, {
      overlapSeconds: 86_400,
      expiresAt: scene.inSeconds(86_400),
    });
    expect((await ask(scene.root.browser, 'GET', `/api/tokens/${short.id}`)).data.expiresAt).toBe(
      scene.inSeconds(30),
    );
  });

  it('may give the successor another end', async () => {
    const { id } = await scene.issue();
    const expiresAt = scene.inSeconds(maxLifetimeDays * 86_400);
    const { data } = await ask(scene.root.browser, 'POST', `/api/tokens/${id}/rotate`, { expiresAt });
    expect(data.expiresAt).toBe(expiresAt);
  });

  it.each([
    [{ overlapSeconds: -1 }, 400, 'VALIDATION_FAILED', 'overlapSeconds'],
    [{ overlapSeconds: 86_401 }, 400, 'VALIDATION_FAILED', 'overlapSeconds'],
    [{ overlapSeconds: 0.5 }, 400, 'VALIDATION_FAILED', 'overlapSeconds'],
    [{ overlapSeconds: null }, 400, 'VALIDATION_FAILED', 'overlapSeconds'],
    [{ scopes: ['admin'] }, 400, 'VALIDATION_FAILED', 'scopes'],
    [{ expiresAt: '2026-11-20T12:00:00Z' }, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt'],
    [{ expiresAt: '2026-12-20T12:00:01Z' }, 422, 'TOKEN_LIFETIME_INVALID', 'expiresAt'],
  ])('with %j is refused', async (body, status, code, param) => {
    const { id } = await scene.issue();
    await scene.expectNothingChanged(async () => {
      expectRefusal(
        await ask(scene.root.browser, 'POST', `/api/tokens/${id}/rotate`, body),
        status,
        code,
        param,
      );
    });
  });

  it('twenty times at once makes one successor', async () => {
    const { id } = await scene.issue();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const { browser } = scene.root;
        const at = index % 2 === 0 ? scene.app : scene.selfService;
        const elsewhere = at.browser();
        for (const [name, value] of browser.jar()) elsewhere.jar().set(name, value);
        return ask(elsewhere, 'POST', `/api/tokens/${id}/rotate`, { overlapSeconds: 60 });
      }),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    for (const answer of answers) if (answer !== made[0]) expectRefusal(answer, 409, 'TOKEN_NOT_ACTIVE');
    expect(await scene.tokenRows()).toHaveLength(2);
    expect(await scene.audited('token.rotated')).toHaveLength(1);
  });
});
