import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Script } from '../../bench/upstream/scripts.js';
import type { ProfileDto } from '../../src/profile/dto/profile.dto.js';
import { PersonalKeyUses } from '../../src/models/personal-keys/personal-key-uses.service.js';
import { Canaries } from '../support/canaries.js';
import { createConnection, everythingStored, listsModels, refuses } from '../support/connections.js';
import { answers, eventually, Parley, type Answer, type Person, type Replica } from '../support/parley.js';
import {
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

/** A vendor that takes every key but one. */
const models: Script = async (exchange) => {
  const isBad = exchange.request.headers.authorization === `Bearer ${badKey}`;
  await (isBad ? refuses(401) : listsModels())(exchange);
};

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': tenantClaim });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  await createTenant(parley, root, 'acme');
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
    expect(await give(ada, keys)).toMatchObject({
      status: 400,
      error: { code, ...(param === undefined ? {} : { param }) },
    });
    expect(await stored()).toEqual(before);
    expect(parley.upstream.requests).toEqual([]);
  });

  it.each(['never', 'nobody'])('are refused for %s, and nothing else is sent or stored', async (name) => {
    const before = await stored();
    const refused = { status: 422, error: { code: 'PERSONAL_KEY_NOT_ALLOWED', param: name } };
    expect(await give(ada, { may: adasKey, [name]: adasKey })).toMatchObject(refused);
    expect(await stored()).toEqual(before);
    expect(parley.upstream.requests).toEqual([]);
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
      may: { configured: true, rule: 'allowed', setAt: expect.any(String), lastUsedAt: null },
      must: { configured: false, rule: 'required', setAt: null, lastUsedAt: null },
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

  it('are never replaced by that of the organisation where one is required', async () => {
    const posted = await bob.post(await bob.createThread(), 'own', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'API_KEY_REQUIRED' } });
    expect(parley.upstream.requests).toEqual([]);
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

  it('go with the base URL that they were verified at', async () => {
    const moved = await createConnection(root, {
      kind: 'openai-compatible',
      name: 'moved',
      baseUrl: parley.upstream.url,
      models: ['movable'],
      personalKeys: 'required',
    });
    await give(ada, { moved: adasKey });
    expect(await payerOf(ada, 'movable')).toBe(adasKey);
    await root.ask('PATCH', `/api/providers/${moved.id}`, { baseUrl: `${parley.upstream.url}/elsewhere` });
    parley.upstream.reset();
    const posted = await ada.post(await ada.createThread(), 'movable', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'API_KEY_REQUIRED' } });
    expect((await slotsOf(ada))['moved']).toMatchObject({ configured: false });
    expect(parley.upstream.requests).toEqual([]);
    expect(await remove(ada, 'moved')).toBe(204);
  });

  it('that can no longer be read are not replaced by that of the organisation', async () => {
    const carl = await parley.first.logIn('carl');
    await give(carl, { may: adasKey });
    await parley.first.database.query(
      `UPDATE sealed_secrets SET sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))
        WHERE id IN (SELECT secret_id FROM personal_keys JOIN users ON users.id = user_id WHERE subject = 'carl')`,
    );
    parley.upstream.reset();
    const posted = await carl.post(await carl.createThread(), 'open', { content: 'Hi' });
    expect(posted).toMatchObject({ status: 422, error: { code: 'PERSONAL_KEY_UNREADABLE' } });
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
           SELECT secret_id FROM personal_keys UNION SELECT credential_id FROM connections WHERE credential_id IS NOT NULL)) AS secrets`,
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
      `UPDATE personal_keys SET uses_day = '2026-01-02' WHERE user_id = (SELECT id FROM users WHERE subject = 'finn')`,
    );
    await payerOf(finn, 'open');
    await parley.first.app.get(PersonalKeyUses).flush();
    await remove(finn, 'may');
    const id = await idOf(finn);
    const used = (await auditOf(parley, id)).filter(({ action }) => action.startsWith('personal_key.'));
    const today = new Date().toISOString().slice(0, 10);
    expect(used.map(({ action, details }) => ({ action, ...details }))).toEqual([
      { action: 'personal_key.set', providers: ['may'] },
      { action: 'personal_key.used', provider: 'may', day: '2026-01-02', uses: 3 },
      { action: 'personal_key.used', provider: 'may', day: today, uses: 1 },
      { action: 'personal_key.removed', providers: ['may'] },
    ]);
  });

  it('are nowhere but at the vendor', async () => {
    const listed = await Promise.all([
      ada.browser.fetch('/api/profile').then((response) => response.text()),
      everythingStored(parley),
    ]);
    expect(canaries.in(listed.join('\n'))).toEqual([]);
  });
});
