import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fromWireId } from '../../src/common/ids.js';
import type { IssuedTokenDto, TokenDto } from '../../src/tokens/dto/token.dto.js';
import { TokenAuthentication } from '../../src/tokens/token-authentication.service.js';
import { TokenUses } from '../../src/tokens/token-uses.service.js';
import { TokenScene } from '../support/token-scene.js';
import { ask, askWith, type Told } from '../support/tokens.js';

let scene: TokenScene;

beforeAll(async () => {
  scene = await TokenScene.start();
});

beforeEach(() => scene.begin());
afterEach(() => scene.end());
afterAll(() => scene.stop());

function use(token: string, at = scene.app): Promise<Told<unknown>> {
  return askWith(token, `${at.url}/api/user`);
}

describe('standing', () => {
  it('tells the tokens that are good now', async () => {
    const tokens = scene.app.get(TokenAuthentication);
    const uuid = (issued: IssuedTokenDto): string => fromWireId('token', issued.id) ?? '';
    const [good, revoked, expired] = [
      await scene.issue(),
      await scene.issue(),
      await scene.issue({ expiresAt: scene.inSeconds(60) }),
    ];
    const owned = await scene.issue({ ownerId: scene.uma.id });
    const all = [good, revoked, expired, owned].map(uuid);
    const unknown = '019a0000-0000-7000-8000-00000000ffff';
    expect(await tokens.standing([])).toEqual(new Set());
    expect(await tokens.standing([...all, unknown])).toEqual(new Set(all));
    await ask(scene.root.browser, 'DELETE', `/api/tokens/${revoked.id}`);
    scene.clock.advance(60);
    expect(await tokens.standing(all)).toEqual(new Set([uuid(good), uuid(owned)]));
    await scene.app.database.query(`UPDATE users SET status = 'suspended' WHERE subject = 'uma'`);
    expect(await tokens.standing(all)).toEqual(new Set([uuid(good)]));
    await scene.app.database.query(`UPDATE users SET status = 'active'`);
    await scene.app.database.query(`UPDATE tenants SET status = 'suspended'`);
    expect(await tokens.standing(all)).toEqual(new Set());
    await scene.app.database.query(`UPDATE tenants SET status = 'active'`);
  });
});

describe('the last use', () => {
  async function used(): Promise<{ at: string | undefined; ip: string | null }[]> {
    await scene.app.get(TokenUses).flush();
    const rows = await scene.app.database.query<{ last_used_at: Date | null; last_used_ip: string | null }[]>(
      'SELECT last_used_at, last_used_ip FROM api_tokens ORDER BY id',
    );
    return rows.map(({ last_used_at: at, last_used_ip: ip }) => ({ at: at?.toISOString(), ip }));
  }

  async function recorded(): Promise<unknown[]> {
    await scene.app.get(TokenUses).flush();
    return scene.app.database.query(
      `SELECT actor_kind, action, target_id, details FROM audit_events
        WHERE action = 'token.used' AND actor_token_id IN (SELECT id FROM api_tokens) ORDER BY seq`,
    );
  }

  it('is told to the minute and the network', async () => {
    const { token, id } = await scene.issue();
    scene.clock.advance(3 * 60 + 25);
    await use(token);
    expect(await used()).toEqual([{ at: '2026-11-20T12:03:00.000Z', ip: '127.0.0.0/24' }]);
    const { data } = await ask<TokenDto>(scene.root.browser, 'GET', `/api/tokens/${id}`);
    expect(data).toMatchObject({ lastUsedAt: '2026-11-20T12:03:00.000Z', lastUsedNetwork: '127.0.0.0/24' });
    scene.clock.advance(60);
    await use(token);
    expect(await used()).toEqual([{ at: '2026-11-20T12:04:00.000Z', ip: '127.0.0.0/24' }]);
  });

  it('is not one that was refused', async () => {
    const { token } = await scene.issue({ allowedNetworks: ['192.0.2.0/24'] });
    const { token: expired } = await scene.issue({ expiresAt: scene.inSeconds(1) });
    scene.clock.advance(1);
    await use(token);
    await use(expired);
    expect(await used()).toEqual([
      { at: undefined, ip: null },
      { at: undefined, ip: null },
    ]);
  });

  it('is on record once a day, also when two replicas write it at once', async () => {
    const { token, id } = await scene.issue({ expiresAt: scene.inSeconds(30 * 86_400) });
    await use(token);
    expect(await recorded()).toEqual([
      { actor_kind: 'token', action: 'token.used', target_id: id, details: { network: '127.0.0.0/24' } },
    ]);
    scene.clock.advance(60);
    await use(token);
    expect(await recorded()).toHaveLength(1);
    for (let day = 2; day <= 4; day++) {
      scene.clock.advance(86_400);
      await use(token);
      expect((await use(token, scene.selfService)).status).toBe(200);
      await Promise.all([scene.app.get(TokenUses).flush(), scene.selfService.get(TokenUses).flush()]);
      expect(await recorded()).toHaveLength(day);
    }
  });

  it('of a day is kept when the next one begins before it is written', async () => {
    const { token } = await scene.issue({ expiresAt: scene.inSeconds(86_400) });
    scene.clock.advance(12 * 3600 - 1);
    await use(token);
    scene.clock.advance(1);
    await use(token);
    expect(await recorded()).toHaveLength(2);
    expect(await used()).toEqual([{ at: '2026-11-21T00:00:00.000Z', ip: '127.0.0.0/24' }]);
  });

  it('is written when the process ends', async () => {
    const { token } = await scene.issue();
    const replica = await scene.startReplica();
    await use(token, replica);
    await replica.stop();
    expect(await used()).toEqual([{ at: '2026-11-20T12:00:00.000Z', ip: '127.0.0.0/24' }]);
  });

  it('waits while the database cannot take it, and holds up nobody', async () => {
    const { token } = await scene.issue();
    await use(token);
    await scene.app.database.query('ALTER TABLE api_tokens RENAME TO hidden_tokens');
    await scene.app.get(TokenUses).flush();
    expect((await use(token)).status).toBe(200);
    await scene.app.database.query('ALTER TABLE hidden_tokens RENAME TO api_tokens');
    expect(await used()).toEqual([{ at: '2026-11-20T12:00:00.000Z', ip: '127.0.0.0/24' }]);
  });
});
