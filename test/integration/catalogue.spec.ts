import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import { json } from '../../bench/upstream/scripts.js';
import type { Caller, TokenCredential } from '../../src/auth/caller.js';
import { ModelOverrides } from '../../src/models/catalogue/model-overrides.service.js';
import type { ModelDto } from '../../src/models/dto/model.dto.js';
import {
  eventually,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';
import {
  announcing,
  auditOf,
  createTenant,
  logInAdmin,
  openDefaultTenant,
  soonMs,
  tenantClaim,
} from '../support/people.js';
import { askWith } from '../support/tokens.js';

/** What the vendor lists. */
const opus = {
  id: 'claude-opus-5-5',
  display_name: 'Opus of the vendor',
  max_input_tokens: 900_000,
  max_tokens: 90_000,
  capabilities: { thinking: { supported: true }, image_input: { supported: false } },
};
const haiku = { id: 'claude-haiku-4-5-20251001', display_name: 'Haiku of the vendor' };

let vendor: ScriptedUpstream;
let parley: Parley;
let second: Replica;
let root: Person;
let joe: Person;
let amy: Person;

beforeAll(async () => {
  vendor = await ScriptedUpstream.start();
  vendor.route('GET', '/v1/models?limit=1000', json({ data: [opus, haiku], has_more: false }));
  parley = await Parley.start({
    'identity.tenantClaim': tenantClaim,
    'providers.anthropic.apiKey': 'sk-test',
    'providers.anthropic.baseUrl': vendor.url,
    'providers.anthropic.personalKeys': 'allowed',
    'providers.openai.apiKey': 'sk-test',
    'providers.openai.models': ['gpt-4o', 'gpt-5-2025-08-07', 'gpt-unheard-of'],
    'providers.compatible.models': [upstreamModel, 'gpt-4.1'],
  });
  second = await parley.addReplica();
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  await createTenant(parley, root, 'acme');
  amy = await logInAdmin(parley.first, 'amy', { org: 'acme' });
  joe = await parley.first.logIn('joe', { groups: ['staff'] });
});

afterEach(async () => {
  for (const { model_id: id } of await overrides()) await root.ask('DELETE', pathOf(id));
});

afterAll(async () => {
  await parley.stop();
  await vendor.stop();
});

function overrides(): Promise<{ readonly model_id: string }[]> {
  return parley.first.database.query('SELECT * FROM model_overrides ORDER BY tenant_id, model_id');
}

function pathOf(id: string): string {
  return `/api/models/${id}`;
}

function patch(person: Person, id: string, change: unknown): Promise<Answer<ModelDto>> {
  return person.ask('PATCH', pathOf(id), change);
}

async function override(id: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  expect(await patch(root, id, change)).toMatchObject({ status: 200 });
}

async function get(person: Person, id: string): Promise<ModelDto> {
  const { status, data } = await person.ask<ModelDto>('GET', pathOf(id));
  expect(status).toBe(200);
  return data;
}

async function listed(person: Person): Promise<string[]> {
  return (await person.ask<ModelDto[]>('GET', '/api/models')).data.map(({ id }) => id);
}

/** That there is no such model for somebody: not in the list, not by its name, not to talk to. */
async function hasNone(person: Person, id: string): Promise<void> {
  expect(await listed(person)).not.toContain(id);
  const notFound = { status: 404, error: { code: 'MODEL_NOT_FOUND' } };
  expect(await person.ask('GET', pathOf(id))).toMatchObject(notFound);
  expect(await person.post(await person.createThread(), id, { content: 'Hi' })).toMatchObject(notFound);
}

/** That it is there, in each of these ways. */
async function hasIt(person: Person, id: string): Promise<void> {
  expect(await listed(person)).toContain(id);
  await get(person, id);
  expect(await person.post(await person.createThread(), id, { content: 'Hi' })).toMatchObject({
    status: 200,
  });
}

async function refusesAndKeeps(ask: () => Promise<Answer>, expected: object): Promise<void> {
  const before = await overrides();
  expect(await ask()).toMatchObject(expected);
  expect(await overrides()).toEqual(before);
}

describe('a model', () => {
  it('is as its vendor says, and for the rest as the curated table does', async () => {
    expect(await get(joe, opus.id)).toEqual({
      kind: 'model',
      id: opus.id,
      name: opus.display_name,
      provider: 'anthropic',
      capabilities: ['chat', 'reasoning', 'tools'],
      contextLength: opus.max_input_tokens,
      maxOutputTokens: opus.max_tokens,
      pricing: {
        currency: 'USD',
        input: 4_000_000,
        output: 20_000_000,
        cachedRead: 200_000,
        cachedWrite: 5_000_000,
      },
      temperature: null,
      apiKeyRequired: false,
      requiresLoading: false,
      administration: null,
    });
    expect(await get(joe, haiku.id)).toMatchObject({
      name: haiku.display_name,
      capabilities: ['chat', 'reasoning', 'tools', 'images', 'structured_output'],
      contextLength: 200_000,
      maxOutputTokens: 64_000,
      pricing: { input: 1_000_000, output: 5_000_000 },
      temperature: { min: 0, max: 1, step: 0.1, default: 1 },
    });
  });

  it('has the price of its vendor with that vendor only', async () => {
    const priced = { contextLength: 400_000, pricing: { input: 1_250_000, output: 10_000_000 } };
    expect(await get(joe, 'gpt-5-2025-08-07')).toMatchObject({ name: 'GPT-5', ...priced });
    for (const id of ['gpt-4.1', 'gpt-unheard-of', 'demo']) {
      expect(await get(joe, id)).toMatchObject({ pricing: null });
    }
  });

  it('shows to admins alone where it is asked and who may use it', async () => {
    expect((await get(root, 'gpt-4o')).administration).toEqual({
      connection: { id: 'openai', name: 'openai' },
      roles: null,
      groups: null,
      hidden: false,
      systemPrompt: null,
      overridden: [],
    });
    expect((await get(joe, 'gpt-4o')).administration).toBeNull();
  });
});

describe('what an admin says of a model', () => {
  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ contextLength: 0 }, 'contextLength'],
    [{ contextLength: 1.5 }, 'contextLength'],
    [{ maxOutputTokens: '100' }, 'maxOutputTokens'],
    [{ pricing: { currency: 'USD', input: 1 } }, 'pricing.output'],
    [{ pricing: { currency: 'dollars', input: 1, output: 1 } }, 'pricing.currency'],
    [{ pricing: { currency: 'USD', input: -1, output: 1 } }, 'pricing.input'],
    [{ pricing: { currency: 'USD', input: 0.5, output: 1 } }, 'pricing.input'],
    [{ pricing: { currency: 'USD', input: 1, output: 1, cachedRead: null } }, 'pricing.cachedRead'],
    [{ pricing: 3 }, 'pricing'],
    [{ temperature: { min: 0, max: 1, step: 0, default: 0 } }, 'temperature.step'],
    [{ temperature: { min: 1, max: 0, step: 0.1, default: 0.5 } }, 'temperature'],
    [{ temperature: { min: 0, max: 1, step: 0.1, default: 2 } }, 'temperature'],
    [{ temperature: { min: 0, max: 1, step: 0.1 } }, 'temperature.default'],
    [{ capabilities: [] }, 'capabilities'],
    [{ capabilities: ['chat', 'chat'] }, 'capabilities'],
    [{ capabilities: ['fly'] }, 'capabilities'],
    [{ apiKeyRequired: 'yes' }, 'apiKeyRequired'],
    [{ requiresLoading: 1 }, 'requiresLoading'],
    [{ systemPrompt: '' }, 'systemPrompt'],
    [{ systemPrompt: 'x'.repeat(10_001) }, 'systemPrompt'],
    [{ roles: ['king'] }, 'roles'],
    [{ roles: 'admin' }, 'roles'],
    [{ groups: ['a', 'a'] }, 'groups'],
    [{ groups: ['nul\0'] }, 'groups'],
    [{ groups: [''] }, 'groups'],
    [{ hidden: 'no' }, 'hidden'],
    [{ provider: 'google' }, 'provider'],
    [{ id: 'other' }, 'id'],
  ])('is refused as %j', async (change, param) => {
    await override('demo', { name: 'Ours' });
    const good = { maxOutputTokens: 7 };
    await refusesAndKeeps(() => patch(root, 'demo', { ...good, ...change }), {
      status: 400,
      error: { code: 'VALIDATION_FAILED', param },
    });
  });

  it('is refused of a model that is not there', async () => {
    const notFound = { status: 404, error: { code: 'MODEL_NOT_FOUND' } };
    await refusesAndKeeps(() => patch(root, 'nobody', { name: 'Ours' }), notFound);
    await refusesAndKeeps(() => root.ask('DELETE', pathOf('nobody')), notFound);
  });

  it('is refused of others than admins', async () => {
    await override('demo', { name: 'Ours' });
    const forbidden = { status: 403, error: { code: 'FORBIDDEN' } };
    await refusesAndKeeps(() => patch(joe, 'demo', { name: 'Mine' }), forbidden);
    await refusesAndKeeps(() => joe.ask('DELETE', pathOf('demo')), forbidden);
  });

  it('is refused of others, and of credentials without the model, by whatever door it comes', async () => {
    const [{ id: tenantId } = { id: '' }] = await parley.first.database.query<{ id: string }[]>(
      `SELECT id FROM tenants WHERE slug = 'default'`,
    );
    const expiresAt = new Date();
    const limits = {
      tokenId: '',
      isOwnersOwn: true,
      allowedNetworks: [],
      requestsPerMinute: null,
      expiresAt,
    };
    const token: TokenCredential = { kind: 'token', models: ['gpt-4o'], ...limits };
    const admin: Caller = {
      tenantId,
      userId: '',
      username: '',
      role: 'admin',
      scopes: ['admin'],
      credential: token,
    };
    const user: Caller = { ...admin, role: 'user', credential: { kind: 'provider', expiresAt } };
    const service = parley.first.app.get(ModelOverrides);
    await override('demo', { name: 'Ours' });
    const before = await overrides();
    for (const caller of [admin, user]) {
      const notFound = { code: 'MODEL_NOT_FOUND' };
      await expect(service.change(caller, 'demo', { name: 'Mine' })).rejects.toMatchObject(notFound);
      await expect(service.reset(caller, 'demo')).rejects.toMatchObject(notFound);
    }
    expect(await overrides()).toEqual(before);
  });

  it('is refused by a token that does not include the model', async () => {
    const order = {
      name: 'CI',
      scopes: ['admin'],
      models: ['demo'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const { token } = (await root.ask<{ token: string }>('POST', '/api/tokens', order)).data;
    const change = (id: string) =>
      askWith(token, `${parley.first.url}${pathOf(id)}`, { method: 'PATCH', body: { name: 'Ours' } });
    expect(await change('gpt-4o')).toMatchObject({ status: 404, error: { code: 'MODEL_NOT_FOUND' } });
    expect(await overrides()).toEqual([]);
    expect(await change('demo')).toMatchObject({ status: 200 });
  });

  it.each([
    ['name', 'Ours'],
    ['contextLength', 1234],
    ['maxOutputTokens', 567],
    ['pricing', { currency: 'EUR', input: 1, output: 2, cachedRead: 0, cachedWrite: 3 }],
    ['temperature', { min: 0.2, max: 0.4, step: 0.1, default: 0.3 }],
    ['capabilities', ['chat']],
    ['apiKeyRequired', true],
    ['requiresLoading', true],
  ] as const)('holds for its %s, over vendor and table, until it is taken back', async (field, value) => {
    const before = await get(joe, opus.id);
    expect((await patch(root, opus.id, { [field]: value })).data).toMatchObject({
      [field]: value,
      administration: { overridden: [field] },
    });
    expect(await get(joe, opus.id)).toEqual(Object.assign({}, before, { [field]: value }));
    await override(opus.id, { [field]: null });
    expect(await get(joe, opus.id)).toEqual(before);
    expect(await overrides()).toEqual([]);
  });

  it('adds up, field by field, and goes as a whole when it is reset', async () => {
    const before = await get(root, 'demo');
    await override('demo', { name: 'Ours', contextLength: 10 });
    await override('demo', { contextLength: 20, hidden: true });
    expect(await get(root, 'demo')).toMatchObject({
      name: 'Ours',
      contextLength: 20,
      administration: { hidden: true, overridden: ['name', 'contextLength', 'hidden'] },
    });
    expect((await root.ask('DELETE', pathOf('demo'))).status).toBe(200);
    expect(await get(root, 'demo')).toEqual(before);
    expect(await overrides()).toEqual([]);
  });

  it('loses nothing when two say something at once', async () => {
    await Promise.all([override('demo', { name: 'Ours' }), override('demo', { contextLength: 10 })]);
    expect(await get(root, 'demo')).toMatchObject({ name: 'Ours', contextLength: 10 });
  });

  it('is on record with what was before, once for what changes and not for what does not', async () => {
    const pricing = { currency: 'EUR', input: 1, output: 2 };
    await override('demo-reasoning', { name: 'Ours', pricing });
    await override('demo-reasoning', { name: 'Ours', pricing });
    await root.ask('DELETE', pathOf('demo-reasoning'));
    await root.ask('DELETE', pathOf('demo-reasoning'));
    expect(await auditOf(parley, 'demo-reasoning')).toMatchObject([
      {
        action: 'model.overridden',
        details: { old: { name: null, pricing: null }, new: { name: 'Ours', pricing } },
      },
      {
        action: 'model.reset',
        details: { old: { name: 'Ours', pricing }, new: { name: null, pricing: null } },
      },
    ]);
  });

  it('concerns no other tenant', async () => {
    const before = await get(amy, 'demo');
    await override('demo', { name: 'Ours', roles: ['admin'], hidden: true });
    expect(await get(amy, 'demo')).toEqual(before);
    await patch(amy, 'demo', { name: 'Of acme' });
    expect(await get(root, 'demo')).toMatchObject({ name: 'Ours' });
    expect((await amy.ask('DELETE', pathOf('demo'))).status).toBe(200);
    expect(await get(root, 'demo')).toMatchObject({ name: 'Ours' });
  });

  it('stays of a model that is gone, and can be taken back then', async () => {
    await parley.first.database.query(
      `INSERT INTO model_overrides SELECT id, 'gone', '{"name": "Ours"}', now() FROM tenants WHERE slug = 'default'`,
    );
    expect(await listed(root)).not.toContain('gone');
    expect((await root.ask('DELETE', pathOf('gone'))).status).toBe(200);
    expect(await overrides()).toEqual([]);
  });

  it('is seen at once where it was said, and on other replicas as soon as they hear of it', async () => {
    const there = root.at(second);
    await get(there, 'demo');
    await announcing(parley, () => override('demo', { name: 'Ours' }), 'models');
    expect(await get(root, 'demo')).toMatchObject({ name: 'Ours' });
    await eventually(async () => ((await get(there, 'demo')).name === 'Ours' ? true : undefined), soonMs);
  });
});

describe('who may use a model', () => {
  afterEach(() => {
    parley.upstream.reset();
  });

  it('is everybody, unless an admin says otherwise', () => hasIt(joe, 'demo'));

  it('is who has one of the roles, and admins always', async () => {
    await override('demo', { roles: ['power_user'] });
    await hasNone(joe, 'demo');
    await hasIt(root, 'demo');
    await override('demo', { roles: ['user'] });
    await hasIt(joe, 'demo');
  });

  it('is who is in one of the groups, and nobody but admins when there are none', async () => {
    const none = await parley.first.logIn('none', { groups: [] });
    const untold = await parley.first.logIn('untold');
    await override('demo', { groups: ['staff', 'others'] });
    await hasIt(joe, 'demo');
    for (const person of [none, untold]) await hasNone(person, 'demo');
    await override('demo', { groups: [] });
    await hasNone(joe, 'demo');
    await hasIt(root, 'demo');
  });

  it('is who has a role or is in a group, where both are named', async () => {
    const guest = await parley.first.logIn('gus', { groups: ['guests'] });
    await override('demo', { roles: ['guest'], groups: ['staff'] });
    await get(guest, 'demo');
    await hasIt(joe, 'demo');
    await hasNone(await parley.first.logIn('none', { groups: [] }), 'demo');
  });

  it('is decided by the groups of the last login: silence keeps them, none takes them away', async () => {
    await override('demo', { groups: ['staff'] });
    const eve = await parley.first.logIn('eve', { groups: ['staff', 'staff', 'x'.repeat(300), 'nul\0', 7] });
    const [stored] = await parley.first.database.query<{ groups: string[] }[]>(
      `SELECT groups FROM users WHERE subject = 'eve'`,
    );
    expect(stored?.groups).toEqual(['staff']);
    await get(eve, 'demo');
    await parley.first.logIn('eve');
    await get(eve, 'demo');
    await announcing(parley, () => parley.first.logIn('eve', { groups: [] }));
    await eventually(
      async () => ((await eve.ask('GET', pathOf('demo'))).status === 404 ? true : undefined),
      soonMs,
    );
    await hasNone(eve, 'demo');
  });

  it('is heard of by other replicas', async () => {
    const there = joe.at(second);
    await hasIt(there, 'demo');
    await override('demo', { groups: ['others'] });
    await eventually(
      async () => ((await there.ask('GET', pathOf('demo'))).status === 404 ? true : undefined),
      soonMs,
    );
    await hasNone(there, 'demo');
  });

  it('is not touched by hiding it: it is not listed, but answers to its name', async () => {
    await override('demo', { hidden: true });
    expect(await listed(joe)).not.toContain('demo');
    await get(joe, 'demo');
    expect(await listed(root)).toContain('demo');
  });
});
