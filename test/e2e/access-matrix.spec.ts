import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { toWireId } from '../../src/common/ids.js';
import { newToken } from '../../src/tokens/token-format.js';
import { Parley, type Person } from '../support/parley.js';
import { routeTable, type Route } from '../support/route-table.js';

/** What every route asks for, written down once more: whoever changes a route's declaration has to mean it. */
const asked: Readonly<Record<string, string>> = {
  'GET /': 'public',
  'GET /app/login': 'public',
  'GET /app/login/callback': 'public',
  'GET /app/login/callback/:provider': 'public',
  'POST /app/logout/backchannel': 'public',
  'GET /health/live': 'public',
  'GET /health/ready': 'public',
  'GET /health/startup': 'public',
  'GET /openapi.json': 'public unless production',
  'GET /docs': 'public unless production',
  'GET /docs/start.js': 'public unless production',
  'GET /docs/:asset': 'public unless production',
  'GET /api/info': 'public',
  'GET /api/health': 'public',
  'POST /api/login': 'public',
  'POST /api/logout': 'public',
  'POST /api/session/refresh': 'public',
  'POST /api/setup': 'public',
  'GET /api/user': 'anybody',
  'GET /api/authz': 'anybody',
  'GET /api/capabilities': 'anybody',
  'GET /api/version': 'anybody',
  'GET /api/profile': 'anybody',
  'PATCH /api/profile': 'session',
  'POST /api/profile/password': 'session',
  'POST /api/profile/api-keys': 'session',
  'DELETE /api/profile/api-keys/:provider': 'session',
  'GET /api/sessions': 'session',
  'DELETE /api/sessions': 'session',
  'DELETE /api/sessions/:sessionId': 'session',
  'GET /api/threads': 'threads:read',
  'POST /api/threads': 'threads:write',
  'POST /api/threads/archive': 'threads:write',
  'DELETE /api/threads': 'threads:write',
  'GET /api/threads/export': 'threads:read messages:read',
  'POST /api/threads/import': 'threads:write messages:write',
  'GET /api/threads/:threadId': 'threads:read',
  'GET /api/threads/:threadId/export': 'threads:read messages:read',
  'PATCH /api/threads/:threadId': 'threads:write',
  'PATCH /api/threads/:threadId/title': 'threads:write',
  'DELETE /api/threads/:threadId': 'threads:write',
  'GET /api/threads/:threadId/messages': 'messages:read',
  'GET /api/threads/:threadId/models/:modelId/messages': 'messages:read',
  'POST /api/threads/:threadId/models/:modelId/messages': 'messages:write',
  'POST /api/threads/:threadId/models/:modelId/summarize': 'messages:write',
  'GET /api/messages/:messageId': 'messages:read',
  'GET /api/messages/:messageId/stream': 'messages:read',
  'POST /api/messages/:messageId/cancel': 'messages:write',
  'POST /api/messages/:messageId/regenerate': 'messages:write',
  'POST /api/chat': 'messages:write',
  'GET /api/chat/:chatId/stream': 'messages:read',
  'GET /api/models': 'models:read',
  'GET /api/models/:modelId': 'models:read',
  'POST /api/models': 'models:write',
  'PATCH /api/models/:modelId': 'models:write',
  'DELETE /api/models/:modelId': 'models:write',
  'GET /api/models/:modelId/status': 'models:read',
  'POST /api/models/:modelId/load': 'completions:write',
  'GET /api/models/:modelId/load/stream': 'models:read',
  'GET /api/tokens': 'tokens:read',
  'POST /api/tokens': 'session tokens:write',
  'GET /api/tokens/:tokenId': 'tokens:read',
  'PATCH /api/tokens/:tokenId': 'session tokens:write',
  'DELETE /api/tokens/:tokenId': 'session tokens:write',
  'POST /api/tokens/:tokenId/rotate': 'session tokens:write',
  'GET /api/users': 'users:read',
  'POST /api/users': 'session users:write',
  'GET /api/users/:userId': 'users:read',
  'PATCH /api/users/:userId': 'users:write',
  'POST /api/users/:userId/password': 'session users:write',
  'GET /api/tenants': 'system admin',
  'POST /api/tenants': 'system admin',
  'GET /api/tenants/:tenantId': 'system admin',
  'PATCH /api/tenants/:tenantId': 'system admin',
  'GET /api/providers': 'admin',
  'POST /api/providers': 'admin',
  'GET /api/providers/:connectionId': 'admin',
  'PATCH /api/providers/:connectionId': 'admin',
  'DELETE /api/providers/:connectionId': 'admin',
  'POST /api/providers/:connectionId/verify': 'admin',
  'POST /api/providers/:connectionId/sync': 'admin',
  'GET /api/usage': 'usage:read',
  'GET /api/usage/export': 'usage:read',
  'POST /v1/messages': 'completions:write',
  'POST /v1/messages/count_tokens': 'completions:write',
  'POST /v1/chat/completions': 'completions:write',
  'POST /v1/completions': 'completions:write',
  'POST /v1/embeddings': 'completions:write',
  'GET /v1/models': 'models:read',
  'GET /v1/models/*modelId': 'models:read',
  'POST /v1/responses': 'completions:write',
  'GET /v1/responses/:responseId': 'completions:read',
  'DELETE /v1/responses/:responseId': 'completions:write',
  'POST /v1/responses/:responseId/cancel': 'completions:write',
  'GET /v1/responses/:responseId/input_items': 'completions:read',
  'GET /api/audit': 'audit:read',
  'GET /api/audit/verify': 'audit:read',
};

const everyRight = [
  'threads',
  'messages',
  'models',
  'completions',
  'tokens',
  'settings',
  'users',
  'usage',
  'audit',
]
  .flatMap((resource) => [`${resource}:read`, `${resource}:write`])
  .concat('admin');
const chat = everyRight.filter((right) => /^(threads|messages|completions):|^models:read/.test(right));

/** What each role may do at most (identity.md), with the settings of the tests: no self-service, no chatting guests. */
const ofRole: Readonly<Record<string, readonly string[]>> = {
  admin: everyRight,
  power_user: [...chat, 'models:write', 'tokens:read', 'usage:read'],
  user: [...chat, 'tokens:read', 'usage:read'],
  guest: ['threads:read', 'messages:read', 'models:read'],
};
const roles = Object.keys(ofRole);

/** Whether a scope of a credential includes a right (identity.md, Scopes). */
function includes(scope: string, right: string): boolean {
  if (scope === 'admin' || scope === right) return true;
  if (right === 'admin') return false;
  const [resource, verb] = right.split(':');
  return scope === 'write' || (scope === 'read' && verb === 'read') || scope === `${resource ?? ''}:write`;
}

interface Credential {
  readonly name: string;
  readonly kind: 'session' | 'token';
  readonly role: string;
  readonly tenant: 'default' | 'other';
  readonly scopes: readonly string[];
  ask(method: string, path: string, body?: unknown): Promise<Response>;
}

function mayUse({ kind, role, tenant, scopes }: Credential, asks: string): boolean {
  if (asks === 'anybody') return true;
  if (asks.startsWith('session') && kind !== 'session') return false;
  const right = asks === 'system admin' ? 'admin' : asks.replace('session', '').trim();
  if (asks === 'system admin' && tenant !== 'default') return false;
  if (right === '') return true;
  const mayDo = (one: string): boolean =>
    (ofRole[role] ?? []).includes(one) && scopes.some((scope) => includes(scope, one));
  return right.split(' ').every(mayDo);
}

const otherTenant = randomUUID();
let parley: Parley;
let routes: readonly (Route & { readonly name: string; readonly asks: string })[];
let credentials: Credential[];
/** Everybody's session, by role and tenant. */
const people = new Map<string, Person>();

beforeAll(async () => {
  parley = await Parley.start({ 'identity.tenantClaim': 'org', 'login.local': 'on' });
  const { database } = parley.first;
  const [tenant] = await database.query<{ id: string }[]>('SELECT id FROM tenants');
  await database.query(
    `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'other', 'Other', now())`,
    [otherTenant],
  );
  await database.query(
    `INSERT INTO tenant_identities (issuer, claim_value, tenant_id) VALUES ($1, 'default', $2), ($1, 'other', $3)`,
    [parley.identity.issuer, tenant?.id, otherTenant],
  );
  routes = routeTable(parley.first.app).map((route) => {
    const name = `${route.method} ${route.path}`;
    return { ...route, name, asks: asked[name] ?? 'unknown' };
  });
  credentials = await makeCredentials();
});

afterAll(() => parley.stop());

async function makeCredentials(): Promise<Credential[]> {
  const made: Credential[] = [];
  for (const tenant of ['default', 'other'] as const) {
    for (const role of roles) {
      const name = `${role} of ${tenant}`;
      const person = await parley.first.logIn(name, { org: tenant });
      await parley.first.database.query('UPDATE users SET role = $1 WHERE subject = $2', [role, name]);
      await person.ask('POST', '/api/session/refresh', {});
      people.set(name, person);
      const scopes = role === 'admin' ? ['read', 'write', 'admin'] : ['read', 'write'];
      const ask: Credential['ask'] = (method, path, body) => person.browser.fetch(path, init(method, body));
      made.push({ name: `session of ${name}`, kind: 'session', role, tenant, scopes, ask });
      for (const set of tenant === 'default' ? tokenScopes : [['admin']]) {
        made.push(await tokenOf(name, { role, tenant, scopes: set }));
      }
    }
  }
  return made;
}

const tokenScopes: readonly (readonly string[])[] = [
  ['read'],
  ['write'],
  ['admin'],
  ['files:write'],
  ['threads:read', 'messages:write', 'models:read'],
  ['threads:write'],
  ['tokens:write', 'users:write', 'audit:read'],
];

function init(method: string, body: unknown, headers: Record<string, string> = {}): { method: string } {
  if (body === undefined) return { method, ...{ headers } };
  return {
    method,
    ...{ body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } },
  };
}

/** A token as it was issued when its owner could do more: what counts is the role of now. */
async function tokenOf(
  owner: string,
  { role, tenant, scopes }: Pick<Credential, 'role' | 'tenant' | 'scopes'>,
): Promise<Credential> {
  const token = newToken();
  await parley.first.database.query(
    `INSERT INTO api_tokens (id, tenant_id, owner_id, name, token_hash, hint, scopes, allowed_networks, created_by, created_at, expires_at, budget_id)
     SELECT $1, tenant_id, id, 'matrix', $2, 'matrix', $3, '{}', id, now(), now() + interval '1 day', $1 FROM users WHERE subject = $4`,
    [randomUUID(), createHash('sha256').update(token).digest(), scopes, owner],
  );
  const ask: Credential['ask'] = (method, path, body) =>
    fetch(parley.first.url + path, init(method, body, { authorization: `Bearer ${token}` }));
  return { name: `token ${scopes.join(' ')} of ${owner}`, kind: 'token', role, tenant, scopes, ask };
}

const nobodys = {
  ':threadId': toWireId('thread', randomUUID()),
  ':messageId': toWireId('message', randomUUID()),
  ':responseId': toWireId('response', randomUUID()),
  ':sessionId': toWireId('session', randomUUID()),
  ':tokenId': toWireId('token', randomUUID()),
  ':userId': toWireId('user', randomUUID()),
  ':tenantId': toWireId('tenant', randomUUID()),
  ':connectionId': toWireId('connection', randomUUID()),
  ':modelId': 'demo',
  ':provider': 'compatible',
};

function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:\w+/g, (name) => ids[name] ?? name);
}

/** Refused by every route that takes a body, after the guards. */
const badBody = { nothingTakesThis: true };

/** Every row that a denial must leave as it is; not what merely says that somebody was there. */
function rows(): Promise<unknown> {
  const tables = [
    'tenants',
    'tenant_identities',
    'users',
    'profiles',
    'local_accounts',
    'threads',
    'thread_models',
    'messages',
    'imported_threads',
    'search_documents',
    'refresh_tokens',
    'connections',
    'connection_tenants',
    'sealed_secrets',
    'personal_keys',
    'model_aliases',
    'model_overrides',
    'model_loads',
    'stored_responses',
  ];
  const { database } = parley.first;
  return Promise.all([
    ...tables.map((table) => database.query(`SELECT to_jsonb(row) AS row FROM ${table} row ORDER BY 1`)),
    database.query('SELECT id, revoked_at FROM sessions ORDER BY id'),
    database.query(
      'SELECT id, name, scopes, expires_at, revoked_at, successor_id FROM api_tokens ORDER BY id',
    ),
  ]);
}

async function codeOf(response: Response): Promise<string | undefined> {
  const text = await response.text();
  if (!text.startsWith('{')) return undefined;
  const { error } = JSON.parse(text) as { error?: { code?: string; type: string } };
  return error?.code ?? error?.type;
}

/** What each door calls it that nobody asks, and that somebody may not. */
function refusalsAt(path: string): readonly [unauthenticated: string, forbidden: string] {
  if (path.startsWith('/v1/messages')) return ['authentication_error', 'permission_error'];
  return path.startsWith('/v1/') ? ['invalid_api_key', 'forbidden'] : ['NOT_AUTHENTICATED', 'FORBIDDEN'];
}

async function eachInParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    }),
  );
}

describe('the route table', () => {
  it('has no route that declares nothing', () => {
    expect(routes.filter(({ access }) => access === undefined)).toEqual([]);
  });

  it('asks of each route what is written down here', () => {
    expect(routes.map(({ name }) => name).sort()).toEqual(Object.keys(asked).sort());
    const isPublic = (asks: string): boolean => asks.startsWith('public');
    const declaredPublic = routes.filter(
      ({ access }) => access?.kind === 'public' || (access?.kind === 'scope' && access.unless !== undefined),
    );
    expect(declaredPublic.map(({ name }) => name).sort()).toEqual(
      routes
        .filter(({ asks }) => isPublic(asks))
        .map(({ name }) => name)
        .sort(),
    );
  });
});

describe('the matrix of routes, roles, scopes and tenants', () => {
  const guarded = (): typeof routes => routes.filter(({ asks }) => !asks.startsWith('public'));

  it('refuses nobody in particular everywhere', async () => {
    const before = await rows();
    await eachInParallel(guarded(), async ({ method, path }) => {
      const response = await fetch(
        parley.first.url + fill(path, nobodys),
        init(method, method === 'GET' ? undefined : badBody),
      );
      expect([method, path, response.status, await codeOf(response)]).toEqual([
        method,
        path,
        401,
        refusalsAt(path)[0],
      ]);
    });
    expect(await rows()).toEqual(before);
  });

  it('lets through who has the right, and refuses everybody else without changing anything', async () => {
    const before = await rows();
    const wrong: string[] = [];
    let asked = 0;
    // What ends every session of its caller comes with the last test.
    const tried = guarded().filter(({ name }) => name !== 'DELETE /api/sessions');
    await eachInParallel(
      tried.flatMap((route) => credentials.map((credential) => ({ route, credential }))),
      async ({ route: { method, path, asks, name }, credential }) => {
        const body = method === 'GET' || method === 'DELETE' ? undefined : badBody;
        const response = await credential.ask(method, fill(path, nobodys), body);
        const code = await codeOf(response);
        const isRefused = response.status === 401 || response.status === 403;
        const isAsExpected = mayUse(credential, asks)
          ? !isRefused && response.status < 500
          : response.status === 403 && code === refusalsAt(path)[1];
        if (!isAsExpected) wrong.push(`${credential.name}: ${name} is ${response.status} ${code ?? ''}`);
        asked++;
      },
    );
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(1400);
    expect(await rows()).toEqual(before);
    // Many requests, on a machine that may be busy.
  }, 120_000);
});

describe('the matrix of routes and owners', () => {
  /** What each route that names something owned would do, if it were the caller's. */
  const bodies: Readonly<Record<string, unknown>> = {
    'PATCH /api/threads/:threadId': { title: 'Mine now' },
    'PATCH /api/threads/:threadId/title': { title: 'Mine now' },
    'POST /api/threads/:threadId/models/:modelId/messages': { content: 'Let me in' },
    'POST /api/messages/:messageId/cancel': {},
    'POST /api/messages/:messageId/regenerate': {},
    'POST /v1/responses/:responseId/cancel': {},
    'PATCH /api/tokens/:tokenId': { name: 'Mine now' },
    'POST /api/threads/:threadId/models/:modelId/summarize': {},
    'POST /api/tokens/:tokenId/rotate': {},
    'PATCH /api/users/:userId': { displayName: 'Mine now' },
    'PATCH /api/providers/:connectionId': { name: 'Mine now' },
    'POST /api/providers/:connectionId/verify': {},
    'POST /api/providers/:connectionId/sync': {},
    'POST /api/users/:userId/password': { password: 'correct horse battery staple' },
  };
  let ids: Record<string, string>;

  beforeAll(async () => {
    const owner = people.get('user of default');
    if (owner === undefined) throw new Error('no owner');
    const threadId = await owner.createThread('Private');
    const { data } = await owner.post(threadId, 'demo', { content: 'Hi' });
    const asked = await owner.browser.fetch('/v1/responses', init('POST', { model: 'demo', input: 'Hi' }));
    const kept = (await asked.json()) as { id: string };
    const sessions = await owner.ask<{ id: string }[]>('GET', '/api/sessions');
    const user = await owner.ask<{ id: string }>('GET', '/api/user');
    const tokens = await owner.ask<{ id: string }[]>('GET', '/api/tokens');
    const connection = await people.get('admin of default')?.ask<{ id: string }>('POST', '/api/providers', {
      ...{ kind: 'openai', name: 'Private', baseUrl: 'https://api.example.org', enabled: false },
    });
    ids = {
      ':threadId': threadId,
      ':messageId': data.assistantMessage.id,
      ':responseId': kept.id,
      ':sessionId': sessions.data[0]?.id ?? '',
      ':userId': user.data.id,
      ':tokenId': tokens.data[0]?.id ?? '',
      ':connectionId': connection?.data.id ?? '',
      ':modelId': 'demo',
    };
  });

  /** Who is not the owner, and must not learn that there is anything; an admin is one of them, but for tokens, users and connections. */
  it.each([
    'admin of other',
    'power_user of other',
    'user of other',
    'admin of default',
    'power_user of default',
  ])('has nothing of somebody else for the %s', async (stranger) => {
    const before = await rows();
    const person = people.get(stranger);
    const isAdminHere = stranger === 'admin of default';
    const owned = routes.filter(({ path }) =>
      /:(thread|message|response|session|token|user|connection)Id/.test(path),
    );
    expect(owned.length).toBeGreaterThan(15);
    for (const { method, path, name } of owned) {
      if (isAdminHere && /tokens|users|providers/.test(path)) continue;
      const body = bodies[name];
      if (method !== 'GET' && method !== 'DELETE') expect([name, body]).not.toEqual([name, undefined]);
      const answer = await person?.browser.fetch(fill(path, ids), init(method, body));
      const mayAsk = credentials.some(
        (credential) => credential.name === `session of ${stranger}` && mayUse(credential, asked[name] ?? ''),
      );
      expect([name, answer?.status]).toEqual([name, mayAsk ? 404 : 403]);
    }
    expect(await rows()).toEqual(before);
  });

  it('has lists with nothing of anybody else', async () => {
    for (const stranger of ['admin of other', 'user of other', 'power_user of default']) {
      const person = people.get(stranger);
      const lists = ['threads', 'sessions', 'tokens', 'users', 'audit', 'providers'];
      for (const list of lists.map((name) => `/api/${name}`)) {
        const text = await (await person?.browser.fetch(list))?.text();
        for (const id of Object.values(ids).filter((id) => id.includes('_'))) expect(text).not.toContain(id);
      }
    }
  });

  it("ends only one's own sessions", async () => {
    const { database } = parley.first;
    const stranger = people.get('power_user of other');
    expect((await stranger?.browser.fetch('/api/sessions', { method: 'DELETE' }))?.ok).toBe(true);
    const ended = await database.query<{ subject: string }[]>(
      'SELECT DISTINCT subject FROM sessions JOIN users ON users.id = user_id WHERE revoked_at IS NOT NULL',
    );
    expect(ended).toEqual([{ subject: 'power_user of other' }]);
  });
});
