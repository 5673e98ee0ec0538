import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { testConfiguration } from '../support/test-configuration.js';
import { TokenScene } from '../support/token-scene.js';
import { ask, askWith, expectRefusal, type Told } from '../support/tokens.js';

let scene: TokenScene;

beforeAll(async () => {
  scene = await TokenScene.start();
});

beforeEach(() => scene.begin());
afterEach(() => scene.end());
afterAll(() => scene.stop());

describe('a service account', () => {
  function accounts(): Promise<Record<string, unknown>[]> {
    return scene.app.database.query(
      `SELECT tenant_id, issuer, username, role, status FROM users WHERE kind = 'service' ORDER BY tenant_id, username`,
    );
  }

  const issueFor = (
    serviceAccount: object,
    fields: object = {},
    by = scene.root,
  ): Promise<Told<IssuedTokenDto>> =>
    ask(by.browser, 'POST', '/api/tokens', scene.order({ serviceAccount, ...fields }));

  it('is made once, and used again by its name', async () => {
    const first = await issueFor({ name: 'Deploy Bot' });
    const again = await issueFor({ name: ' deploy  bot', role: 'user' });
    expect([first.status, again.status, again.data.ownerId]).toEqual([201, 201, first.data.ownerId]);
    expect(first.data.createdBy).toBe(scene.root.id);
    expect(await accounts()).toEqual([
      {
        tenant_id: defaultTenantId,
        issuer: 'parley:service',
        username: 'Deploy Bot',
        role: 'user',
        status: 'active',
      },
    ]);
    expect(await scene.audited('user.created')).toMatchObject([
      { target_id: first.data.ownerId, details: { kind: 'service', role: 'user', username: 'Deploy Bot' } },
    ]);
  });

  it('acts by its token, as itself', async () => {
    const { data } = await issueFor({ name: 'auditor', role: 'admin' }, { scopes: ['admin'] });
    const answer = await askWith<{ id: string; role: string }>(data.token, `${scene.app.url}/api/user`);
    expect([answer.status, answer.data.id]).toEqual([200, data.ownerId]);
    expect((await askWith<unknown[]>(data.token, `${scene.app.url}/api/tokens`)).data).toHaveLength(1);
  });

  it('is another one in another tenant', async () => {
    const [ours, theirs] = [await issueFor({ name: 'ci' }), await issueFor({ name: 'ci' }, {}, scene.eve)];
    expect(theirs.status).toBe(201);
    expect(theirs.data.ownerId).not.toBe(ours.data.ownerId);
    expect((await accounts()).map((account) => account['tenant_id'])).toEqual([
      defaultTenantId,
      scene.otherTenant,
    ]);
  });

  it('is not made when the token is refused, nor changed by asking', async () => {
    await scene.expectNothingChanged(async () => {
      expectRefusal(
        await issueFor({ name: 'ci' }, { scopes: ['admin'] }),
        422,
        'SCOPE_EXCEEDS_RIGHTS',
        'scopes',
      );
    });
    await issueFor({ name: 'ci', role: 'guest' });
    await scene.expectNothingChanged(async () => {
      expectRefusal(
        await issueFor({ name: 'ci', role: 'admin' }),
        409,
        'SERVICE_ACCOUNT_EXISTS',
        'serviceAccount.role',
      );
    });
    expect((await issueFor({ name: 'ci' })).status).toBe(201);
    expect(await accounts()).toMatchObject([{ role: 'guest' }]);
  });

  it('is one when twenty ask for it at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => issueFor({ name: 'ci' })));
    expect(new Set(answers.map(({ status, data }) => `${status} ${data.ownerId}`)).size).toBe(1);
    expect(await accounts()).toHaveLength(1);
    expect(await scene.tokenRows()).toHaveLength(20);
    expect(await scene.audited('user.created')).toHaveLength(1);
  });

  it('is nobody who can log in: no provider has its issuer, and it has no password', async () => {
    await issueFor({ name: 'ci' });
    expect(() => testConfiguration({ 'oidc.issuer': 'parley:service' })).toThrow('oidc.issuer');
    expect(await scene.app.database.query('SELECT FROM local_accounts')).toEqual([]);
  });
});
