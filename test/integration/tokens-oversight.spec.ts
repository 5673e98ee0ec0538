import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TokenDto } from '../../src/tokens/dto/token.dto.js';
import { maxLifetimeDays, TokenScene } from '../support/token-scene.js';
import { ask, expectRefusal } from '../support/tokens.js';

let scene: TokenScene;

beforeAll(async () => {
  scene = await TokenScene.start();
});

beforeEach(() => scene.begin());
afterEach(() => scene.end());
afterAll(() => scene.stop());

describe('a token that an admin made for somebody', () => {
  const limited = {
    models: ['demo'],
    requestsPerMinute: 5,
    allowedNetworks: ['10.0.0.0/8'],
    monthlyTokenBudget: 5,
    monthlyCostBudget: 5,
  };

  it.each([
    { models: null },
    { requestsPerMinute: null },
    { allowedNetworks: [] },
    { monthlyTokenBudget: null },
    { monthlyCostBudget: null },
    { scopes: ['write'] },
    { expiresAt: '2026-12-01T00:00:00Z' },
    { name: 'Mine' },
    {},
  ])('is not for its owner to change: %j', async (change) => {
    const zoe = await scene.logIn({ sub: 'zoe' }, scene.selfService);
    const { id } = await scene.issue({ ...limited, ownerId: zoe.id });
    await scene.expectNothingChanged(async () => {
      expectRefusal(await ask(zoe.browser, 'PATCH', `/api/tokens/${id}`, change), 403, 'FORBIDDEN');
    });
  });

  it('may be rotated by its owner, which changes nothing of it, and revoked', async () => {
    const zoe = await scene.logIn({ sub: 'zoe' }, scene.selfService);
    const { id, ...made } = await scene.issue({ ...limited, ownerId: zoe.id });
    const path = `/api/tokens/${id}/rotate`;
    await scene.expectNothingChanged(async () => {
      const expiresAt = scene.inSeconds(maxLifetimeDays * 86_400);
      expectRefusal(await ask(zoe.browser, 'POST', path, { expiresAt }), 403, 'FORBIDDEN');
    });
    const { status, data } = await ask(zoe.browser, 'POST', path, {});
    expect(status).toBe(201);
    expect(data).toEqual({ ...made, id: data.id, token: data.token, hint: data.token.slice(4, 12) });
    const successor = `/api/tokens/${data.id}`;
    expectRefusal(await ask(zoe.browser, 'PATCH', successor, { models: null }), 403, 'FORBIDDEN');
    expect((await ask(zoe.browser, 'DELETE', successor)).status).toBe(200);
  });

  it('is unlike one that they made themselves, which stays theirs when an admin rotates it', async () => {
    const zoe = await scene.logIn({ sub: 'zoe' }, scene.selfService);
    const { id } = await scene.issue(limited, zoe);
    const rotated = await ask(scene.root.browser, 'POST', `/api/tokens/${id}/rotate`, {});
    const path = `/api/tokens/${rotated.data.id}`;
    const changed = await ask<TokenDto>(zoe.browser, 'PATCH', path, { models: null });
    expect([changed.status, changed.data.models]).toEqual([200, null]);
  });
});

describe('looking at tokens of others', () => {
  it('is on record, and at those of oneself is not', async () => {
    const own = await scene.issue();
    const { id } = await scene.issue({ ownerId: scene.uma.id });
    await ask(scene.root.browser, 'GET', `/api/tokens/${own.id}`);
    await ask(scene.uma.browser, 'GET', `/api/tokens/${id}`);
    await ask(scene.uma.browser, 'GET', '/api/tokens');
    await ask(scene.root.browser, 'GET', `/api/tokens?ownerId=${scene.root.id}`);
    expect([await scene.audited('token.read'), await scene.audited('token.listed')]).toEqual([[], []]);
    await ask(scene.root.browser, 'GET', `/api/tokens/${id}`);
    await ask(scene.root.browser, 'GET', '/api/tokens?page_size=1');
    await ask(scene.root.browser, 'GET', `/api/tokens?ownerId=${scene.uma.id}`);
    expect(await scene.audited('token.read')).toEqual([{ actor_kind: 'user', target_id: id, details: {} }]);
    expect(await scene.audited('token.listed')).toEqual([
      { actor_kind: 'user', target_id: null, details: {} },
      { actor_kind: 'user', target_id: null, details: { ownerId: scene.uma.id } },
    ]);
  });
});

describe('budgets', () => {
  interface Schema {
    readonly properties: Readonly<Record<string, { readonly description?: string }>>;
  }

  it.each(['CreateTokenDto', 'ChangeTokenDto', 'TokenDto', 'IssuedTokenDto'])(
    'are described by %s as what lets calls begin',
    async (name) => {
      const response = await fetch(`${scene.app.url}/openapi.json`);
      const { components } = (await response.json()) as {
        components: { schemas: Record<string, Schema> };
      };
      const { monthlyTokenBudget, monthlyCostBudget } = components.schemas[name]?.properties ?? {};
      for (const budget of [monthlyTokenBudget, monthlyCostBudget]) {
        expect(budget?.description).toContain('A call begins while less than this is spent');
      }
    },
  );
});
