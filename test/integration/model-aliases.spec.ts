import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, Parley, upstreamModel, type Answer, type Person } from '../support/parley.js';
import {
  auditOf,
  createTenant,
  logInAdmin,
  openDefaultTenant,
  soonMs,
  tenantClaim,
} from '../support/people.js';

let parley: Parley;
/** An admin, two power users, a user, and an admin of another tenant. */
let root: Person;
let pia: Person;
let paul: Person;
let uma: Person;
let eve: Person;

beforeAll(async () => {
  parley = await Parley.start({
    'identity.tenantClaim': tenantClaim,
    'identity.groupRoles': { admins: 'admin', power: 'power_user' },
    'providers.compatible.models': [upstreamModel, 'second'],
  });
  await openDefaultTenant(parley);
  root = await logInAdmin(parley.first, 'root');
  await createTenant(parley, root, 'other');
  pia = await parley.first.logIn('pia', { groups: ['power'] });
  paul = await parley.first.logIn('paul', { groups: ['power'] });
  uma = await parley.first.logIn('uma');
  eve = await logInAdmin(parley.first, 'eve', { [tenantClaim]: 'other' });
});

afterAll(() => parley.stop());

afterEach(async () => {
  await parley.first.database.query('DELETE FROM model_aliases');
  await parley.first.database.query('DELETE FROM model_overrides');
  await parley.first.database.query(`SELECT pg_notify('parley', 'models'), pg_notify('parley', 'access')`);
  // Every cache forgets at that word: when they show nothing of the test, it was heard.
  await eventually(async () => {
    const lists = await Promise.all(
      [root, pia, paul, eve].map((person) => person.ask<Shown[]>('GET', '/api/models')),
    );
    return lists.flatMap(({ data }) => data).every(isUntouched) ? true : undefined;
  }, soonMs);
});

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly scope?: string;
  readonly broken?: boolean;
  readonly administration?: { readonly overridden: readonly string[] } | null;
  readonly targets?: { model: string; problem: string | null }[] | null;
  readonly preset?: Record<string, unknown> | null;
  readonly [field: string]: unknown;
}

function isUntouched({ kind, administration }: Shown): boolean {
  return kind === 'model' && (administration ?? { overridden: [] }).overridden.length === 0;
}

function make(person: Person, body: unknown): Promise<Answer<Shown>> {
  return person.ask('POST', '/api/models', body);
}

function patch(person: Person, id: string, body: unknown): Promise<Answer<Shown>> {
  return person.ask('PATCH', `/api/models/${encodeURIComponent(id)}`, body);
}

function get(person: Person, id: string): Promise<Answer<Shown>> {
  return person.ask('GET', `/api/models/${encodeURIComponent(id)}`);
}

function remove(person: Person, id: string): Promise<Answer<Shown>> {
  return person.ask('DELETE', `/api/models/${encodeURIComponent(id)}`);
}

async function namesOf(person: Person): Promise<string[]> {
  return (await person.ask<Shown[]>('GET', '/api/models')).data.map(({ id }) => id);
}

const aliasOf = (model: string, fields: object = {}): object => ({
  kind: 'alias',
  id: 'fast',
  target: { model },
  ...fields,
});

const routerOf = (models: string[], fields: object = {}): object => ({
  kind: 'router',
  id: 'pool',
  targets: models.map((model) => ({ model })),
  ...fields,
});

async function made(person: Person, body: object): Promise<Shown> {
  const { status, data, error } = await make(person, body);
  expect([status, error]).toEqual([201, undefined]);
  return data;
}

function refusalOf({ status, error }: Answer): unknown[] {
  return [status, error?.code, error?.param];
}

/** Everything that a refusal must leave as it is. */
async function stored(): Promise<unknown> {
  const { database } = parley.first;
  return Promise.all([
    database.query('SELECT * FROM model_aliases ORDER BY id'),
    database.query('SELECT * FROM model_overrides ORDER BY model_id'),
    database.query('SELECT tenant_id, seq FROM audit_heads ORDER BY tenant_id'),
  ]);
}

async function expectRefused(work: () => Promise<Answer>, refusal: unknown[]): Promise<void> {
  const before = await stored();
  expect(refusalOf(await work())).toEqual(refusal);
  expect(await stored()).toEqual(before);
}

const many = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ model: `m${index}` }));

describe('a body', () => {
  it.each<[string, object, string]>([
    ['of no kind', { id: 'x', target: { model: 'demo' } }, 'kind'],
    ['of another kind', aliasOf('demo', { kind: 'model' }), 'kind'],
    ['without a name', { kind: 'alias', target: { model: 'demo' } }, 'id'],
    ['with an empty name', aliasOf('demo', { id: '' }), 'id'],
    ['with a name that no path can have', aliasOf('demo', { id: '..' }), 'id'],
    ['with a name that ends in white space', aliasOf('demo', { id: 'x ' }), 'id'],
    ['with a name of two lines', aliasOf('demo', { id: 'a\nb' }), 'id'],
    ['with a name that is too long', aliasOf('demo', { id: 'x'.repeat(201) }), 'id'],
    ['with another scope', aliasOf('demo', { scope: 'world' }), 'scope'],
    ['without a target', { kind: 'alias', id: 'x' }, 'target'],
    ['whose target is a list', { kind: 'alias', id: 'x', target: [] }, 'target'],
    ['whose target is only its name', { kind: 'alias', id: 'x', target: 'demo' }, 'target'],
    ['whose target has no name', { kind: 'alias', id: 'x', target: {} }, 'target.model'],
    [
      'whose target has a weight without a router',
      aliasOf('', { target: { model: 'demo', weight: 1 } }),
      'target.weight',
    ],
    ['with the targets of a router', aliasOf('demo', { targets: [{ model: 'demo' }] }), 'targets'],
    ['with the policy of a router', aliasOf('demo', { strategy: 'ordered' }), 'strategy'],
    [
      'with a parameter that there is not',
      aliasOf('demo', { parameters: { warmth: 1 } }),
      'parameters.warmth',
    ],
    ['with a parameter out of range', aliasOf('demo', { parameters: { topP: 1.1 } }), 'parameters.topP'],
    ['with a parameter that is null', aliasOf('demo', { parameters: { seed: null } }), 'parameters.seed'],
    ['with empty stop texts', aliasOf('demo', { parameters: { stop: [''] } }), 'parameters.stop'],
    [
      'with unknown reasoning',
      aliasOf('demo', { parameters: { reasoning: { how: 'x' } } }),
      'parameters.reasoning.how',
    ],
    [
      'with a system prompt that is too long',
      aliasOf('demo', { systemPrompt: 'x'.repeat(10_001) }),
      'systemPrompt',
    ],
    ['with a blank system prompt', aliasOf('demo', { systemPrompt: ' ' }), 'systemPrompt'],
    ['with no context', aliasOf('demo', { contextTokens: 0 }), 'contextTokens'],
    ['without targets', routerOf([]), 'targets'],
    ['with more than twenty targets', routerOf([], { targets: many(21) }), 'targets'],
    ['with the same target twice', routerOf(['demo', 'demo']), 'targets'],
    ['with null for a target', routerOf([], { targets: [null] }), 'targets'],
    ['with a list for a target', routerOf([], { targets: [[{ model: 'demo' }]] }), 'targets'],
    ['with no weight', routerOf([], { targets: [{ model: 'demo', weight: 0 }] }), 'targets.0.weight'],
    ['with the parameters of an alias', routerOf(['demo'], { parameters: {} }), 'parameters'],
    ['with another strategy', routerOf(['demo'], { strategy: 'random' }), 'strategy'],
    ['with no attempts', routerOf(['demo'], { maxAttempts: 0 }), 'maxAttempts'],
    ['with a cooldown of more than an hour', routerOf(['demo'], { cooldownMs: 3_600_001 }), 'cooldownMs'],
    ['with an owner', aliasOf('demo', { ownerId: 'user_1' }), 'ownerId'],
  ])('is refused %s, and told why', async (_what, body, param) => {
    await expectRefused(() => make(root, body), [400, 'VALIDATION_FAILED', param]);
  });

  it('to change something is refused with what is not to be changed, and with what the other kind has', async () => {
    await made(pia, aliasOf('demo'));
    await made(pia, routerOf(['demo']));
    for (const [id, body, param] of [
      ['fast', { id: 'other' }, 'id'],
      ['fast', { kind: 'router' }, 'kind'],
      ['fast', { scope: 'tenant' }, 'scope'],
      ['fast', { targets: [{ model: 'demo' }] }, 'targets'],
      ['fast', { contextLength: 5 }, 'contextLength'],
      ['pool', { target: { model: 'demo' } }, 'target'],
      ['pool', { systemPrompt: 'x' }, 'systemPrompt'],
    ] as const) {
      await expectRefused(() => patch(pia, id, body), [400, 'VALIDATION_FAILED', param]);
    }
  });
});

describe('a target', () => {
  it('must be there', async () => {
    const unknown = [422, 'MODEL_TARGET_UNKNOWN'];
    await expectRefused(() => make(pia, aliasOf('nothing')), [...unknown, 'target.model']);
    await expectRefused(() => make(pia, routerOf(['demo', 'nothing'])), [...unknown, 'targets.1.model']);
    const elsewhere = { target: { model: upstreamModel, connection: 'demo' } };
    await expectRefused(() => make(pia, aliasOf('', elsewhere)), [...unknown, 'target.model']);
    await made(pia, aliasOf('demo'));
    await expectRefused(
      () => patch(pia, 'fast', { target: { model: 'nothing' } }),
      [...unknown, 'target.model'],
    );
  });

  it('must be for whoever leads to it', async () => {
    expect((await patch(root, 'second', { roles: ['guest'] })).status).toBe(200);
    await expectRefused(() => make(pia, aliasOf('second')), [422, 'MODEL_TARGET_UNKNOWN', 'target.model']);
    await made(root, aliasOf('second'));
  });

  it('is nothing of somebody else', async () => {
    await made(paul, aliasOf('demo', { id: 'of-paul' }));
    await expectRefused(() => make(pia, aliasOf('of-paul')), [422, 'MODEL_TARGET_UNKNOWN', 'target.model']);
    await expectRefused(
      () => make(root, aliasOf('of-paul', { scope: 'tenant' })),
      [422, 'MODEL_TARGET_UNKNOWN', 'target.model'],
    );
  });

  it("of the tenant's is nothing of the admin who makes it", async () => {
    await made(root, aliasOf('demo', { id: 'of-root' }));
    await expectRefused(
      () => make(root, aliasOf('of-root', { scope: 'tenant' })),
      [422, 'MODEL_TARGET_UNKNOWN', 'target.model'],
    );
  });

  it('must take the parameters, each of several', async () => {
    const hot = { parameters: { temperature: 2.5 } };
    const outOfRange = [400, 'TEMPERATURE_OUT_OF_RANGE', 'parameters.temperature'];
    await expectRefused(() => make(pia, aliasOf('demo', hot)), outOfRange);
    await made(pia, aliasOf('demo', { parameters: { temperature: 1.5 } }));
    await expectRefused(() => patch(pia, 'fast', hot), outOfRange);
    const cold = {
      temperature: { min: 0, max: 1, step: 0.1, default: 1 },
      maxOutputTokens: 100,
      contextLength: 1000,
    };
    expect((await patch(root, 'second', cold)).status).toBe(200);
    await made(pia, routerOf(['demo', 'second']));
    await expectRefused(() => patch(pia, 'fast', { target: { model: 'pool' } }), outOfRange);
    const refused = (fields: object, param: string): Promise<void> =>
      expectRefused(
        () => make(pia, aliasOf('pool', { id: 'new', ...fields })),
        [400, 'VALIDATION_FAILED', param],
      );
    await refused({ parameters: { maxOutputTokens: 101 } }, 'parameters.maxOutputTokens');
    await refused({ contextTokens: 1001 }, 'contextTokens');
    await expectRefused(
      () => make(pia, aliasOf('pool', { id: 'new', parameters: { topK: 5 } })),
      [400, 'UNSUPPORTED_PARAMETER', 'parameters.topK'],
    );
    await made(
      pia,
      aliasOf('pool', { id: 'new', contextTokens: 1000, parameters: { maxOutputTokens: 100 } }),
    );
  });
});

describe('a name', () => {
  const taken = [409, 'MODEL_NAME_TAKEN', 'id'];

  it('is not that of a model that its maker is shown, nor the tenant’s that of any model', async () => {
    await expectRefused(() => make(pia, aliasOf('demo', { id: 'second' })), taken);
    expect((await patch(root, 'second', { roles: ['guest'] })).status).toBe(200);
    await expectRefused(() => make(root, aliasOf('demo', { id: 'second', scope: 'tenant' })), taken);
  });

  it.each([
    ['that they may not use', { roles: ['guest'] }],
    ['that is hidden', { hidden: true }],
  ])('tells nobody of a model %s, and is theirs alone', async (_which, override) => {
    expect((await patch(root, 'second', override)).status).toBe(200);
    await made(pia, aliasOf('demo', { id: 'second' }));
    expect((await get(pia, 'second')).data).toMatchObject({ kind: 'alias' });
    expect((await get(root, 'second')).data).toMatchObject({ kind: 'model' });
  });

  it('is given once by one person, and once by one tenant', async () => {
    await made(pia, aliasOf('demo'));
    await expectRefused(() => make(pia, routerOf(['demo'], { id: 'fast' })), taken);
    await made(paul, aliasOf('demo'));
    await made(root, aliasOf('demo', { id: 'ours', scope: 'tenant' }));
    await expectRefused(() => make(root, routerOf(['demo'], { id: 'ours', scope: 'tenant' })), taken);
    await expectRefused(() => make(pia, aliasOf('demo', { id: 'ours' })), taken);
    await made(eve, aliasOf('demo', { id: 'ours', scope: 'tenant' }));
  });

  it('is given once to many who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => make(pia, aliasOf('demo'))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  it('is personal before it is the tenant’s, also when the tenant comes later', async () => {
    await made(pia, aliasOf('demo', { name: 'Mine' }));
    await made(root, aliasOf('second', { name: 'Ours', scope: 'tenant' }));
    expect((await get(pia, 'fast')).data).toMatchObject({ name: 'Mine', scope: 'personal' });
    expect((await namesOf(pia)).filter((id) => id === 'fast')).toHaveLength(1);
    expect((await get(paul, 'fast')).data).toMatchObject({ name: 'Ours', scope: 'tenant' });
    expect((await remove(pia, 'fast')).status).toBe(200);
    expect((await get(pia, 'fast')).data).toMatchObject({ name: 'Ours' });
  });

  it('may have what has to be escaped in a path', async () => {
    await made(pia, aliasOf('demo', { id: 'team/größe:latest?' }));
    expect((await get(pia, 'team/größe:latest?')).data).toMatchObject({ kind: 'alias' });
    expect((await remove(pia, 'team/größe:latest?')).status).toBe(200);
  });
});

describe('what leads back', () => {
  const cycle = (param: string): unknown[] => [422, 'MODEL_TARGET_CYCLE', param];

  it('is refused, directly and through others', async () => {
    await expectRefused(() => make(pia, aliasOf('fast')), cycle('target.model'));
    await made(pia, aliasOf('demo', { id: 'a' }));
    await made(pia, routerOf(['demo', 'a'], { id: 'b' }));
    await made(pia, aliasOf('b', { id: 'c' }));
    await expectRefused(() => patch(pia, 'a', { target: { model: 'c' } }), cycle('target.model'));
    await expectRefused(
      () => patch(pia, 'b', { targets: [{ model: 'demo' }, { model: 'c' }] }),
      cycle('targets.1.model'),
    );
  });

  it('is refused when a name comes back that something waits for', async () => {
    await made(pia, aliasOf('demo', { id: 'a' }));
    await made(pia, aliasOf('a', { id: 'b' }));
    expect((await remove(pia, 'a')).status).toBe(200);
    await expectRefused(() => make(pia, aliasOf('b', { id: 'a' })), cycle('target.model'));
  });

  it('never comes of two changes at once', async () => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = [`a${round}`, `b${round}`];
      await made(root, aliasOf('demo', { id: a, scope: 'tenant' }));
      await made(root, aliasOf('demo', { id: b, scope: 'tenant' }));
      const answers = await Promise.all([
        patch(root, a, { target: { model: b } }),
        patch(root, b, { target: { model: a } }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    }
  });

  it('is refused when it is nested too deep, or leads to too much', async () => {
    await made(pia, aliasOf('demo', { id: 'a1' }));
    for (let depth = 2; depth <= 5; depth++) await made(pia, aliasOf(`a${depth - 1}`, { id: `a${depth}` }));
    await expectRefused(() => make(pia, aliasOf('a5')), [422, 'MODEL_TARGETS_TOO_MANY', 'target.model']);
    const others = Array.from({ length: 6 }, (_, index) => `r${index}`);
    const targets = [{ model: 'demo' }, { model: 'second' }, { model: upstreamModel }, { model: 'a1' }];
    await made(pia, {
      kind: 'router',
      id: 'r',
      targets: [...targets, { model: 'demo', connection: 'demo' }],
    });
    for (const id of others) await made(pia, routerOf(['demo', 'r', 'second', 'a1', 'a2'], { id }));
    await made(pia, routerOf(others, { id: 'wide' }));
    await expectRefused(
      () => make(pia, routerOf([...others, 'wide', 'r'])),
      [422, 'MODEL_TARGETS_TOO_MANY', 'targets.6.model'],
    );
  });
});

describe('how many', () => {
  async function fill(owner: string, count: number): Promise<void> {
    await parley.first.database.query(
      `INSERT INTO model_aliases (id, tenant_id, owner_id, name, kind, targets, parameters, strategy, cooldown_ms, created_by, created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, ${owner}, 'm' || n, 'alias', '[{"model": "demo"}]', '{}', 'ordered', 0, id, now(), now()
         FROM users, generate_series(1, $1::integer) n WHERE subject = 'pia'`,
      [count],
    );
  }

  it('are a hundred of one person', async () => {
    await fill('id', 99);
    await made(pia, aliasOf('demo'));
    await expectRefused(
      () => make(pia, aliasOf('demo', { id: 'x' })),
      [422, 'MODEL_ALIASES_TOO_MANY', undefined],
    );
    await made(paul, aliasOf('demo'));
  });

  it('are two hundred of a tenant', async () => {
    await fill('NULL', 199);
    await made(root, aliasOf('demo', { scope: 'tenant' }));
    const more = aliasOf('demo', { id: 'x', scope: 'tenant' });
    await expectRefused(() => make(root, more), [422, 'MODEL_ALIASES_TOO_MANY', undefined]);
  });
});

describe('the matrix of people', () => {
  it('lets users make nothing, and power users nothing for the tenant', async () => {
    await expectRefused(() => make(uma, aliasOf('demo')), [403, 'FORBIDDEN', undefined]);
    await expectRefused(() => make(pia, aliasOf('demo', { scope: 'tenant' })), [403, 'FORBIDDEN', undefined]);
  });

  it('hides what is personal from everybody else, admins too', async () => {
    await made(pia, aliasOf('demo', { systemPrompt: 'Between us.' }));
    for (const person of [root, paul, eve]) {
      const gone = [404, 'MODEL_NOT_FOUND', undefined];
      await expectRefused(() => get(person, 'fast'), gone);
      await expectRefused(() => patch(person, 'fast', { name: 'Mine now' }), gone);
      await expectRefused(() => remove(person, 'fast'), gone);
      expect(await namesOf(person)).not.toContain('fast');
    }
  });

  it("shows the tenant's to everybody in it, and lets admins change it", async () => {
    await made(root, aliasOf('demo', { scope: 'tenant', systemPrompt: 'Be brief.' }));
    for (const person of [pia, uma]) {
      expect((await get(person, 'fast')).data).toMatchObject({
        scope: 'tenant',
        capabilities: ['chat', 'tools'],
        preset: null,
        targets: null,
      });
      expect(await namesOf(person)).toContain('fast');
      await expectRefused(() => patch(person, 'fast', { name: 'Mine now' }), [403, 'FORBIDDEN', undefined]);
      await expectRefused(() => remove(person, 'fast'), [403, 'FORBIDDEN', undefined]);
    }
    expect((await get(root, 'fast')).data).toMatchObject({
      preset: { systemPrompt: 'Be brief.' },
      targets: [{ model: 'demo' }],
    });
    await expectRefused(() => get(eve, 'fast'), [404, 'MODEL_NOT_FOUND', undefined]);
    await expectRefused(() => remove(eve, 'fast'), [404, 'MODEL_NOT_FOUND', undefined]);
    expect((await patch(root, 'fast', { name: 'New' })).status).toBe(200);
    expect((await get(uma, 'fast')).data.name).toBe('New');
  });

  it('goes on with what an admin says of a model, and with nothing for others', async () => {
    await expectRefused(() => patch(pia, 'second', { name: 'x' }), [404, 'MODEL_NOT_FOUND', undefined]);
    await expectRefused(() => remove(pia, 'second'), [404, 'MODEL_NOT_FOUND', undefined]);
    await expectRefused(() => patch(root, 'nothing', { name: 'x' }), [404, 'MODEL_NOT_FOUND', undefined]);
    await expectRefused(() => patch(root, 'second', { title: 'x' }), [400, 'VALIDATION_FAILED', 'title']);
    expect((await patch(root, 'second', { name: 'Number two' })).data).toMatchObject({
      kind: 'model',
      name: 'Number two',
    });
    expect((await remove(root, 'second')).data).toEqual({ id: 'second', kind: 'model' });
    expect((await get(root, 'second')).data.name).toBe('second');
  });

  it('lets go of everything with its owner', async () => {
    const quinn = await parley.first.logIn('quinn', { groups: ['power'] });
    await made(quinn, aliasOf('demo'));
    await parley.first.database.query(`DELETE FROM users WHERE subject = 'quinn'`);
    expect(await parley.first.database.query('SELECT 1 FROM model_aliases')).toEqual([]);
  });
});

describe('an alias', () => {
  it('is shown as what it leads to, with what it fills in', async () => {
    await patch(root, 'second', {
      contextLength: 8000,
      maxOutputTokens: 500,
      pricing: { currency: 'USD', input: 3_000_000, output: 15_000_000 },
    });
    const parameters = { temperature: 0.5, stop: ['\n'], reasoning: { effort: 'low' } };
    const shown = await made(
      pia,
      aliasOf('second', { name: 'Fast', parameters, systemPrompt: 'Be brief.', contextTokens: 4000 }),
    );
    expect(shown).toEqual({
      kind: 'alias',
      id: 'fast',
      name: 'Fast',
      scope: 'personal',
      provider: 'openai-compatible',
      capabilities: ['chat', 'tools'],
      contextLength: 4000,
      maxOutputTokens: 500,
      pricing: { currency: 'USD', input: 3_000_000, output: 15_000_000, cachedRead: null, cachedWrite: null },
      temperature: { min: 0, max: 2, step: 0.1, default: 0.5 },
      apiKeyRequired: false,
      requiresLoading: false,
      broken: false,
      targets: [{ model: 'second', connection: null, weight: 1, problem: null }],
      policy: null,
      preset: { parameters, systemPrompt: 'Be brief.', contextTokens: 4000 },
    });
    expect((await get(pia, 'fast')).data).toEqual(shown);
    const listed = await pia.ask<Shown[]>('GET', '/api/models');
    expect(listed.data.find(({ id }) => id === 'fast')).toEqual(shown);
  });

  it('is changed as far as something is said, null being nothing, and is on record', async () => {
    await made(
      root,
      aliasOf('demo', { scope: 'tenant', name: 'Fast', systemPrompt: 'Be brief.', parameters: { seed: 1 } }),
    );
    const changed = await patch(root, 'fast', {
      target: { model: 'second' },
      systemPrompt: null,
      parameters: { topP: 0.5 },
    });
    expect(changed.data).toMatchObject({
      name: 'Fast',
      targets: [{ model: 'second' }],
      preset: { parameters: { topP: 0.5 }, systemPrompt: null },
    });
    expect((await patch(root, 'fast', { name: 'Fast' })).status).toBe(200);
    expect((await remove(root, 'fast')).data).toEqual({ id: 'fast', kind: 'alias' });
    await expectRefused(() => remove(root, 'fast'), [404, 'MODEL_NOT_FOUND', undefined]);
    const records = (await auditOf(parley, 'fast')).slice(-3);
    expect(records.map(({ action }) => action)).toEqual([
      'model.alias_created',
      'model.alias_changed',
      'model.alias_deleted',
    ]);
    expect(records[0]?.details).toMatchObject({ kind: 'alias', scope: 'tenant', systemPrompt: 'Be brief.' });
    expect(records[1]?.details).toEqual({
      kind: 'alias',
      scope: 'tenant',
      old: { targets: [{ model: 'demo' }], systemPrompt: 'Be brief.', parameters: { seed: 1 } },
      new: { targets: [{ model: 'second' }], systemPrompt: null, parameters: { topP: 0.5 } },
    });
  });

  it('of a person leaves of its system prompt only the length on record', async () => {
    await made(pia, aliasOf('demo', { systemPrompt: 'Between us.' }));
    await patch(pia, 'fast', { systemPrompt: 'Between you and me.' });
    const records = (await auditOf(parley, 'fast')).slice(-2);
    expect(JSON.stringify(records)).not.toContain('Between');
    expect(records[1]?.details).toMatchObject({ new: { systemPrompt: '19 characters' } });
  });
});

describe('a router', () => {
  it('is shown as what all of its models can do', async () => {
    await patch(root, 'second', {
      contextLength: 8000,
      capabilities: ['chat', 'images'],
      temperature: { min: 0.5, max: 1, step: 0.5, default: 1 },
    });
    await patch(root, upstreamModel, { contextLength: 4000 });
    const shown = await made(pia, {
      kind: 'router',
      id: 'pool',
      strategy: 'weighted',
      targets: [
        { model: 'second', weight: 3 },
        { model: upstreamModel, connection: 'compatible' },
        { model: 'demo' },
      ],
    });
    expect(shown).toMatchObject({
      kind: 'router',
      name: 'pool',
      provider: null,
      capabilities: ['chat'],
      contextLength: 4000,
      pricing: null,
      temperature: { min: 0.5, max: 1, step: 0.5, default: 1 },
      broken: false,
      targets: [
        { model: 'second', connection: null, weight: 3, problem: null },
        { model: upstreamModel, connection: 'compatible', weight: 1, problem: null },
        { model: 'demo', connection: null, weight: 1, problem: null },
      ],
      policy: { strategy: 'weighted', maxAttempts: null, cooldownMs: 30_000 },
      preset: null,
    });
  });

  it('is changed as far as something is said', async () => {
    await made(pia, routerOf(['demo', 'second'], { maxAttempts: 1, cooldownMs: 5 }));
    const { data } = await patch(pia, 'pool', { maxAttempts: null, targets: [{ model: 'second' }] });
    expect(data).toMatchObject({
      targets: [{ model: 'second' }],
      policy: { strategy: 'ordered', maxAttempts: null, cooldownMs: 5 },
    });
  });
});
