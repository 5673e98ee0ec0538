import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { AuthApplication, pageCodeOf } from '../support/auth-application.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const clientSecret = 'canary-of-the-client, long enough for HS256';
const hmac = new TextEncoder().encode(clientSecret);
const now = Math.floor(Date.now() / 1000);

/** A provider, and an application that knows it. */
interface Scene {
  readonly provider: ScriptedIdentityProvider;
  readonly app: AuthApplication;
}

let database: TestDatabase;
/** For most tests: after each, the provider is honest again. */
let shared: Scene;
let provider: ScriptedIdentityProvider;
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  shared = await start();
});

beforeEach(async () => {
  ({ provider, app } = shared);
  await app.database.query('TRUNCATE users, login_transactions CASCADE');
});

afterEach(() => {
  provider.reset();
});

afterAll(async () => {
  await stop(shared);
  await database.drop();
});

async function start(): Promise<Scene> {
  const provider = await ScriptedIdentityProvider.start();
  const settings = { 'oidc.clientSecret': clientSecret };
  return { provider, app: await AuthApplication.start({ databaseUrl: database.url, provider, settings }) };
}

async function stop(scene: Scene): Promise<void> {
  await scene.app.stop();
  await scene.provider.stop();
}

/** For tests of what an application remembers of its provider: each has both to itself. */
function startEachAnew(): void {
  beforeEach(async () => {
    ({ provider, app } = await start());
  });
  afterEach(() => stop({ provider, app }));
}

/** Refused with the code and on record, and nobody is known or logged in who was not before. */
async function expectNobody(response: Response, status: number, code: string): Promise<void> {
  const page = await response.clone().text();
  expect([response.status, await pageCodeOf(response)]).toEqual([status, code]);
  expect(page).not.toContain('canary');
  const cookies = response.headers.getSetCookie().map((line) => line.split('=')[0]);
  expect(cookies).not.toContain('parley_session');
  expect(cookies).not.toContain('parley_refresh');
  expect(await app.database.query('SELECT id FROM users UNION ALL SELECT id FROM sessions')).toEqual([]);
  const [last] = await app.database.query<Record<string, unknown>[]>(
    'SELECT action, outcome, actor_kind, details FROM audit_events ORDER BY seq DESC LIMIT 1',
  );
  expect(last).toMatchObject({
    action: 'login.failed',
    outcome: 'failure',
    actor_kind: 'anonymous',
    details: { method: 'oidc', code, provider: 'default' },
  });
}

/** Somebody who brings the answer of the provider back, to whom the provider says of itself what the claims say. */
async function attempt(claims: Record<string, unknown> = {}): Promise<Response> {
  const browser = app.browser();
  return app.complete(browser, provider.answer(await app.begin(browser), claims));
}

function respond(status: number, body: string, type = 'application/json') {
  return (response: ServerResponse) => response.writeHead(status, { 'content-type': type }).end(body);
}

describe('an ID token', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['of another issuer', 'ID_TOKEN_ISSUER_MISMATCH', { iss: 'https://evil.example' }],
    ['of nobody', 'ID_TOKEN_CLAIM_MISSING', { iss: undefined }],
    ['for somebody else', 'ID_TOKEN_AUDIENCE_MISMATCH', { aud: 'somebody-else' }],
    ['for nobody', 'ID_TOKEN_CLAIM_MISSING', { aud: undefined }],
    ['for others too, without azp', 'ID_TOKEN_AUDIENCE_MISMATCH', { aud: [clientId, 'other'] }],
    [
      'for others too, with their azp',
      'ID_TOKEN_AUDIENCE_MISMATCH',
      { aud: [clientId, 'other'], azp: 'other' },
    ],
    ['with the azp of another', 'ID_TOKEN_AUDIENCE_MISMATCH', { azp: 'other' }],
    ['with the nonce of another login', 'ID_TOKEN_NONCE_MISMATCH', { nonce: 'x' }],
    ['without nonce', 'ID_TOKEN_CLAIM_MISSING', { nonce: undefined }],
    ['that has expired', 'ID_TOKEN_EXPIRED', { iat: now - 7200, exp: now - 3600 }],
    ['that never expires', 'ID_TOKEN_CLAIM_MISSING', { exp: undefined }],
    ['that expires some day', 'ID_TOKEN_CLAIM_MISSING', { exp: 'tomorrow' }],
    ['that is not valid yet', 'ID_TOKEN_NOT_YET_VALID', { nbf: now + 3600 }],
    ['from the future', 'ID_TOKEN_NOT_YET_VALID', { iat: now + 3600, exp: now + 7200 }],
    ['without iat', 'ID_TOKEN_CLAIM_MISSING', { iat: undefined }],
    ['about nobody', 'ID_TOKEN_CLAIM_MISSING', { sub: undefined }],
    ['about a number', 'ID_TOKEN_CLAIM_MISSING', { sub: 7 }],
    ['about somebody without a name', 'IDENTITY_PROVIDER_INVALID', { sub: '' }],
    ['about somebody whose name is too long', 'ID_TOKEN_CLAIM_MISSING', { sub: 'a'.repeat(256) }],
    ['with an auth_time that is none', 'ID_TOKEN_CLAIM_MISSING', { auth_time: 'now' }],
  ])('%s is refused', async (_name, code, claims) => {
    // So that the userinfo endpoint does not give it away first.
    provider.userInfo = { sub: claims['sub'] ?? 'ada' };
    const status = code === 'IDENTITY_PROVIDER_INVALID' ? 502 : 401;
    await expectNobody(await attempt(claims), status, code);
  });

  it.each<[string, string, (claims: JWTPayload) => unknown]>([
    ['that is missing', 'ID_TOKEN_MISSING', () => undefined],
    ['that is no text', 'ID_TOKEN_MISSING', () => 7],
    ['that nobody signed', 'ID_TOKEN_ALGORITHM_REFUSED', (claims) => new UnsecuredJWT(claims).encode()],
    [
      'that the client secret signed',
      'ID_TOKEN_ALGORITHM_REFUSED',
      (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(hmac),
    ],
    [
      'that the public key signed, as if it were a secret',
      'ID_TOKEN_ALGORITHM_REFUSED',
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'HS256', kid: provider.publicKey.kid ?? '' })
          .sign(new TextEncoder().encode(JSON.stringify(provider.publicKey))),
    ],
    [
      'by a key that is not published',
      'ID_TOKEN_SIGNATURE_INVALID',
      (claims) => provider.sign(claims, { kid: 'unknown' }),
    ],
    [
      'whose signature was made for another one',
      'ID_TOKEN_SIGNATURE_INVALID',
      async (claims) => {
        const [[header, payload], [, , signature]] = await Promise.all([
          provider.sign(claims).then((token) => token.split('.')),
          provider.sign({ ...claims, sub: 'eve' }).then((token) => token.split('.')),
        ]);
        return [header, payload, signature].join('.');
      },
    ],
    ['that is no JWT', 'IDENTITY_PROVIDER_INVALID', () => 'canary'],
    ['that is a JWT of nothing', 'ID_TOKEN_ALGORITHM_REFUSED', () => 'e30.W10.x'],
  ])('%s is refused', async (_name, code, makeIdToken) => {
    provider.makeIdToken = makeIdToken;
    const status = code === 'IDENTITY_PROVIDER_INVALID' ? 502 : 401;
    await expectNobody(await attempt(), status, code);
  });
});

describe('an ID token', () => {
  startEachAnew();

  it('that the client secret signed is refused even when the provider says that it signs so', async () => {
    provider.moreMetadata = { id_token_signing_alg_values_supported: ['HS256', 'none'] };
    provider.makeIdToken = (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(hmac);
    await expectNobody(await attempt(), 401, 'ID_TOKEN_ALGORITHM_REFUSED');
    provider.makeIdToken = (claims) => new UnsecuredJWT(claims).encode();
    await expectNobody(await attempt(), 401, 'ID_TOKEN_ALGORITHM_REFUSED');
  });

  it('by a key with the name of another is refused', async () => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    await provider.forgeKey();
    await expectNobody(await app.complete(browser, answer), 401, 'ID_TOKEN_SIGNATURE_INVALID');
  });
});

describe('the userinfo endpoint', () => {
  it.each<[string, number, string, (response: ServerResponse) => unknown]>([
    ['speaks of somebody else', 401, 'USERINFO_MISMATCH', respond(200, '{"sub":"eve","email":"canary@x.y"}')],
    ['speaks of nobody', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '{"email":"canary@x.y"}')],
    ['answers with a page', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '<p>canary', 'text/html')],
    ['does not let us in', 502, 'IDENTITY_PROVIDER_INVALID', respond(401, '{}')],
    ['sends us elsewhere', 502, 'IDENTITY_PROVIDER_INVALID', respond(302, '')],
    ['fails', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', respond(500, '{}')],
    ['hangs up', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', (response) => response.destroy()],
  ])('that %s lets nobody in', async (_name, status, code, lie) => {
    provider.lies.set('/userinfo', lie);
    await expectNobody(await attempt(), status, code);
  });
});

describe('the token endpoint', () => {
  it.each<[string, number, string, (response: ServerResponse) => unknown]>([
    ['answers with a page', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '<p>canary', 'text/html')],
    ['answers with garbage', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '{"canary')],
    ['answers with a list', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '[]')],
    ['has no tokens', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '{}')],
    ['sends us elsewhere', 502, 'IDENTITY_PROVIDER_INVALID', respond(307, '')],
    ['does not know the code', 401, 'AUTHORIZATION_CODE_INVALID', respond(400, '{"error":"invalid_grant"}')],
    [
      'does not know us',
      502,
      'IDENTITY_PROVIDER_CLIENT_REFUSED',
      respond(401, '{"error":"invalid_client","error_description":"canary"}'),
    ],
    [
      'asks for other credentials',
      502,
      'IDENTITY_PROVIDER_CLIENT_REFUSED',
      (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="canary"' }).end(),
    ],
    ['dislikes the request', 401, 'LOGIN_REJECTED', respond(400, '{"error":"constructor"}')],
    ['fails', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', respond(500, '<p>canary', 'text/html')],
    ['fails in JSON', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', respond(503, '{"error":"server_error"}')],
    ['hangs up', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', (response) => response.destroy()],
    ['never answers', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', () => undefined],
  ])(
    'that %s lets nobody in',
    async (_name, status, code, lie) => {
      provider.lies.set('/token', lie);
      await expectNobody(await attempt(), status, code);
    },
    15_000,
  );

  it('that lets a code be used twice still logs one browser in once', async () => {
    const [first, second] = [app.browser(), app.browser()];
    const answer = provider.answer(await app.begin(first));
    const stolen = new URLSearchParams(answer);
    stolen.set('state', new URL(await app.begin(second)).searchParams.get('state') ?? '');
    await expectNobody(await app.complete(second, stolen), 401, 'AUTHORIZATION_CODE_INVALID');
  });
});

describe('the keys', () => {
  it.each<[string, number, string, (response: ServerResponse) => unknown]>([
    ['cannot be had', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', respond(500, '')],
    ['are none', 401, 'ID_TOKEN_SIGNATURE_INVALID', respond(200, '{"keys":[]}')],
    ['are no keys', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '{"keys":"canary"}')],
  ])('that %s let nobody in', async (_name, status, code, lie) => {
    provider.lies.set('/jwks', lie);
    await expectNobody(await attempt(), status, code);
  });
});

describe('the answer that the browser brings', () => {
  it.each([
    ['server_error', 503, 'IDENTITY_PROVIDER_UNAVAILABLE'],
    ['temporarily_unavailable', 503, 'IDENTITY_PROVIDER_UNAVAILABLE'],
    ['unauthorized_client', 502, 'IDENTITY_PROVIDER_CLIENT_REFUSED'],
    ['login_required', 403, 'LOGIN_DENIED'],
    ['canary', 403, 'LOGIN_DENIED'],
  ])('with the error %s lets nobody in', async (error, status, code) => {
    const browser = app.browser();
    const answer = provider.answer(await app.begin(browser));
    answer.delete('code');
    answer.set('error', error);
    answer.set('error_description', 'canary');
    await expectNobody(await app.complete(browser, answer), status, code);
  });

  it.each(['id_token', 'token', 'response'])(
    'with %s, as of a flow that we do not use, lets nobody in',
    async (name) => {
      const browser = app.browser();
      const answer = provider.answer(await app.begin(browser));
      answer.set(name, 'canary');
      await expectNobody(await app.complete(browser, answer), 401, 'LOGIN_REJECTED');
    },
  );
});

describe('discovery', () => {
  startEachAnew();

  it.each<[string, Record<string, unknown>]>([
    ['another issuer', { issuer: 'https://evil.example' }],
    ['an issuer with another path', { issuer: 'http://127.0.0.1/x' }],
    ['every issuer there is', { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }],
    ['no issuer', { issuer: undefined }],
  ])('that tells %s begins no login', async (_name, metadata) => {
    provider.moreMetadata = metadata;
    const response = await app.browser().navigate(`${app.url}/app/login`);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect([response.status, await pageCodeOf(response)]).toEqual([502, 'IDENTITY_PROVIDER_INVALID']);
    expect(await app.database.query('SELECT * FROM login_transactions')).toEqual([]);
    provider.moreMetadata = {};
    await app.logIn();
  });

  it.each<[string, number, string, (response: ServerResponse) => unknown]>([
    ['a page', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '<p>canary', 'text/html')],
    ['garbage', 502, 'IDENTITY_PROVIDER_INVALID', respond(200, '{"canary')],
    ['that there is nothing', 502, 'IDENTITY_PROVIDER_INVALID', respond(404, '{}')],
    ['another address', 502, 'IDENTITY_PROVIDER_INVALID', respond(302, '')],
    ['that it failed', 503, 'IDENTITY_PROVIDER_UNAVAILABLE', respond(500, '{}')],
  ])(
    'that answers %s begins no login, and works as soon as it is mended',
    async (_name, status, code, lie) => {
      provider.lies.set('/.well-known/openid-configuration', lie);
      const response = await app.browser().navigate(`${app.url}/app/login`);
      expect([response.status, await pageCodeOf(response)]).toEqual([status, code]);
      provider.lies.clear();
      await app.logIn();
    },
  );

  it.each([
    ['no', undefined],
    ['a dangerous', 'javascript:canary'],
    ['an unreadable', 'canary'],
  ])('that tells %s endpoint begins no login', async (_name, address) => {
    for (const name of ['token_endpoint', 'authorization_endpoint', 'jwks_uri']) {
      provider.moreMetadata = { [name]: address };
      const response = await app.browser().navigate(`${app.url}/app/login`);
      expect([response.status, await pageCodeOf(response)]).toEqual([502, 'IDENTITY_PROVIDER_INVALID']);
    }
  });
});
