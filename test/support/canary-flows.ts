import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { json, stream, type Script } from '../../bench/upstream/scripts.js';
import { SetupState } from '../../src/auth/setup/setup-state.service.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { newToken } from '../../src/tokens/token-format.js';
import { Browser } from './browser.js';
import { listsModels } from './connections.js';
import { ObservedParley } from './observed-parley.js';
import { canaries, secrets } from './planted-secrets.js';
import { answerPieces, answers, eventually, Person, type Parley, upstreamModel } from './parley.js';

const audience = 'parley-api';
let parley: Parley;
let observed: ObservedParley;
let home: string;

/** Codes and statuses of everything that was driven: what did not happen shows nothing. */
export const reached: string[] = [];

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of JSON. */
  readonly bytes?: string | Buffer;
}

/** Sends something and notes what became of it. */
async function send(
  browser: Browser,
  path: string,
  { method = 'GET', body, bytes, headers = {} }: Sent = {},
): Promise<{ status: number; data: Record<string, unknown> }> {
  const content = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await browser.fetch(path, {
    method,
    headers: { ...(content === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(content === undefined ? {} : { body: content }),
  });
  const answer = await response.text();
  const code = /"code":"([A-Z_]+)"|<dd>([A-Z_]+)<\/dd>/.exec(answer);
  reached.push(`${method} ${path.replace(/[?].*/, '')} ${code?.[1] ?? code?.[2] ?? response.status}`);
  const parsed: unknown = answer.startsWith('{') ? JSON.parse(answer) : {};
  const { data } = parsed as { data?: Record<string, unknown> };
  return { status: response.status, data: data ?? {} };
}

function post(browser: Browser, path: string, body: unknown): ReturnType<typeof send> {
  return send(browser, path, { method: 'POST', body });
}

async function sendRaw(bytes: string): Promise<void> {
  const { hostname, port } = new URL(home);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  const answer = await text(socket);
  observed.keep(`raw ${bytes.slice(0, 10)}`, answer);
  reached.push(`raw ${answer.slice(9, 12)}`);
}

/** Begins a login and answers what the provider would send the browser back with. */
async function begin(browser: Browser, claims: Record<string, unknown> = {}): Promise<URLSearchParams> {
  const begun = await browser.navigate(`${home}/app/login`);
  const location = begun.headers.get('location') ?? '';
  for (const name of ['state', 'nonce']) {
    canaries.add(`login ${name}`, new URL(location).searchParams.get(name) ?? '');
  }
  const answer = parley.identity.answer(location, claims);
  canaries.add('authorization code', answer.get('code') ?? '');
  return answer;
}

async function comeBack(browser: Browser, answer: URLSearchParams): Promise<void> {
  await send(browser, `/app/login/callback?${answer.toString()}`);
}

async function logInAt(claims: Record<string, unknown>): Promise<Person> {
  const browser = new Browser(home);
  await comeBack(browser, await begin(browser, claims));
  return new Person(browser);
}

async function setUp(): Promise<Browser> {
  const browser = new Browser(home);
  const account = { username: 'root', password: secrets.password };
  const token = canaries.add('setup token', await parley.first.app.get(SetupState).token());
  await post(browser, '/api/setup', { token: secrets.setupToken, account });
  await post(browser, '/api/setup', { token, account: { ...account, username: '' } });
  await post(browser, '/api/setup', { token: [token], account });
  await post(browser, '/api/setup', { token, account });
  await post(browser, '/api/setup', { token, account });
  return browser;
}

async function logInLocally(): Promise<void> {
  const browser = new Browser(home);
  const attempt = (username: string, password: unknown): ReturnType<typeof send> =>
    post(browser, '/api/login', { username, password });
  await attempt('root', secrets.wrongPassword);
  await attempt('nobody', secrets.wrongPassword);
  await attempt(secrets.passwordAsUsername, secrets.wrongPassword);
  await attempt('root', [secrets.wrongPassword]);
  await attempt('root', secrets.password);
  const change = (currentPassword: string, newPassword: string): ReturnType<typeof send> =>
    post(browser, '/api/profile/password', { currentPassword, newPassword });
  await change(secrets.wrongPassword, secrets.newPassword);
  await change(secrets.password, 'short');
  await change(secrets.password, secrets.newPassword);
}

async function logInAtTheProvider(): Promise<void> {
  const { identity } = parley;
  const browser = new Browser(home);
  const used = await begin(browser);
  await comeBack(browser, used);
  await comeBack(browser, used);
  await comeBack(browser, new URLSearchParams({ code: secrets.code, state: secrets.query }));
  const denied = await begin(browser);
  denied.delete('code');
  denied.set('error', 'access_denied');
  denied.set('error_description', secrets.provider);
  await comeBack(browser, denied);
  const wrong = await begin(browser);
  wrong.set('code', secrets.code);
  await comeBack(browser, wrong);

  const echo = JSON.stringify({
    error: 'invalid_client',
    error_description: `${secrets.clientSecret} is wrong, as is ${secrets.code} ${secrets.provider}`,
  });
  for (const [path, status, headers] of [
    ['/token', 400, {}],
    ['/token', 500, {}],
    ['/token', 401, { 'www-authenticate': `Basic realm="${secrets.clientSecret}"` }],
    ['/userinfo', 401, { 'www-authenticate': `Bearer error_description="${secrets.provider}"` }],
    ['/userinfo', 503, {}],
    ['/jwks', 500, {}],
  ] as const) {
    const answer = await begin(browser, { email: secrets.provider });
    identity.lies.set(path, (response) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(echo),
    );
    await comeBack(browser, answer);
    identity.lies.clear();
  }
  for (const claims of [
    { nonce: secrets.provider },
    { aud: secrets.provider },
    { iss: secrets.provider },
    { sub: '' },
  ]) {
    await comeBack(browser, await begin(browser, claims));
  }
  identity.makeIdToken = () => `eyJhbGciOiJub25lIn0.${secrets.provider}.${secrets.provider}`;
  await comeBack(browser, await begin(browser));
  identity.makeIdToken = undefined;
  identity.isDown = true;
  await comeBack(browser, new URLSearchParams({ code: secrets.code, state: secrets.query }));
  identity.isDown = false;
  await send(browser, `/app/login?returnTo=//${secrets.query}`);
  await send(browser, `/app/login?provider=${secrets.query}&access_token=${secrets.query}`);
}

async function refreshAndLogOut(): Promise<void> {
  const ada = (await logInAt({ sub: 'leaving' })).browser;
  const old = new Browser(home);
  for (const [name, value] of ada.jar()) old.jar().set(name, value);
  await send(ada, '/api/session/refresh', { method: 'POST' });
  // Stale, with a grace of no time at all.
  const usedBy = Date.now();
  await eventually(() => Promise.resolve(Date.now() > usedBy || undefined));
  await send(old, '/api/session/refresh', { method: 'POST' });
  await send(ada, '/api/user');
  for (const name of ['parley_session', 'parley_refresh']) {
    const stranger = new Browser(home);
    stranger.jar().set(name, secrets.cookie);
    stranger.jar().set('other', secrets.cookie);
    await send(stranger, '/api/session/refresh', { method: 'POST' });
    await send(stranger, '/api/user');
    await send(stranger, '/api/logout', { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } });
    await send(stranger, '/api/logout', { method: 'POST' });
  }
  const bob = (await logInAt({ sub: 'bob' })).browser;
  await send(bob, '/api/sessions');
  await send(bob, '/api/logout', { method: 'POST' });
  for (const token of [secrets.logoutToken, await parley.identity.sign({ sub: secrets.logoutToken })]) {
    await send(bob, '/app/logout/backchannel', {
      method: 'POST',
      bytes: `logout_token=${canaries.add('logout token', token)}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  }
}

async function useTokens(admin: Browser): Promise<void> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const issue = async (body: object): Promise<{ id: string; token: string }> => {
    const { data } = await post(admin, '/api/tokens', {
      name: 'robot',
      scopes: ['read'],
      expiresAt,
      ...body,
    });
    return { id: String(data['id']), token: canaries.add('API token', String(data['token'])) };
  };
  const { id, token } = await issue({});
  await issue({ scopes: [secrets.body] });
  const program = new Browser(home);
  const broken = canaries.add('broken API token', `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`);
  const unknown = canaries.add('unknown API token', newToken());
  const { identity } = parley;
  const exp = Math.floor(Date.now() / 1000) + 60;
  const claims = { iss: identity.issuer, aud: audience, sub: 'program', exp, iat: exp - 60, client_id: 'x' };
  const accessToken = canaries.add('access token', await identity.sign(claims, { typ: 'at+jwt' }));
  const foreign = canaries.add('access token', await identity.sign({ ...claims, aud: secrets.bearer }));
  for (const headers of [
    { authorization: `Bearer ${accessToken}` },
    { authorization: `Bearer ${foreign}` },
    { authorization: `Bearer ${unknown}` },
    { authorization: `Bearer ${token}` },
    { 'x-api-key': token },
    { authorization: `Bearer ${broken}` },
    { authorization: `Bearer ${secrets.bearer}` },
    { authorization: `Bearer ${secrets.bearer} ${secrets.bearer}` },
    { authorization: `Basic ${Buffer.from(`root:${secrets.basic}`).toString('base64')}` },
    { 'x-api-key': secrets.apiKey },
    { authorization: `Bearer ${token}`, 'x-api-key': secrets.apiKey },
    { authorization: secrets.bearer },
  ]) {
    await send(program, '/api/threads', { headers });
    await send(program, '/api/tokens', { method: 'POST', body: {}, headers });
    await send(program, `/api/threads/${secrets.path}`, { headers });
  }
  for (const name of ['access_token', 'api_key', 'token', 'cursor']) {
    await send(program, `/api/threads?${name}=${token}`);
    await send(admin, `/api/threads?${name}=${secrets.query}`);
    await send(admin, `/api/audit?actor=${secrets.query}`);
  }
  const rotated = await send(admin, `/api/tokens/${id}/rotate`, {
    method: 'POST',
    body: { overlapSeconds: 0 },
  });
  canaries.add('API token', String(rotated.data['token']));
  await send(admin, '/api/tokens');
  await send(admin, `/api/tokens/${id}`, { method: 'DELETE' });
  await send(program, '/api/threads', { headers: { authorization: `Bearer ${token}` } });
}

async function talk({ browser }: Person): Promise<void> {
  const { upstream } = parley;
  const created = await post(browser, '/api/threads', { title: secrets.title });
  const path = `/api/threads/${String(created.data['id'])}`;
  const say = (isStreamed: boolean): ReturnType<typeof send> =>
    post(browser, `${path}/models/${upstreamModel}/messages`, {
      content: secrets.message,
      stream: isStreamed,
    });
  upstream.enqueue(answers('Hello'), answers('Hello'));
  await say(false);
  await say(true);
  const { providerKey, message } = secrets;
  const error = {
    message: `Incorrect API key ${providerKey} for "${message}"`,
    type: 'x',
    code: providerKey,
  };
  for (const status of [400, 401, 403, 404, 422, 500]) {
    const isRetried = status >= 500;
    const failing = json(
      { error },
      { status, headers: { 'x-request-id': providerKey, 'retry-after': providerKey } },
    );
    upstream.enqueue(...(isRetried ? [failing, failing, failing] : [failing]));
    await say(status === 401);
  }
  const [role = ''] = answerPieces();
  for (const pieces of [
    [role, `data: ${JSON.stringify({ error })}\n\n`],
    [role, `data: {"broken": "${providerKey} ${message}\n\n`],
    [`<html>${providerKey} ${message}</html>`],
  ]) {
    upstream.enqueue(stream(pieces), stream(pieces), stream(pieces));
    await say(true);
  }
  await send(browser, `${path}/messages`);
  await send(browser, '/api/threads');
  await sufferFromTheDatabase(browser, path);
  await send(browser, path, { method: 'DELETE' });
}

async function connectVendors(admin: Browser): Promise<void> {
  const { connectionKey, connectionHeader, personalKey } = secrets;
  const { upstream } = parley;
  const model = 'canary';
  const fields = {
    ...{ kind: 'openai-compatible', name: 'canary', baseUrl: upstream.url, credential: connectionKey },
    ...{ headers: { 'x-team': connectionHeader }, models: [model] },
  };
  const { data } = await post(admin, '/api/providers', fields);
  const own = { ...fields, name: 'own', models: ['canary-own'], personalKeys: 'allowed' };
  await post(admin, '/api/providers', own);
  await post(admin, '/api/providers', { ...own, headers: {} });
  for (const wrong of [
    {},
    { name: 'other', baseUrl: 'https://10.0.0.1' },
    { name: 'other', credential: `${connectionKey} ` },
    { name: 'other', headers: { 'x-team': `${connectionHeader}\n` } },
    { name: 'other', headers: { authorization: connectionHeader } },
    { name: 'other', options: { api: connectionKey } },
  ]) {
    await post(admin, '/api/providers', { ...fields, ...wrong });
  }
  const path = `/api/providers/${String(data['id'])}`;
  const giveKey = (): ReturnType<typeof send> => post(admin, '/api/profile/api-keys', { own: personalKey });
  const thread = await post(admin, '/api/threads', {});
  const use = (used: string, script: Script, isStreamed: boolean): ReturnType<typeof send> => {
    upstream.enqueue(script, script, script);
    const asked = post(admin, `/api/threads/${String(thread.data['id'])}/models/${used}/messages`, {
      content: 'Hi',
      stream: isStreamed,
    });
    return asked.finally(() => upstream.reset());
  };
  const everyKey = `${connectionKey} ${connectionHeader} ${personalKey}`;
  const error = { message: `No: ${everyKey}`, type: personalKey, code: connectionKey };
  const headers = {
    'x-request-id': connectionKey,
    'retry-after': personalKey,
    'www-authenticate': `Bearer realm="${connectionHeader}"`,
  };
  const echoes = [400, 401, 403, 404, 500].map((status) => json({ error }, { status, headers }));
  for (const script of [listsModels(model), ...echoes, stream([`<html>${everyKey}</html>`])]) {
    upstream.route('GET', '/models', script);
    await post(admin, `${path}/verify`, {});
    await post(admin, `${path}/sync`, {});
    await giveKey();
    upstream.reset();
  }
  upstream.route('GET', '/models', listsModels(model));
  await giveKey();
  for (const used of ['canary-own', model]) {
    await use(used, answers('Hello'), true);
    for (const script of echoes) await use(used, script, false);
    await use(used, stream([`data: ${JSON.stringify({ error })}\n\n`]), true);
  }
  for (const shown of [path, '/api/providers', '/api/profile', '/api/models', '/api/health', '/api/audit']) {
    await send(admin, shown);
  }
  await send(admin, `/api/models/${model}/status`);
  await sufferFromTheVault(admin, fields, giveKey);
  await send(admin, '/api/profile/api-keys/own', { method: 'DELETE' });
  for (const change of [
    { baseUrl: `${upstream.url}/elsewhere` },
    { credential: connectionKey, headers: { 'x-team': connectionHeader } },
    { credential: [connectionKey] },
    { headers: {} },
    { credential: null },
    { credential: connectionKey },
  ]) {
    await send(admin, path, { method: 'PATCH', body: change });
  }
  await send(admin, path, { method: 'DELETE' });
}

/** Nothing that is to be sealed can be stored. */
async function sufferFromTheVault(
  admin: Browser,
  fields: object,
  giveKey: () => Promise<unknown>,
): Promise<void> {
  const { database } = parley.first;
  parley.upstream.route('GET', '/models', listsModels());
  await database.query('ALTER TABLE sealed_secrets ADD CONSTRAINT broken CHECK (false) NOT VALID');
  await post(admin, '/api/providers', { ...fields, name: 'never' });
  await giveKey();
  await database.query('ALTER TABLE sealed_secrets DROP CONSTRAINT broken');
  parley.upstream.reset();
}

async function sufferFromTheDatabase(browser: Browser, path: string): Promise<void> {
  const { database } = parley.first;
  const broken = async (table: string, work: () => Promise<unknown>): Promise<void> => {
    await database.query(`ALTER TABLE ${table} ADD CONSTRAINT broken CHECK (false) NOT VALID`);
    await work();
    await database.query(`ALTER TABLE ${table} DROP CONSTRAINT broken`);
  };
  const gone = async (table: string, work: () => Promise<unknown>): Promise<void> => {
    await database.query(`ALTER TABLE ${table} RENAME TO gone`);
    await work();
    await database.query(`ALTER TABLE gone RENAME TO ${table}`);
  };
  await broken('messages', () => post(browser, `${path}/models/demo/messages`, { content: secrets.message }));
  await broken('threads', () => send(browser, path, { method: 'PATCH', body: { title: secrets.title } }));
  await broken('sessions', () => logInAt({ sub: 'ada' }));
  await broken('audit_events', () => logInAt({ sub: 'ada' }));
  await gone('refresh_tokens', () => send(browser, '/api/session/refresh', { method: 'POST' }));
  await gone('login_transactions', async () => {
    await comeBack(browser, new URLSearchParams({ code: secrets.code, state: secrets.query }));
  });
  await gone('local_accounts', () =>
    post(new Browser(home), '/api/login', {
      username: secrets.passwordAsUsername,
      password: secrets.password,
    }),
  );
  const unknown = canaries.add('unknown API token', newToken());
  await gone('api_tokens', () =>
    send(new Browser(home), '/api/threads', { headers: { authorization: `Bearer ${unknown}` } }),
  );
}

async function malform({ browser }: Person): Promise<void> {
  const bad = secrets.body;
  for (const bytes of [
    `{"title": "${bad}`,
    `{"title": ${bad}}`,
    `{"title": "x", "secret": "${bad}"}`,
    `["${bad}"]`,
    `"${bad}"`,
    `{"title": ["${bad}"], "password": "${bad}"}`,
    `{"__proto__": {"title": "${bad}"}}`,
    Buffer.concat([Buffer.from(`{"title": "${bad}`), Buffer.from([0xff]), Buffer.from('"}')]),
    JSON.stringify({ title: bad.repeat(3000) }),
  ]) {
    await send(browser, '/api/threads', { method: 'POST', bytes });
    await send(browser, '/api/login', { method: 'POST', bytes });
    await send(browser, '/api/session/refresh', { method: 'POST', bytes });
  }
  for (const contentType of [`text/${bad}`, `application/json; charset=${bad}`]) {
    await send(browser, '/api/threads', {
      method: 'POST',
      bytes: bad,
      headers: { 'content-type': contentType },
    });
  }
  await send(browser, '/api/threads', {
    headers: { 'x-request-id': `!${secrets.header}`, 'user-agent': secrets.header },
  });
  await send(browser, '/api/threads', {
    method: 'POST',
    body: {},
    headers: { origin: `https://${secrets.header}`, 'Sec-Fetch-Site': 'cross-site' },
  });
  for (const path of [
    '/',
    '/api/',
    '/app/',
    '/v1/',
    '/api/threads/',
    '/api/models/',
    '/api/messages/',
    '/health/',
    '/docs/',
  ]) {
    await send(browser, `${path}${secrets.path}?token=${secrets.query}`);
  }
  await sendRaw(`GET /%E0%A4%A${secrets.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await sendRaw(`GET /${secrets.path} HTTP/1.1\r\nHost: x\r\nAuthorization ${secrets.header}\r\n\r\n`);
  await sendRaw(`${secrets.header}\r\n\r\n`);
  await sendRaw(`GET / HTTP/1.1\r\nHost: x\r\nCookie: parley_session=${secrets.header.repeat(1000)}\r\n\r\n`);
}

const settings: EmbeddedValues = {
  'oidc.clientSecret': secrets.clientSecret,
  'session.secrets': [secrets.sessionSecret],
  'session.refreshGraceSeconds': 0,
  'providers.compatible.apiKey': secrets.providerKey,
  'login.local': 'on',
  'oidc.resourceServer.audience': audience,
  'server.bodyLimitBytes': 50_000,
};

/** Boots a Parley with secrets everywhere and drives each flow into success and every kind of failure. */
export async function driveEverything(): Promise<{ parley: Parley; observed: ObservedParley }> {
  ({ parley, observed } = await ObservedParley.start(canaries, settings));
  canaries.add('password of the database', new URL(parley.database.url).password);
  parley.identity.issuesRefreshTokens = true;
  parley.identity.moreMetadata = { end_session_endpoint: `${parley.identity.issuer}/logout` };
  home = parley.first.url;
  const admin = await setUp();
  await useTokens(admin);
  await connectVendors(admin);
  await logInLocally();
  await logInAtTheProvider();
  await refreshAndLogOut();
  const ada = await logInAt({ sub: 'ada', email: 'ada@example.org' });
  await talk(ada);
  await malform(ada);
  return { parley, observed };
}
