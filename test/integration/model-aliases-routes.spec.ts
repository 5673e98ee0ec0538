import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { fromWireId } from '../../src/common/ids.js';
import { KnownAliases } from '../../src/models/aliases/known-aliases.service.js';
import { ModelRoutes } from '../../src/models/model-routes.service.js';
import type { ModelUser } from '../../src/models/model-user.js';
import { defaultTenantId } from '../../src/tenants/default-tenant.js';
import type { IssuedTokenDto } from '../../src/tokens/dto/token.dto.js';
import {
  answers,
  eventually,
  Parley,
  upstreamModel,
  type Answer,
  type Person,
  type Replica,
} from '../support/parley.js';
import { announcing, idOf, logInAdmin, soonMs } from '../support/people.js';
import { askWith } from '../support/tokens.js';

let parley: Parley;
let second: Replica;
/** An admin, a power user and a user. */
let root: Person;
let pia: Person;
let uma: Person;
let piaId: string;
let rootId: string;

beforeAll(async () => {
  parley = await Parley.start({
    'identity.groupRoles': { admins: 'admin', power: 'power_user' },
    'providers.compatible.models': [upstreamModel, 'second'],
  });
  second = await parley.addReplica();
  root = await logInAdmin(parley.first, 'root');
  pia = await parley.first.logIn('pia', { groups: ['power'] });
  uma = await parley.first.logIn('uma', { groups: ['staff'] });
  piaId = await idOf(pia);
  rootId = await idOf(root);
});

afterAll(() => parley.stop());

afterEach(async () => {
  const listed = await Promise.all([root, pia].map((person) => person.ask<Shown[]>('GET', '/api/models')));
  for (const { person, shown } of listed.flatMap(({ data }, index) =>
    data.map((shown) => ({ person: index === 0 ? root : pia, shown })),
  )) {
    if (shown.kind !== 'model' && (shown.scope === 'personal' || person === root)) {
      await person.ask('DELETE', `/api/models/${shown.id}`);
    }
  }
  for (const model of ['demo', 'second', upstreamModel]) await root.ask('DELETE', `/api/models/${model}`);
  parley.upstream.reset();
});

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly scope: string;
  readonly broken: boolean;
  readonly targets: { model: string; problem: string | null }[];
}

async function made(person: Person, body: Record<string, unknown>): Promise<void> {
  const kind = 'target' in body ? 'alias' : 'router';
  const { status, error } = await person.ask('POST', '/api/models', { kind, ...body });
  expect([status, error]).toEqual([201, undefined]);
}

async function changed(person: Person, id: string, body: object): Promise<void> {
  expect((await person.ask('PATCH', `/api/models/${id}`, body)).status).toBe(200);
}

const toModel = (model: string): { model: string } => ({ model });

function userOf(id: string, role: ModelUser['role'], models?: string[]): ModelUser {
  const credential =
    models === undefined
      ? { kind: 'session' as const, sessionId: 's', authenticatedAt: null }
      : {
          kind: 'token' as const,
          tokenId: 't',
          isOwnersOwn: true,
          models,
          allowedNetworks: [],
          requestsPerMinute: null,
          expiresAt: new Date(),
        };
  return { tenantId: defaultTenantId, userId: fromWireId('user', id) ?? '', role, credential };
}

async function resolved(name: string, user = userOf(piaId, 'power_user')): Promise<string[]> {
  const { targets } = await parley.first.app.get(ModelRoutes).resolve(user, name);
  return targets.map(({ model, connection }) => `${model.id} of ${connection.id}`);
}

/** What asking a model by this name is answered with. */
async function asking(person: Person, name: string, body: object = {}): Promise<unknown[]> {
  const threadId = await person.createThread();
  const { status, error } = await person.post(threadId, name, { content: 'Hi', ...body });
  return [status, error?.code];
}

async function shown(person: Person, name: string): Promise<Shown> {
  return (await person.ask<Shown>('GET', `/api/models/${name}`)).data;
}

/** What the vendor was asked. */
function sent(): Record<string, unknown> {
  return JSON.parse(parley.upstream.requests.at(-1)?.body ?? '') as Record<string, unknown>;
}

describe('a target that disappears', () => {
  it('is shown as broken, is 422 at use, and heals', async () => {
    const { data: connection } = await root.ask<{ id: string }>('POST', '/api/providers', {
      kind: 'openai-compatible',
      name: 'Extra',
      baseUrl: parley.upstream.url,
      models: ['extra'],
    });
    const path = `/api/providers/${connection.id}`;
    await made(pia, { id: 'fast', target: toModel('extra') });
    await made(pia, { id: 'pool', targets: [toModel('extra'), toModel('demo')] });
    parley.upstream.enqueue(answers('Yes'));
    expect(await asking(pia, 'fast')).toEqual([200, undefined]);
    for (const [gone, back] of [
      [{ enabled: false }, { enabled: true }],
      [{ models: ['another'] }, { models: ['extra'] }],
    ]) {
      expect((await root.ask('PATCH', path, gone)).status).toBe(200);
      await eventually(async () => ((await shown(pia, 'fast')).broken ? true : undefined), soonMs);
      expect(await shown(pia, 'fast')).toMatchObject({
        capabilities: [],
        contextLength: null,
        temperature: null,
        targets: [{ model: 'extra', problem: 'unavailable' }],
      });
      expect(await asking(pia, 'fast')).toEqual([422, 'MODEL_TARGET_BROKEN']);
      expect(await shown(pia, 'pool')).toMatchObject({
        broken: false,
        targets: [{ problem: 'unavailable' }, { problem: null }],
      });
      expect(await resolved('pool')).toEqual(['demo of demo']);
      // What does not touch the target is possible all the same.
      await changed(pia, 'fast', { name: 'Broken' });
      expect((await root.ask('PATCH', path, back)).status).toBe(200);
      await eventually(async () => ((await shown(pia, 'fast')).broken ? undefined : true), soonMs);
      expect(await resolved('pool')).toEqual([`extra of ${connection.id}`, 'demo of demo']);
    }
    expect((await root.ask('PATCH', path, { enabled: false })).status).toBe(200);
  });

  it('is not said to be gone while its vendor cannot be asked', async () => {
    const { data: connection } = await root.ask<{ id: string }>('POST', '/api/providers', {
      kind: 'openai-compatible',
      name: 'Away',
      baseUrl: 'http://127.0.0.1:1/v1',
      models: ['far'],
    });
    const path = `/api/providers/${connection.id}`;
    const isKnown = async (): Promise<true | undefined> =>
      (await pia.ask('GET', '/api/models/far')).status === 200 ? true : undefined;
    await eventually(isKnown, soonMs);
    await made(pia, { id: 'pool', targets: [toModel('far'), toModel('demo')] });
    await made(pia, { id: 'only', target: toModel('far') });
    expect((await root.ask('PATCH', path, { models: null })).status).toBe(200);
    await eventually(async () => ((await shown(pia, 'only')).broken ? true : undefined), soonMs);
    expect((await shown(pia, 'only')).targets).toMatchObject([{ problem: 'unreachable' }]);
    expect(await asking(pia, 'only')).toEqual([502, 'PROVIDER_UNREACHABLE']);
    expect(await resolved('pool')).toEqual(['demo of demo']);
    expect((await root.ask('PATCH', path, { enabled: false })).status).toBe(200);
  });

  it('may be another alias', async () => {
    await made(root, { id: 'ours', scope: 'tenant', target: toModel('demo') });
    await made(pia, { id: 'fast', target: toModel('ours') });
    await root.ask('DELETE', '/api/models/ours');
    await expect(resolved('fast')).rejects.toMatchObject({ code: 'MODEL_TARGET_BROKEN', status: 422 });
    await made(root, { id: 'ours', scope: 'tenant', target: toModel('second') });
    expect(await resolved('fast')).toEqual(['second of compatible']);
  });

  it('may be one that leads back, whoever let it', async () => {
    await made(pia, { id: 'a', target: toModel('demo') });
    await made(pia, { id: 'b', target: toModel('a') });
    await parley.first.database.query(
      `UPDATE model_aliases SET targets = '[{"model": "b"}]' WHERE name = 'a'`,
    );
    parley.first.app.get(KnownAliases).forget(userOf(piaId, 'power_user'));
    expect(await asking(pia, 'a')).toEqual([422, 'MODEL_TARGET_BROKEN']);
    expect((await shown(pia, 'a')).targets).toEqual([
      { model: 'b', connection: null, weight: 1, problem: 'cycle' },
    ]);
  });
});

describe('access to a model', () => {
  it('is asked through every alias, by role and by group', async () => {
    await made(root, { id: 'ours', scope: 'tenant', targets: [toModel('second'), toModel('demo')] });
    await made(root, { id: 'only', scope: 'tenant', target: toModel('second') });
    await made(pia, { id: 'mine', target: toModel('only') });
    for (const restriction of [{ roles: ['guest'] }, { groups: ['staff'] }]) {
      await changed(root, 'second', { roles: null, groups: null, ...restriction });
      expect(await asking(pia, 'second')).toEqual([404, 'MODEL_NOT_FOUND']);
      for (const name of ['only', 'mine']) {
        expect(await asking(pia, name)).toEqual([422, 'MODEL_TARGET_BROKEN']);
        // Where the tenant's leads is not for those to see who may not change it.
        const targets = name === 'mine' ? [{ problem: 'unavailable' }] : null;
        expect(await shown(pia, name)).toMatchObject({ broken: true, targets });
      }
      expect(await resolved('ours')).toEqual(['demo of demo']);
      expect(await resolved('only', userOf(rootId, 'admin'))).toEqual(['second of compatible']);
    }
    parley.upstream.enqueue(answers('Yes'));
    expect(await asking(uma, 'only')).toEqual([200, undefined]);
  });
});

describe('a token', () => {
  it('is led by a personal alias only to what it includes itself, on every step', async () => {
    await made(pia, { id: 'inner', target: toModel('demo') });
    await made(pia, { id: 'outer', target: toModel('inner') });
    await made(pia, { id: 'pool', targets: [toModel('demo'), toModel('second')] });
    const notGranted = { code: 'MODEL_NOT_GRANTED', status: 403 };
    const token = (...models: string[]): ModelUser => userOf(piaId, 'power_user', models);
    await expect(resolved('outer', token('demo'))).rejects.toMatchObject(notGranted);
    await expect(resolved('outer', token('outer'))).rejects.toMatchObject(notGranted);
    await expect(resolved('outer', token('outer', 'inner'))).rejects.toMatchObject(notGranted);
    await expect(resolved('outer', token('outer', 'demo'))).rejects.toMatchObject(notGranted);
    expect(await resolved('outer', token('outer', 'inner', 'demo'))).toEqual(['demo of demo']);
    expect(await resolved('pool', token('pool', 'second'))).toEqual(['second of compatible']);
  });

  it("is led by the tenant's alias to whatever that leads to", async () => {
    await made(root, { id: 'inner', scope: 'tenant', target: toModel('demo') });
    await made(root, { id: 'ours', scope: 'tenant', target: toModel('inner') });
    await made(pia, { id: 'mine', target: toModel('ours') });
    expect(await resolved('ours', userOf(piaId, 'power_user', ['ours']))).toEqual(['demo of demo']);
    expect(await resolved('mine', userOf(piaId, 'power_user', ['mine', 'ours']))).toEqual(['demo of demo']);
    await expect(resolved('ours', userOf(piaId, 'power_user', ['demo']))).rejects.toMatchObject({
      code: 'MODEL_NOT_GRANTED',
    });
  });

  it('gets around its list of models by no door', async () => {
    await made(root, { id: 'ours', scope: 'tenant', target: toModel('demo') });
    await made(root, { id: 'trap', target: toModel('second') });
    const { data } = await root.ask<IssuedTokenDto>('POST', '/api/tokens', {
      name: 'CI',
      scopes: ['write'],
      models: ['demo', 'ours', 'new', 'trap'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const ask = async (method: string, path: string, body?: object): Promise<unknown[]> => {
      const answer = await askWith(data.token, parley.first.url + path, { method, body });
      return [answer.status, answer.error?.code, answer.error?.param];
    };
    const unknown = [422, 'MODEL_TARGET_UNKNOWN', 'target.model'];
    const target = toModel('second');
    expect(await ask('POST', '/api/models', { kind: 'alias', id: 'new', target })).toEqual(unknown);
    expect(await ask('POST', '/api/models', { kind: 'alias', id: 'new', scope: 'tenant', target })).toEqual(
      unknown,
    );
    expect(await ask('PATCH', '/api/models/ours', { target })).toEqual(unknown);
    // For everybody in the tenant it would stand before the model.
    const shadow = { kind: 'alias', id: 'second', scope: 'tenant', target: toModel('demo') };
    expect(await ask('POST', '/api/models', shadow)).toEqual([409, 'MODEL_NAME_TAKEN', 'id']);
    const { data: thread } = await root.ask<{ id: string }>('POST', '/api/threads', {});
    const messages = (name: string): string => `/api/threads/${thread.id}/models/${name}/messages`;
    expect(await ask('POST', messages('trap'), { content: 'Hi' })).toEqual([
      403,
      'MODEL_NOT_GRANTED',
      undefined,
    ]);
    expect(await ask('POST', messages('ours'), { content: 'Hi' })).toEqual([200, undefined, undefined]);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      expect(await ask(method, '/api/models/hidden', body)).toEqual([404, 'MODEL_NOT_FOUND', undefined]);
    }
    await made(root, { id: 'hidden', target: toModel('demo') });
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      expect(await ask(method, '/api/models/hidden', body)).toEqual([404, 'MODEL_NOT_FOUND', undefined]);
    }
    const listed = await askWith<Shown[]>(data.token, `${parley.first.url}/api/models`);
    expect(listed.data.map(({ id }) => id).sort()).toEqual(['demo', 'ours', 'trap']);
    expect(listed.data.find(({ id }) => id === 'trap')).toMatchObject({
      broken: true,
      targets: [{ model: 'second', problem: 'not_granted' }],
    });
  });
});

describe('an alias', () => {
  it('fills in what a request leaves open, and nothing else', async () => {
    await made(pia, {
      id: 'inner',
      target: toModel('second'),
      parameters: { temperature: 0.1, topP: 0.5, maxOutputTokens: 50 },
      systemPrompt: 'Inner.',
    });
    await made(pia, { id: 'outer', target: toModel('inner'), parameters: { temperature: 0.2 } });
    parley.upstream.enqueue(answers('Yes'));
    expect(await asking(pia, 'outer', { maxOutputTokens: 7 })).toEqual([200, undefined]);
    expect(sent()).toMatchObject({
      model: 'second',
      temperature: 0.2,
      top_p: 0.5,
      messages: [{ role: 'system', content: 'Inner.' }, { role: 'user' }],
    });
    expect(JSON.stringify(sent())).toMatch(/"max(_completion)?_tokens":7\b/);
    parley.upstream.enqueue(answers('Yes'));
    expect(await asking(pia, 'outer', { temperature: 1, systemPrompt: 'Mine.' })).toEqual([200, undefined]);
    expect(sent()).toMatchObject({ temperature: 1, messages: [{ content: 'Mine.' }, { role: 'user' }] });
  });

  it('has the policy of the router that it leads to', async () => {
    const targets = [
      { model: 'demo', weight: 3 },
      { model: 'second', connection: 'compatible' },
    ];
    await made(pia, { id: 'pool', strategy: 'weighted', maxAttempts: 1, cooldownMs: 7, targets });
    await made(pia, { id: 'fast', target: toModel('pool'), contextTokens: 100 });
    const routes = parley.first.app.get(ModelRoutes);
    const route = await routes.resolve(userOf(piaId, 'power_user'), 'fast');
    expect(route).toMatchObject({
      id: 'fast',
      policy: { strategy: 'weighted', maxTargets: 1, cooldownMs: 7 },
      targets: [
        { model: { id: 'demo' }, weight: 0.75, contextTokens: 100 },
        { model: { id: 'second' }, weight: 0.25, contextTokens: 100 },
      ],
    });
    const alone = await routes.resolve(userOf(piaId, 'power_user'), 'demo');
    expect(alone.policy).toEqual({ strategy: 'ordered', maxTargets: 1, cooldownMs: 0 });
  });
});

describe('a change', () => {
  it('is known to another replica within a second', async () => {
    const there = pia.at(second);
    expect((await there.ask('GET', '/api/models/fast')).status).toBe(404);
    await made(pia, { id: 'fast', target: toModel('demo') });
    await eventually(async () => ((await shown(there, 'fast')) as Shown | undefined) && true, soonMs);
    await changed(pia, 'fast', { target: toModel('second') });
    await eventually(
      async () => ((await shown(there, 'fast')).targets[0]?.model === 'second' ? true : undefined),
      soonMs,
    );
    await pia.ask('DELETE', '/api/models/fast');
    await eventually(
      async () => ((await there.ask('GET', '/api/models/fast')).status === 404 ? true : undefined),
      soonMs,
    );
  });

  it.each<[string, string, object | undefined]>([
    ['PATCH', '/fast', { name: 'x' }],
    ['DELETE', '/fast', undefined],
    ['POST', '', { kind: 'alias', id: 'fast', target: toModel('demo') }],
  ])('by %s %s is told to every replica', async (method, path, body) => {
    if (path !== '') await made(pia, { id: 'fast', target: toModel('demo') });
    const work = (): Promise<Answer> => pia.ask(method, `/api/models${path}`, body);
    expect((await announcing(parley, work, 'models')).error).toBeUndefined();
  });

  it('is all that the database is asked about', async () => {
    await made(pia, { id: 'fast', targets: [toModel('demo'), toModel('second')] });
    const user = userOf(piaId, 'power_user');
    const routes = parley.first.app.get(ModelRoutes);
    const spied = parley.first.app.get(DataSource);
    let queries = 0;
    const createQueryRunner = spied.createQueryRunner.bind(spied);
    spied.createQueryRunner = (mode) => {
      queries++;
      return createQueryRunner(mode);
    };
    try {
      // A second passes at most once meanwhile.
      const counts: number[] = [];
      for (let round = 0; round < 3; round++) {
        await routes.resolve(user, 'fast');
        queries = 0;
        await routes.resolve(user, 'fast');
        counts.push(queries);
      }
      expect(Math.min(...counts)).toBe(0);
    } finally {
      spied.createQueryRunner = createQueryRunner;
    }
  });
});
