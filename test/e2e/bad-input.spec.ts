import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describedRoutes, Parley, type Person } from '../support/parley.js';
import { idOf } from '../support/people.js';

let parley: Parley;
let ada: Person;
let thread: string;
let message: string;
let user: string;
let tenant: string;
let token: string;
let connection: string;

beforeAll(async () => {
  parley = await Parley.start({
    'server.bodyLimitBytes': 10_000,
    'login.local': 'on',
    'providers.compatible.personalKeys': 'allowed',
  });
  ada = await parley.first.logIn('ada', { groups: ['admins'] });
  user = await idOf(await parley.first.logIn('bob'));
  const made = await ada.ask<{ id: string }>('POST', '/api/tenants', { slug: 'target', name: 'Target' });
  tenant = made.data.id;
  const issued = await ada.ask<{ id: string }>('POST', '/api/tokens', {
    name: 'Target',
    scopes: ['read'],
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  token = issued.data.id;
  const connected = await ada.ask<{ id: string }>('POST', '/api/providers', {
    ...{ kind: 'openai', name: 'Target', baseUrl: 'https://api.example.org', enabled: false },
  });
  connection = connected.data.id;
  await ada.ask('POST', '/api/models', { kind: 'alias', id: 'target', target: { model: 'demo' } });
  thread = await ada.createThread('Target');
  message = (await ada.post(thread, 'demo', { content: 'Hi' })).data.assistantMessage.id;
});

afterAll(() => parley.stop());

/** Sends bytes as they are. */
async function send(
  method: string,
  path: string,
  body: string | Buffer | undefined,
  contentType: string | undefined = 'application/json',
): Promise<{ status: number; code: string }> {
  const response = await ada.browser.fetch(path, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': contentType } }),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return { status: response.status, code: error?.code ?? 'none' };
}

/** A body that does not end: what is answered, once the connection is closed. */
async function sendRaw(method: string, path: string, length: string, body: string): Promise<string> {
  const cookie = [...ada.browser.jar()].map(([name, value]) => `${name}=${value}`).join('; ');
  const socket = connect(Number(new URL(parley.first.url).port), '127.0.0.1');
  const headers = [
    `Cookie: ${cookie}`,
    'Sec-Fetch-Site: same-origin',
    'Content-Type: application/json',
    length,
  ];
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
  return text(socket);
}

async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await parley.ownedRows();
  await work();
  expect(await parley.ownedRows()).toEqual(before);
  expect((await ada.ask('GET', '/health/live')).status).toBe(200);
}

const tokenFields = {
  name: 'x',
  scopes: ['read'],
  models: ['demo'],
  allowedNetworks: ['10.0.0.0/8'],
  requestsPerMinute: 5,
  monthlyTokenBudget: 5,
  monthlyCostBudget: 5,
  expiresAt: '2027-01-01T00:00:00Z',
};

const nullableOfTokens = ['models', 'requestsPerMinute', 'monthlyTokenBudget', 'monthlyCostBudget'];

const presetFields = {
  name: 'x',
  target: { model: 'demo' },
  parameters: { temperature: 1 },
  systemPrompt: 'x',
  contextTokens: 5,
};

const nullableOfPresets = ['name', 'systemPrompt', 'contextTokens'];

const connectionFields = {
  name: 'x',
  baseUrl: 'https://api.example.org',
  credential: 'x',
  headers: { 'x-a': 'b' },
  tenants: ['tenant_01jd0v3kq9e8vb5t2m4y6z8a0c'],
  enabled: true,
  timeouts: { connectMs: 5000 },
  personalKeys: 'none',
  models: ['x'],
  options: { api: 'chat' },
};

const nullableOfConnections = ['credential', 'models'];

/** Every route that takes a body, with the parts of a good one, and which of them may be null. */
const routes: [string, () => string, Record<string, unknown>, (readonly string[])?][] = [
  ['POST', () => '/api/threads', { title: 'x' }],
  ['PATCH', () => `/api/threads/${thread}`, { title: 'x', archived: true }],
  ['PATCH', () => `/api/threads/${thread}/title`, { title: 'x' }],
  [
    'POST',
    () => `/api/threads/${thread}/models/demo/messages`,
    {
      content: 'x',
      parentId: 'msg_01jd0v3kq9e8vb5t2m4y6z8a0c',
      temperature: 1,
      maxOutputTokens: 5,
      stream: false,
      systemPrompt: 'x',
    },
    ['parentId'],
  ],
  [
    'POST',
    () => `/api/messages/${message}/regenerate`,
    { temperature: 1, maxOutputTokens: 5, stream: false, systemPrompt: 'x' },
  ],
  [
    'POST',
    () => '/api/chat',
    {
      id: 'x',
      messages: [{ id: 'x', role: 'user', parts: [{ type: 'text', text: 'x' }] }],
      modelId: 'demo',
      trigger: 'submit-message',
      messageId: 'x',
      temperature: 1,
      maxOutputTokens: 5,
      systemPrompt: 'x',
    },
  ],
  [
    'PATCH',
    () => '/api/profile',
    { displayName: 'x', locale: 'en', timeZone: 'Europe/London', systemPrompt: 'x' },
    ['displayName', 'locale', 'timeZone', 'systemPrompt'],
  ],
  [
    'PATCH',
    () => `/api/users/${user}`,
    { role: 'guest', status: 'suspended', tools: { allow: ['x'], deny: [] }, displayName: 'x' },
    ['displayName'],
  ],
  [
    'POST',
    () => '/api/tokens',
    {
      ...tokenFields,
      ownerId: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c',
      serviceAccount: { name: 'x' },
    },
    nullableOfTokens,
  ],
  ['PATCH', () => `/api/tokens/${token}`, tokenFields, nullableOfTokens],
  ['POST', () => `/api/tokens/${token}/rotate`, { overlapSeconds: 5, expiresAt: '2027-01-01T00:00:00Z' }],
  [
    'POST',
    () => '/api/models',
    { ...presetFields, kind: 'alias', id: 'new', scope: 'tenant' },
    nullableOfPresets,
  ],
  ['PATCH', () => '/api/models/target', presetFields, nullableOfPresets],
  ['POST', () => '/api/providers', { ...connectionFields, kind: 'openai' }, nullableOfConnections],
  ['PATCH', () => `/api/providers/${connection}`, connectionFields, nullableOfConnections],
  ['POST', () => '/api/login', { username: 'x', password: 'x' }],
  [
    'POST',
    () => '/api/users',
    { username: 'x', password: 'kanarienvogel', role: 'guest', displayName: 'x', email: 'x@acme.test' },
  ],
  ['POST', () => `/api/users/${user}/password`, { password: 'kanarienvogel' }],
  ['POST', () => '/api/profile/api-keys', { compatible: 'sk-personal' }],
  ['POST', () => '/api/profile/password', { currentPassword: 'x', newPassword: 'kanarienvogel' }],
  ['POST', () => '/api/tenants', { slug: 'x', name: 'x', identities: [], defaultTools: ['x'] }],
  [
    'PATCH',
    () => `/api/tenants/${tenant}`,
    { slug: 'x', name: 'x', status: 'suspended', identities: [], defaultTools: ['x'] },
  ],
];

it('is tried on every route that takes a body', async () => {
  const described = await describedRoutes(
    parley.first,
    // Nothing is there to try once there is an admin: test/integration/setup.spec.ts does. Files: test/integration/threads-import.spec.ts.
    (path, { requestBody }) =>
      requestBody !== undefined && path !== '/api/setup' && path !== '/api/threads/import',
  );
  const tried = routes.map(([method, path]) =>
    `${method} ${path()}`
      .replace(thread, '{threadId}')
      .replace(message, '{messageId}')
      .replace('/models/demo/', '/models/{modelId}/')
      .replace('/models/target', '/models/{modelId}')
      .replace(user, '{userId}')
      .replace(tenant, '{tenantId}')
      .replace(token, '{tokenId}')
      .replace(connection, '{connectionId}'),
  );
  expect(tried.sort()).toEqual(described.sort());
});

describe.each(routes)('%s %s', (method, path, good, nullable = []) => {
  it.each([
    ['a missing body', undefined, 'INVALID_BODY'],
    ['an empty body', '', 'INVALID_BODY'],
    ['null', 'null', 'INVALID_BODY|INVALID_JSON'],
    ['an array', '[]', 'INVALID_BODY'],
    ['an array of good bodies', JSON.stringify([good]), 'INVALID_BODY'],
    ['a string', '"text"', 'INVALID_BODY|INVALID_JSON'],
    ['a number', '42', 'INVALID_BODY|INVALID_JSON'],
    ['broken JSON', '{"title": ', 'INVALID_JSON'],
    ['an unknown field', JSON.stringify({ ...good, isAdmin: true }), 'VALIDATION_FAILED'],
    ['a field of the row', JSON.stringify({ ...good, userId: 'user_1' }), 'VALIDATION_FAILED'],
    ['__proto__', '{"__proto__": {"title": "x"}}', 'VALIDATION_FAILED'],
    ['constructor', '{"constructor": {"prototype": {}}}', 'VALIDATION_FAILED'],
    ['nesting beyond reason', `${'['.repeat(4000)}${']'.repeat(4000)}`, 'INVALID_JSON'],
    ['an object nested beyond reason', `${'{"title":'.repeat(500)}1${'}'.repeat(500)}`, 'INVALID_JSON'],
  ])('refuses %s', async (_name, body, codes) => {
    await changesNothing(async () => {
      const answer = await send(method, path(), body);
      expect(answer.status).toBe(400);
      expect(codes.split('|')).toContain(answer.code);
    });
  });

  const wrong: unknown[] = [null, [], {}, ['x'], { x: 1 }, ''];
  const cases = Object.entries(good).flatMap(([field, value]) =>
    [...wrong, typeof value === 'string' ? 5 : 'text', typeof value === 'boolean' ? 1 : true].flatMap(
      (bad) =>
        (typeof bad === typeof value && bad !== '') || (bad === null && nullable.includes(field))
          ? []
          : [[field, JSON.stringify(bad), { ...good, [field]: bad }] as const],
    ),
  );
  it.each(cases)('refuses %s as %s, and names it', async (field, _shown, body) => {
    await changesNothing(async () => {
      const answer = await ada.ask(method, path(), body);
      expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param: field } });
    });
  });

  const texts = Object.entries(good).flatMap(([field, value]) => {
    if (typeof value === 'string') return [[field, { ...good, [field]: '\ud800' }] as const];
    return Array.isArray(value) ? [[field, { ...good, [field]: ['\ud800'] }] as const] : [];
  });
  if (texts.length > 0) {
    it.each(texts)('refuses half a character as %s, and names it', async (field, body) => {
      await changesNothing(async () => {
        const answer = await ada.ask(method, path(), body);
        expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED' } });
        expect(answer.error?.param?.split('.')[0]).toBe(field);
      });
    });
  }

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/json; charset=utf-16'],
    ['x'],
  ])('refuses the content type %s', async (contentType) => {
    await changesNothing(async () => {
      expect(await send(method, path(), JSON.stringify(good), contentType)).toEqual({
        status: 415,
        code: 'UNSUPPORTED_MEDIA_TYPE',
      });
    });
  });

  it('refuses a body that is announced as too large before it comes', async () => {
    const answer = await sendRaw(method, path(), 'Content-Length: 900000000', '{');
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('PAYLOAD_TOO_LARGE');
  });

  it('refuses a body that grows too large as soon as it does', async () => {
    const answer = await sendRaw(
      method,
      path(),
      'Transfer-Encoding: chunked',
      `4000\r\n${'x'.repeat(0x4000)}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('refuses broken UTF-8', async () => {
    await changesNothing(async () => {
      const body = Buffer.concat([Buffer.from('{"title":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
      expect(await send(method, path(), body)).toEqual({ status: 400, code: 'INVALID_JSON' });
    });
  });

  it('refuses a body that is too large', async () => {
    await changesNothing(async () => {
      const body = JSON.stringify({ ...good, title: 'x'.repeat(11_000) });
      expect(await send(method, path(), body)).toEqual({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
    });
  });
});

describe('a body', () => {
  it.each(['/api/threads', '/v1/chat/completions', '/v1/messages', '/v1/responses', '/no/such/path'])(
    'of a stranger is not waited for: %s',
    async (path) => {
      const socket = connect(Number(new URL(parley.first.url).port), '127.0.0.1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{`,
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(path === '/no/such/path' ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 401 /);
      socket.destroy();
    },
  );
});

describe('values out of bounds', () => {
  it.each([
    ['an empty title', 'POST', () => '/api/threads', { title: '' }, 'title'],
    ['a blank title', 'POST', () => '/api/threads', { title: ' \n\t ' }, 'title'],
    [
      'a title of 150 hearts in two units each',
      'POST',
      () => '/api/threads',
      { title: '\u2764\ufe0f'.repeat(150) },
      'title',
    ],
    ['a title of 201 characters', 'POST', () => '/api/threads', { title: 'x'.repeat(201) }, 'title'],
    ['a title with NUL', 'POST', () => '/api/threads', { title: 'a\0b' }, 'title'],
    ['a title with half a character', 'POST', () => '/api/threads', { title: 'a\ud800b' }, 'title'],
    ['blank content', 'POST', messagesOfDemo, { content: '  ' }, 'content'],
    ['content with NUL', 'POST', messagesOfDemo, { content: '\0' }, 'content'],
    ['no content', 'POST', messagesOfDemo, {}, 'content'],
    ['no output tokens', 'POST', messagesOfDemo, { content: 'x', maxOutputTokens: 0 }, 'maxOutputTokens'],
    ['half a token', 'POST', messagesOfDemo, { content: 'x', maxOutputTokens: 1.5 }, 'maxOutputTokens'],
    [
      'a parent of another kind',
      'POST',
      messagesOfDemo,
      { content: 'x', parentId: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c' },
      'parentId',
    ],
    ['a parent that is no id', 'POST', messagesOfDemo, { content: 'x', parentId: 'msg_x' }, 'parentId'],
    ['a blank system prompt', 'POST', messagesOfDemo, { content: 'x', systemPrompt: '' }, 'systemPrompt'],
  ])('are refused and named: %s', async (_name, method, path, body, param) => {
    await changesNothing(async () => {
      const answer = await ada.ask(method, path(), body);
      expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
    });
  });

  it.each([-0.1, 2.1, 1e300])('refuse the temperature %s and tell the range', async (temperature) => {
    await changesNothing(async () => {
      const answer = await ada.post(thread, 'demo', { content: 'x', temperature });
      expect(answer).toMatchObject({
        status: 400,
        error: { code: 'TEMPERATURE_OUT_OF_RANGE', param: 'temperature', details: { min: 0, max: 2 } },
      });
    });
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['order=up', 'order'],
    ['orderBy=title', 'orderBy'],
    ['archived=maybe', 'archived'],
    ['q=', 'q'],
    ['q=a%00b', 'q'],
    ['orderBy=relevance', 'orderBy'],
    ['unknown=1', 'unknown'],
    ['limit[a]=1', 'limit[a]'],
  ])('refuse the query %s', async (query, param) => {
    const answer = await ada.ask('GET', `/api/threads?${query}`);
    expect(answer).toMatchObject({ status: 400, error: { code: 'VALIDATION_FAILED', param } });
  });

  it.each(['cursor=', 'cursor=nonsense', 'cursor=W10', `cursor=${'x'.repeat(400)}`])(
    'refuse the cursor in %s',
    async (query) => {
      const answer = await ada.ask('GET', `/api/threads?${query}`);
      expect(answer).toMatchObject({ status: 400, error: { code: 'INVALID_CURSOR' } });
    },
  );
});

function messagesOfDemo(): string {
  return `/api/threads/${thread}/models/demo/messages`;
}

describe('routes that take no body', () => {
  it.each([
    ['an unknown field', '{"x": 1}', 'VALIDATION_FAILED'],
    ['an array', '[]', 'INVALID_BODY'],
    ['broken JSON', '{', 'INVALID_JSON'],
  ])('refuse %s', async (_name, body, code) => {
    await changesNothing(async () => {
      for (const path of [
        '/api/threads/archive',
        `/api/messages/${message}/cancel`,
        `/api/threads/${thread}/models/demo/summarize`,
        '/api/logout',
        '/api/session/refresh',
        `/api/providers/${connection}/verify`,
        `/api/providers/${connection}/sync`,
      ]) {
        expect([path, await send('POST', path, body)]).toEqual([path, { status: 400, code }]);
      }
    });
  });
});

describe('a model that does not chat', () => {
  it('is refused before anything is stored', async () => {
    await changesNothing(async () => {
      const answer = await ada.post(thread, 'demo-embedding', { content: 'x' });
      expect(answer).toMatchObject({ status: 422, error: { code: 'MODEL_CANNOT_CHAT' } });
    });
  });
});

describe('ids in paths', () => {
  const bad = ['x', 'thread_', 'thread_zzzzzzzzzzzzzzzzzzzzzzzzzz', '%00', '..%2f..', '1;DROP TABLE', '💥'];
  it.each(bad)('that are malformed are 404: %s', async (id) => {
    for (const [method, path, body] of [
      ['GET', `/api/threads/${id}`],
      ['PATCH', `/api/threads/${id}`, { title: 'x' }],
      ['DELETE', `/api/threads/${id}`],
      ['GET', `/api/threads/${id}/export`],
      ['GET', `/api/threads/${id}/messages`],
      ['POST', `/api/threads/${id}/models/demo/messages`, { content: 'x' }],
      ['POST', `/api/threads/${id}/models/demo/summarize`, {}],
      ['GET', `/api/messages/${id}`],
      ['POST', `/api/messages/${id}/cancel`, {}],
      ['POST', `/api/messages/${id}/regenerate`, {}],
      ['GET', `/api/tokens/${id}`],
      ['PATCH', `/api/tokens/${id}`, { name: 'x' }],
      ['DELETE', `/api/tokens/${id}`],
      ['POST', `/api/tokens/${id}/rotate`, {}],
      ['GET', `/api/users/${id}`],
      ['PATCH', `/api/users/${id}`, { role: 'guest' }],
      ['POST', `/api/users/${id}/password`, { password: 'kanarienvogel' }],
      ['GET', `/api/tenants/${id}`],
      ['PATCH', `/api/tenants/${id}`, { name: 'x' }],
    ] as const) {
      expect([path, (await ada.ask(method, path, body)).status]).toEqual([path, 404]);
    }
  });

  it('of another kind are 404', async () => {
    expect((await ada.ask('GET', `/api/threads/${message}`)).error?.code).toBe('THREAD_NOT_FOUND');
    expect((await ada.ask('GET', `/api/messages/${thread}`)).error?.code).toBe('MESSAGE_NOT_FOUND');
  });

  it.each(['%00', 'no-such-model', 'x'.repeat(300), 'a%2Fb', '%E2%80%AE'])(
    'of models that do not exist are 404 and change nothing: %s',
    async (model) => {
      await changesNothing(async () => {
        const answer = await ada.post(thread, model, { content: 'x' });
        expect(answer).toMatchObject({ status: 404, error: { code: 'MODEL_NOT_FOUND' } });
        expect((await ada.ask('GET', `/api/models/${model}`)).status).toBe(404);
      });
    },
  );

  it('that cannot be decoded are 400', async () => {
    expect(await send('GET', '/api/threads/%E0%A4%A', undefined)).toEqual({
      status: 400,
      code: 'INVALID_REQUEST',
    });
  });
});
