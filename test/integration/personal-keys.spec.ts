import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '../../bench/upstream/exchange.js';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { json, type Script } from '../../bench/upstream/scripts.js';
import type { Owner } from '../../src/common/owner.js';
import { ModelRoutes } from '../../src/models/model-routes.service.js';
import type { ProfileDto } from '../../src/profile/dto/profile.dto.js';
import type { UsedKey } from '../../src/models/personal-keys/personal-key.entity.js';
import { PersonalKeyUses } from '../../src/models/personal-keys/personal-key-uses.service.js';
import { Canaries } from '../support/canaries.js';
import { createConnection, everythingStored, listsModels, refuses } from '../support/connections.js';
import { answers, eventually, Parley, type Answer, type Person, type Replica } from '../support/parley.js';
import {
  announcing,
  auditOf,
  createTenant,
  idOf,
  logInAdmin,
  openDefaultTenant,
  soonMs,
  tenantClaim,
} from '../support/people.js';

const canaries = new Canaries();
const organisation = canaries.plant('organisation');
const adasKey = canaries.plant('ada');
const bobsKey = canaries.plant('bob');
const badKey = canaries.plant('bad');

let parley: Parley;
let second: Replica;
let root: Person;
let ada: Person;
let bob: Person;
let stranger: Person;
let acme: string;

/** A vendor that takes every key but one. */
const models: Script = async (exchange) => {
  const isBad = exchange.request.headers.authorization === `Bearer ${badKey}`;
  await (isBad ? refuses(401) : listsModels())(exchange);
};

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim, 'tokens.selfService': true });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  acme = await createTenant(parley, root, 'acme');
  [ada, bob, stranger] = await Promise.all([
    parley.first.logIn('ada'),
    parley.first.logIn('bob'),
    parley.first.logIn('sam', { org: 'acme' }),
  ]);
  const shared = { kind: 'openai-compatible', baseUrl: parley.upstream.url, credential: organisation };
  await createConnection(root, { ...shared, name: 'may', models: ['open'], personalKeys: 'allowed' });
  await createConnection(root, { ...shared, name: 'must', models: ['own'], personalKeys: 'required' });
  await createConnection(root, { ...shared, name: 'never', models: ['ours'] });
});

beforeEach(() => {
  parley.upstream.reset();
  parley.upstream.route('GET', '/models', models);
});

afterAll(() => parley.stop());

function give(person: Person, keys: unknown): Promise<Answer> {
  return person.ask('POST', '/api/profile/api-keys', keys);
}

async function remove(person: Person, provider: string): Promise<number> {
  const response = await person.browser.fetch(`/api/profile/api-keys/${provider}`, { method: 'DELETE' });
  return response.status;
}

async function slotsOf(person: Person): Promise<ProfileDto['apiKeys']> {
  return (await person.ask<ProfileDto>('GET', '/api/profile')).data.apiKeys;
}

/** Waits until somebody's keys are so: a second may pass before a connection is known everywhere. */
async function hasSlots(person: Person, isSo: (slots: ProfileDto['apiKeys']) => boolean): Promise<void> {
  await eventually(async () => (isSo(await slotsOf(person)) ? true : undefined), soonMs);
}

/** Whose key the vendor saw when somebody asked a model. */
async function payerOf(person: Person, model: string): Promise<string | undefined> {
  parley.upstream.enqueue(answers('Yes'));
  const before = parley.upstream.requests.length;
  const posted = await person.post(await person.createThread(), model, { content: 'Hi' });
  expect(posted.status).toBe(200);
  const asked = parley.upstream.requests.slice(before);
  expect(asked).toHaveLength(1);
  return asked[0]?.headers.authorization?.replace('Bearer ', '');
}

/** What is counted of somebody, and not in the audit log yet. */
function countedOf(subject: string): Promise<unknown> {
  return parley.first.database.query(
    `SELECT provider, uses FROM personal_key_uses JOIN users ON users.id = user_id WHERE subject = $1`,
    [subject],
  );
}

/** As calls carry it. */
async function someKeyOf(subject: string): Promise<UsedKey | undefined> {
  const [key] = await parley.first.database.query<UsedKey[]>(
    `SELECT key.id, key.tenant_id AS "tenantId", user_id AS "userId", provider
       FROM personal_keys key JOIN users ON users.id = user_id WHERE subject = $1`,
    [subject],
  );
  return key;
}

function stored(): Promise<unknown> {
  const { database } = parley.first;
  return Promise.all([
    database.query('SELECT * FROM personal_keys ORDER BY id'),
    database.query('SELECT id FROM sealed_secrets ORDER BY id'),
  ]);
}

describe('keys that people bring', () => {
  it.each([
    [{}, 'VALIDATION_FAILED', undefined],
    [[], 'INVALID_BODY', undefined],
    [{ may: 'short' }, 'VALIDATION_FAILED', 'may'],
    [{ may: 'with space in it' }, 'VALIDATION_FAILED', 'may'],
    [{ may: 'line\r\nbreak: x' }, 'VALIDATION_FAILED', 'may'],
    [{ may: null }, 'VALIDATION_FAILED', 'may'],
    [{ may: 'x'.repeat(1001) }, 'VALIDATION_FAILED', 'may'],
  ])('are refused when they cannot be keys: %j', async (keys, code, param) => {
    const before = await stored();
    const { status, error } = await give(ada, keys);
    expect([status, error?.code, error?.param ?? undefined]).toEqual([400, code, param]);
    expect(await stored()).toEqual(before);
    expect(parley.upstream.requests).toEqual([]);
  });

  it.each(['never', 'nobody'])('are refused for %s, and nothing else is sent or stored', async (name) => {
    const before = await stored();
    const refused = { status: 422, error: { code: 'PERSONAL_KEY_NOT_ALLOWED' } };
    expect(await give(ada, { may: adasKey, [name]: adasKey })).toMatchObject(refused);
    expect(await stored()).toEqual(before);
    expect(parley.upstream.requests).toEqual([]);
  });

  it.each([
    ['short', 400],
    ['long-enough', 422],
  ])('in the place of a name are not told back: %s', async (value, status) => {
    const answer = await give(ada, { [adasKey]: value });
    expect(answer.status).toBe(status);
    expect(canaries.in(JSON.stringify(answer))).toEqual([]);
  });

  it('are for the connections of their tenant', async () => {
    expect(await slotsOf(stranger)).toEqual({});
    expect(await give(stranger, { may: adasKey })).toMatchObject({ status: 422 });
  });

  it('are verified, and only the good ones stored', async () => {
    const answer = await give(ada, { may: adasKey, must: badKey });
    expect(answer).toMatchObject({
      status: 200,
      data: {
        updated: ['may'],
        verified: { may: true, must: false },
        failures: { must: 'PROVIDER_AUTHENTICATION_FAILED' },
      },
    });
    expect(await slotsOf(ada)).toEqual({
      may: {
        ...{ configured: true, needsRenewal: false, rule: 'allowed' },
        ...{ setAt: expect.any(String), lastUsedAt: null },
      },
      must: {
        ...{ configured: false, needsRenewal: false, rule: 'required' },
        ...{ setAt: null, lastUsedAt: null },
      },
    });
  });

  it('stay as they are when another is not good', async () => {
    await give(ada, { may: adasKey });
    const before = await stored();
    expect(await give(ada, { may: badKey })).toMatchObject({ data: { updated: [] } });
    expect(await stored()).toEqual(before);
  });

  it('pay for their owner and for nobody else', async () => {
    await give(ada, { may: adasKey, must: adasKey });
    await give(bob, { may: bobsKey });
    expect(await payerOf(ada, 'open')).toBe(adasKey);
    expect(await payerOf(bob, 'open')).toBe(bobsKey);
    expect(await payerOf(root, 'open')).toBe(organisation);
    expect(await payerOf(ada, 'own')).toBe(adasKey);
    expect(await payerOf(ada, 'ours')).toBe(organisation);
  });

  it('pay by tokens that their owner made, not by those that others made for them', async () => {
    await give(ada, { may: adasKey, must: adasKey });
    const fields = {
      name: 'x',
      scopes: ['write'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const ownerId = await idOf(ada);
    const paying = async (issuer: Person, body: object): Promise<(string | undefined)[]> => {
      const { data } = await issuer.ask<{ token: string }>('POST', '/api/tokens', { ...fields, ...body });
      parley.upstream.reset();
      parley.upstream.enqueue(answers('Yes'), answers('Yes'));
      for (const model of ['open', 'own']) {
        const path = `/api/threads/${await ada.createThread()}/models/${model}/messages`;
        const headers = { authorization: `Bearer ${data.token}`, 'content-type': 'application/json' };
        await fetch(parley.first.url + path, { method: 'POST', body: '{"content":"Hi"}', headers });
      }
      return parley.upstream.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', ''));
    };
    expect(await paying(ada, {})).toEqual([adasKey, adasKey]);
    expect(await paying(root, { ownerId })).toEqual([organisation]);
  });

  it('are never replaced by that of the organisation where one is required', async () => {
    const posted = await bob.post(await bob.createThread(), 'own', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'API_KEY_REQUIRED' } });
    expect(parley.upstream.requests).toEqual([]);
  });

  it('that are missing leave the share of their model to the others of its part of a router', async () => {
    const part = [{ model: 'own' }, { model: 'ours' }];
    await root.ask('POST', '/api/models', { kind: 'router', id: 'part', scope: 'tenant', targets: part });
    const targets = [
      { model: 'part', weight: 9 },
      { model: 'open', weight: 1 },
    ];
    const router = { kind: 'router', id: 'shares', scope: 'tenant', strategy: 'weighted', targets };
    expect((await root.ask('POST', '/api/models', router)).status).toBe(201);
    const [owner] = await parley.first.database.query<Owner[]>(
      `SELECT id AS "userId", tenant_id AS "tenantId" FROM users WHERE subject = 'bob'`,
    );
    const credential = { kind: 'session', sessionId: '', authenticatedAt: null } as const;
    const user = { tenantId: '', userId: '', ...owner, role: 'user', credential } as const;
    const route = await parley.first.app.get(ModelRoutes).resolve(user, 'shares');
    expect(route.targets.map(({ model, weight }) => [model.id, weight])).toEqual([
      ['ours', 9],
      ['open', 1],
    ]);
  });

  it('that the vendor refuses are not replaced either, nor tried again', async () => {
    await give(ada, { may: adasKey });
    parley.upstream.reset();
    parley.upstream.route('POST', '/chat/completions', refuses(401));
    const posted = await ada.post(await ada.createThread(), 'open', { content: 'Hi' });
    expect(posted.error).toMatchObject({ code: 'PERSONAL_KEY_REFUSED' });
    expect(parley.upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${adasKey}`,
    ]);
  });

  it('work on every replica within a second, and are gone as soon', async () => {
    await remove(bob, 'may');
    const there = bob.at(second);
    expect((await slotsOf(there))['may']).toMatchObject({ configured: false });
    await give(bob, { may: bobsKey });
    await eventually(
      async () => ((await slotsOf(there))['may']?.configured === true ? true : undefined),
      soonMs,
    );
    expect(await payerOf(there, 'open')).toBe(bobsKey);
    expect(await remove(bob, 'may')).toBe(204);
    await eventually(
      async () => ((await slotsOf(there))['may']?.configured === false ? true : undefined),
      soonMs,
    );
    expect(await payerOf(there, 'open')).toBe(organisation);
    expect(await remove(bob, 'may')).toBe(404);
  });

  it.each(['allowed', 'required'])(
    'stay at the address that they were verified at, where one is %s, and nobody else pays at another',
    async (personalKeys) => {
      const name = `moved-${personalKeys}`;
      const fields = { kind: 'openai-compatible', name, models: [name], personalKeys };
      const payment = { baseUrl: parley.upstream.url, credential: organisation };
      const { id } = await createConnection(root, { ...fields, ...payment });
      const move = async (path: string, credential?: string): Promise<void> => {
        const baseUrl = `${parley.upstream.url}${path}`;
        expect((await root.ask('PATCH', `/api/providers/${id}`, { baseUrl, credential })).status).toBe(200);
      };
      await hasSlots(ada, ({ [name]: slot }) => slot !== undefined);
      await give(ada, { [name]: adasKey });
      await announcing(parley, () => move('/'), 'models');
      expect(await payerOf(ada, name)).toBe(adasKey);
      expect((await slotsOf(ada))[name]).toMatchObject({ configured: true, needsRenewal: false });
      await move('/elsewhere', organisation);
      await hasSlots(ada, ({ [name]: slot }) => slot?.configured === false && slot.needsRenewal);
      parley.upstream.reset();
      const posted = await ada.post(await ada.createThread(), name, { content: 'Hi' });
      expect(posted).toMatchObject({ status: 422, error: { code: 'PERSONAL_KEY_UNREADABLE' } });
      expect(parley.upstream.requests).toEqual([]);
      expect(await remove(ada, name)).toBe(204);
      expect((await slotsOf(ada))[name]).toMatchObject({ configured: false, needsRenewal: false });
    },
  );

  it('are sent without headers of the organisation, which could pay for them', async () => {
    const fields = { kind: 'openai-compatible', baseUrl: parley.upstream.url, name: 'headed' };
    const headers = { 'x-secret': 'of-the-organisation' };
    const { id } = await createConnection(root, { ...fields, models: ['headed'], headers });
    // As it could be made in the version before.
    const { database } = parley.first;
    await database.query(
      `UPDATE connections SET personal_keys = 'allowed', version = version + 1 WHERE name = 'headed'`,
    );
    await hasSlots(ada, ({ headed }) => headed !== undefined);
    expect(await give(ada, { headed: adasKey })).toMatchObject({ data: { updated: ['headed'] } });
    expect(await payerOf(ada, 'headed')).toBe(adasKey);
    const sent = parley.upstream.requests.filter((request) => request.headers.authorization !== undefined);
    expect(sent.map((request) => request.headers['x-secret'])).toEqual([undefined, undefined]);
    expect((await root.ask('PATCH', `/api/providers/${id}`, { enabled: false })).status).toBe(200);
    expect(await remove(ada, 'headed')).toBe(204);
  });

  it('go with their connection, those of everybody, and take their secrets along', async () => {
    const fields = { kind: 'openai-compatible', baseUrl: parley.upstream.url, models: ['gone'] };
    const before = await stored();
    const { id } = await createConnection(root, { ...fields, name: 'gone', personalKeys: 'required' });
    for (const person of [ada, bob]) {
      await hasSlots(person, ({ gone }) => gone !== undefined);
      expect(await give(person, { gone: adasKey })).toMatchObject({ data: { updated: ['gone'] } });
    }
    await root.browser.fetch(`/api/providers/${id}`, { method: 'DELETE' });
    expect(await stored()).toEqual(before);
  });

  it('go with their owner, and take their secrets along', async () => {
    const gus = await parley.first.logIn('gus');
    const before = await stored();
    expect(await give(gus, { may: adasKey, must: adasKey })).toMatchObject({ status: 200 });
    await parley.first.database.query(`DELETE FROM users WHERE subject = 'gus'`);
    expect(await stored()).toEqual(before);
  });

  it('are needed where an admin says so of a model, unless nobody could give one or everybody has to', async () => {
    const say = (model: string, apiKeyRequired: boolean | null): Promise<Answer> =>
      root.ask('PATCH', `/api/models/${model}`, { apiKeyRequired });
    const refused = { status: 422, error: { code: 'API_KEY_RULE_CONFLICT', param: 'apiKeyRequired' } };
    expect(await say('ours', true)).toMatchObject(refused);
    expect(await say('own', false)).toMatchObject(refused);
    expect(await say('open', true)).toMatchObject({ status: 200, data: { apiKeyRequired: true } });
    const posted = await root.post(await root.createThread(), 'open', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'API_KEY_REQUIRED' } });
    expect(await say('open', null)).toMatchObject({ status: 200, data: { apiKeyRequired: false } });
  });

  it('can still be removed where nobody may bring them any more', async () => {
    const fields = { kind: 'openai-compatible', baseUrl: parley.upstream.url, models: ['passing'] };
    const made = await createConnection(root, { ...fields, name: 'passing', personalKeys: 'allowed' });
    await hasSlots(ada, ({ passing }) => passing !== undefined);
    await give(ada, { passing: adasKey });
    await root.ask('PATCH', `/api/providers/${made.id}`, { personalKeys: 'none' });
    await hasSlots(ada, ({ passing }) => passing === undefined);
    expect(await remove(ada, 'passing')).toBe(204);
    expect(await remove(ada, 'passing')).toBe(404);
  });

  it('are for what their tenant calls by that name, before what others share by the same', async () => {
    const amy = await logInAdmin(parley.first, 'amy', { org: 'acme' });
    const fields = { kind: 'openai-compatible', baseUrl: parley.upstream.url, name: 'same' };
    const more = { ...fields, credential: organisation, personalKeys: 'allowed' };
    const shared = await createConnection(root, { ...more, models: ['theirs'], tenants: [acme] });
    await hasSlots(stranger, ({ same }) => same !== undefined);
    expect(await give(stranger, { same: adasKey })).toMatchObject({ data: { updated: ['same'] } });
    expect(await payerOf(stranger, 'theirs')).toBe(adasKey);

    await createConnection(amy, { ...more, models: ['own-of-acme'] });
    await hasSlots(
      stranger,
      ({ same, [shared.id]: other }) => same?.configured === false && other?.configured === true,
    );
    const health = await stranger.browser.fetch('/api/health');
    const { data } = (await health.json()) as { data: { services: { providers: object } } };
    expect(Object.keys(data.services.providers)).toEqual(expect.arrayContaining(['same', shared.id]));

    await give(stranger, { same: bobsKey });
    expect(await payerOf(stranger, 'own-of-acme')).toBe(bobsKey);
    expect(await payerOf(stranger, 'theirs')).toBe(adasKey);
    await give(stranger, { [shared.id]: bobsKey });
    expect(await payerOf(stranger, 'theirs')).toBe(bobsKey);
    // The one that was given by the name that the other has now.
    await give(stranger, { [shared.id]: adasKey });
    await parley.first.database.query(`UPDATE personal_keys SET provider = 'same' WHERE provider = $1`, [
      shared.id,
    ]);
    expect(await remove(stranger, 'same')).toBe(204);
    expect(await payerOf(stranger, 'own-of-acme')).toBe(organisation);
    expect(await payerOf(stranger, 'theirs')).toBe(adasKey);
    expect(await remove(stranger, 'same')).toBe(404);
    expect(await remove(stranger, shared.id)).toBe(204);
    expect(await payerOf(stranger, 'theirs')).toBe(organisation);
  });

  it('that can no longer be read are not replaced by that of the organisation', async () => {
    const carl = await parley.first.logIn('carl');
    await give(carl, { may: adasKey });
    await parley.first.database.query(
      `UPDATE sealed_secrets SET sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))
        WHERE id IN (SELECT secret_id FROM personal_keys JOIN users ON users.id = user_id WHERE subject = 'carl')`,
    );
    parley.upstream.reset();
    const threads = [await carl.createThread(), await carl.createThread(), await carl.createThread()];
    // All at once: whoever waits for the same answer is told the same.
    const posted = await Promise.all(threads.map((thread) => carl.post(thread, 'open', { content: 'Hi' })));
    const refused = { status: 422, error: { code: 'PERSONAL_KEY_UNREADABLE' } };
    expect(posted).toMatchObject([refused, refused, refused]);
    expect(parley.upstream.requests).toEqual([]);
  });

  it('do not open in the row of somebody else', async () => {
    const dora = await parley.first.logIn('dora');
    await give(ada, { may: adasKey });
    await give(dora, { may: bobsKey });
    await parley.first.database.query(
      `UPDATE personal_keys SET secret_id = (
         SELECT secret_id FROM personal_keys JOIN users ON users.id = user_id WHERE subject = 'ada' AND provider = 'may')
        WHERE provider = 'may' AND user_id = (SELECT id FROM users WHERE subject = 'dora')`,
    );
    parley.upstream.reset();
    const there = dora.at(second);
    const posted = await there.post(await there.createThread(), 'open', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'PERSONAL_KEY_UNREADABLE' } });
    expect(parley.upstream.requests).toEqual([]);
    await parley.first.database.query(
      `DELETE FROM personal_keys WHERE user_id = (SELECT id FROM users WHERE subject = 'dora')`,
    );
  });

  it('are replaced once, by many at the same time', async () => {
    const eve = await parley.first.logIn('eve');
    const there = eve.at(second);
    const answered = await Promise.all(
      Array.from({ length: 6 }, (_, index) => give(index % 2 === 0 ? eve : there, { may: bobsKey })),
    );
    expect(answered.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 200));
    const [{ keys, secrets }] = await parley.first.database.query<[{ keys: number; secrets: number }]>(
      `SELECT (SELECT count(*)::int FROM personal_keys JOIN users ON users.id = user_id WHERE subject = 'eve') AS keys,
         (SELECT count(*)::int FROM sealed_secrets WHERE id NOT IN (
           SELECT secret_id FROM personal_keys UNION
           SELECT unnest(ARRAY[credential_id, headers_id]) FROM connections
           EXCEPT SELECT NULL)) AS secrets`,
    );
    // Dora's is the one that nothing refers to: a test put another in its place.
    expect({ keys, secrets }).toEqual({ keys: 1, secrets: 1 });
  });

  it('are shown with their last use, and every use is audited by count', async () => {
    const finn = await parley.first.logIn('finn');
    await give(finn, { may: bobsKey });
    for (let count = 0; count < 3; count++) await payerOf(finn, 'open');
    await parley.first.app.get(PersonalKeyUses).flush();
    const { may } = await slotsOf(finn.at(second));
    expect(new Date(may?.lastUsedAt ?? 0).getTime()).toBeGreaterThan(Date.now() - 120_000);
    await parley.first.database.query(
      `UPDATE personal_key_uses SET day = '2026-01-02' WHERE user_id = (SELECT id FROM users WHERE subject = 'finn')`,
    );
    await payerOf(finn, 'open');
    await parley.first.app.get(PersonalKeyUses).flush();
    await remove(finn, 'may');
    const events = await auditOf(parley, await idOf(finn));
    const used = events.filter(({ action }) => action.startsWith('personal_key.'));
    expect(used.map(({ action, details }) => ({ action, ...details }))).toEqual([
      { action: 'personal_key.set', providers: ['may'] },
      { action: 'personal_key.used', provider: 'may', day: '2026-01-02', uses: 3 },
      { action: 'personal_key.removed', providers: ['may'] },
    ]);
  });

  it('are counted also when they go before their uses were written, on whatever replica', async () => {
    const hal = await parley.first.logIn('hal');
    const there = hal.at(second);
    await give(hal, { may: adasKey });
    await payerOf(hal, 'open');
    await hasSlots(there, ({ may }) => may?.configured === true);
    await payerOf(there, 'open');
    await give(hal, { may: bobsKey });
    await payerOf(hal, 'open');
    await remove(hal, 'may');
    for (const { app } of [parley.first, second]) await app.get(PersonalKeyUses).flush();
    expect(await countedOf('hal')).toEqual([{ provider: 'may', uses: 3 }]);
    await parley.first.database.query(`UPDATE personal_key_uses SET day = '2026-01-02' WHERE uses = 3`);
    await give(ada, { may: adasKey });
    parley.first.app.get(PersonalKeyUses).note(await someKeyOf('ada'));
    await parley.first.app.get(PersonalKeyUses).flush();
    expect((await auditOf(parley, await idOf(hal))).at(-1)).toMatchObject({
      action: 'personal_key.used',
      details: { provider: 'may', day: '2026-01-02', uses: 3 },
    });
    expect(await countedOf('hal')).toEqual([]);
  });

  it('are counted also when a status is asked for or a model is loaded', async () => {
    const ivy = await parley.first.logIn('ivy');
    const fields = { kind: 'ollama', baseUrl: parley.upstream.url, models: ['llama'] };
    await createConnection(root, { ...fields, name: 'local', personalKeys: 'required' });
    await hasSlots(ivy, ({ local }) => local !== undefined);
    const shown = json({ models: [{ model: 'llama', name: 'llama', size: 1, size_vram: 1 }] });
    parley.upstream.route('GET', '/api/tags', shown);
    parley.upstream.route('GET', '/api/ps', shown);
    expect(await give(ivy, { local: adasKey })).toMatchObject({ data: { updated: ['local'] } });
    const flushed = async (): Promise<unknown> => {
      await parley.first.app.get(PersonalKeyUses).flush();
      return countedOf('ivy');
    };
    expect((await ivy.ask('GET', '/api/models/llama/status')).status).toBe(200);
    expect(await flushed()).toEqual([{ provider: 'local', uses: 1 }]);
    expect((await ivy.ask('POST', '/api/models/llama/load')).status).toBe(202);
    await eventually(
      async () => (JSON.stringify(await flushed()).includes('"uses":2') ? true : undefined),
      soonMs,
    );
  });

  it('leave no socket open when they go, nor when they were only verified', async () => {
    const vendor = await ScriptedUpstream.start();
    vendor.route('GET', '/models', models);
    vendor.route('POST', '/chat/completions', answers('Yes'));
    // Idle sockets close by themselves, but after 4 s.
    const closes = (exchange: Exchange): Promise<true> =>
      eventually(() => Promise.resolve(exchange.isClosed ? true : undefined), 2000);
    const fields = { kind: 'openai-compatible', baseUrl: vendor.url, models: ['apart'] };
    await createConnection(root, { ...fields, name: 'apart', personalKeys: 'required' });
    await hasSlots(ada, ({ apart }) => apart !== undefined);
    for (const key of [badKey, adasKey]) {
      await give(ada, { apart: key });
      await closes(await vendor.nextExchange());
    }
    const there = ada.at(second);
    await hasSlots(there, ({ apart }) => apart?.configured === true);
    const asked = async (person: Person): Promise<Exchange> => {
      const thread = await person.createThread();
      expect((await person.post(thread, 'apart', { content: 'Hi' })).status).toBe(200);
      return vendor.nextExchange();
    };
    const before = [await asked(ada), await asked(there)];
    await announcing(parley, () => give(bob, { may: bobsKey }), 'models');
    // By the same sockets: word of a change closes nothing that is still needed.
    const after = [await asked(ada), await asked(there)];
    expect(after.map(({ socketId }) => socketId)).toEqual(before.map(({ socketId }) => socketId));
    expect(await remove(ada, 'apart')).toBe(204);
    await Promise.all(after.map(closes));
    await vendor.stop();
  });

  it('are nowhere but at the vendor', async () => {
    const listed = await Promise.all([
      ada.browser.fetch('/api/profile').then((response) => response.text()),
      everythingStored(parley),
    ]);
    expect(canaries.in(listed.join('\n'))).toEqual([]);
  });
});
