import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newToken } from '../../src/tokens/token-format.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import { eventually, Parley, upstreamModel, type Person, type Replica } from '../support/parley.js';
import { askWith, type Told } from '../support/tokens.js';

let parley: Parley;
let second: Replica;
let ada: Person;

beforeAll(async () => {
  parley = await Parley.start();
  second = await parley.addReplica();
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
});

afterAll(() => parley.stop());

async function issue(fields: Record<string, unknown> = {}): Promise<IssuedTokenDto> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const body = { name: 'CI', scopes: ['read', 'write'], expiresAt, ...fields };
  const { status, data } = await ada.ask<IssuedTokenDto>('POST', '/api/tokens', body);
  expect(status).toBe(201);
  return data;
}

function use<Data = unknown>(
  token: string,
  path: string,
  init?: { method: string; body: unknown },
  at = parley.first,
): Promise<Told<Data>> {
  return askWith<Data>(token, at.url + path, init);
}

describe('a token for some models', () => {
  it('does not find the others', async () => {
    const { token } = await issue({ models: ['demo', 'not-there'] });
    const all = await ada.ask<{ id: string }[]>('GET', '/api/models');
    expect(all.data.map(({ id }) => id)).toEqual(expect.arrayContaining(['demo', upstreamModel]));
    const granted = await use<{ id: string }[]>(token, '/api/models');
    expect(granted.data.map(({ id }) => id)).toEqual(['demo']);
    expect((await use(token, '/api/models/demo')).status).toBe(200);
    const ungranted = await use(token, `/api/models/${upstreamModel}`);
    const absent = await use(token, '/api/models/absent');
    expect([ungranted.status, ungranted.error?.code]).toEqual([404, 'MODEL_NOT_FOUND']);
    expect(ungranted.error).toEqual(absent.error);
  });

  it('does not post to the others, and nothing is stored', async () => {
    const { token } = await issue({ models: ['demo', 'not-there'] });
    const thread = await ada.createThread('Granted');
    const post = (model: string, stream: boolean): Promise<Told<unknown>> =>
      use(token, `/api/threads/${thread}/models/${model}/messages`, {
        method: 'POST',
        body: { content: 'Hi', stream },
      });
    for (const model of [upstreamModel, 'absent', 'Demo']) {
      for (const stream of [false, true]) {
        const { status, error } = await post(model, stream);
        expect([status, error?.code]).toEqual([403, 'MODEL_NOT_GRANTED']);
      }
    }
    expect(await ada.messages(thread)).toEqual([]);
    const unknown = await post('not-there', false);
    expect([unknown.status, unknown.error?.code]).toEqual([404, 'MODEL_NOT_FOUND']);
    expect((await post('demo', false)).status).toBe(200);
    expect(await ada.messages(thread)).toHaveLength(2);
  });

  it('uses all of them when none are named', async () => {
    const { token } = await issue();
    const granted = await use<unknown[]>(token, '/api/models');
    expect(granted.data).toEqual((await ada.ask<unknown[]>('GET', '/api/models')).data);
    expect((await use(token, `/api/models/${upstreamModel}`)).status).toBe(200);
  });
});

describe('what is done to a token on one replica', () => {
  const withinMs = 1000;

  function refusedAt(replica: Replica, token: string, code: string): Promise<true> {
    return eventually(async () => {
      const { error } = await use(token, '/api/user', undefined, replica);
      return error?.code === code || undefined;
    }, withinMs);
  }

  it.each<[string, string, (id: string) => Promise<unknown>, string]>([
    ['revoked', 'TOKEN_REVOKED', (id) => ada.ask('DELETE', `/api/tokens/${id}`), 'revoked'],
    ['rotated', 'TOKEN_EXPIRED', (id) => ada.ask('POST', `/api/tokens/${id}/rotate`, {}), 'rotated'],
    [
      'bound to another network',
      'TOKEN_NETWORK_FORBIDDEN',
      (id) => ada.ask('PATCH', `/api/tokens/${id}`, { allowedNetworks: ['192.0.2.1'] }),
      'bound',
    ],
  ])('bites on the other within a second: %s', async (_what, code, change) => {
    const { token, id } = await issue();
    for (const replica of [parley.first, second]) {
      expect((await use(token, '/api/user', undefined, replica)).status).toBe(200);
    }
    await change(id);
    await Promise.all([refusedAt(parley.first, token, code), refusedAt(second, token, code)]);
  });

  it('bites on the other within a second: its owner is suspended', async () => {
    const bob = await parley.first.logIn('bob');
    const { data } = await bob.ask<{ id: string }>('GET', '/api/user');
    const { token } = await issue({ ownerId: data.id });
    expect((await use(token, '/api/user', undefined, second)).status).toBe(200);
    expect((await ada.ask('PATCH', `/api/users/${data.id}`, { status: 'suspended' })).status).toBe(200);
    await refusedAt(second, token, 'USER_SUSPENDED');
  });
});

describe('a malformed token', () => {
  it('is refused where the database is away, and only a well-formed one has to wait for it', async () => {
    const { database } = second;
    await database.destroy();
    const malformed = `${newToken().slice(0, -1)}-`;
    expect((await use(malformed, '/api/user', undefined, second)).status).toBe(401);
    expect((await use(newToken(), '/api/user', undefined, second)).status).toBeGreaterThanOrEqual(500);
    await database.initialize();
  });
});
