import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose';
import { AuthApplication, codeOf, ManualClock, pageCodeOf } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let partner: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  partner = await ScriptedIdentityProvider.start();
  const further = { clientSecret: undefined, audience: undefined, claims: {} };
  app = await AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: {
      'oidc.providers': [
        { ...further, name: 'partner', issuer: partner.issuer, clientId: 'parley-at-partner' },
      ],
    },
  });
});

/** Long enough for keys, metadata and outages to be forgotten. */
beforeEach(() => clock.advance(3600));

afterEach(async () => {
  provider.isDown = false;
  await app.database.query('TRUNCATE users, used_logout_tokens CASCADE');
});

afterAll(async () => {
  await app.stop();
  await Promise.all([provider.stop(), partner.stop()]);
  await database.drop();
});

interface SessionRow {
  readonly revoked_reason: string | null;
  readonly provider_tokens: Buffer | null;
}

function sessions(): Promise<SessionRow[]> {
  return app.database.query<SessionRow[]>('SELECT * FROM sessions ORDER BY id');
}

async function isLoggedIn(browser: Browser): Promise<boolean> {
  return (await browser.fetch('/api/user')).status === 200;
}

function now(): number {
  return Math.floor(clock.now().getTime() / 1000);
}

/** What a good logout token says; undefined leaves a claim out. */
function claimsOf(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: provider.issuer,
    aud: clientId,
    iat: now(),
    exp: now() + 120,
    jti: randomUUID(),
    sub: 'ada',
    events: { [logoutEvent]: {} },
    ...changes,
  };
}

function token(
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = { typ: 'logout+jwt' },
): Promise<string> {
  return provider.sign(claimsOf(changes), header);
}

function post(body: string, contentType = 'application/x-www-form-urlencoded'): Promise<Response> {
  return fetch(`${app.url}/app/logout/backchannel`, {
    method: 'POST',
    body,
    headers: { 'content-type': contentType },
  });
}

function present(logoutToken: string): Promise<Response> {
  return post(new URLSearchParams({ logout_token: logoutToken }).toString());
}

async function remembered(): Promise<number> {
  return (await app.database.query<unknown[]>('SELECT FROM used_logout_tokens')).length;
}

async function expectRefusal(
  response: Promise<Response>,
  status = 400,
  code = 'LOGOUT_TOKEN_INVALID',
): Promise<void> {
  const refused = await response;
  expect([refused.status, await pageCodeOf(refused)]).toEqual([status, code]);
  expect(await remembered()).toBe(0);
}

describe('refuses a logout token', () => {
  let ada: Browser;

  beforeEach(async () => {
    ada = await app.logIn({ sid: 's1' });
  });

  afterEach(async () => {
    expect(await isLoggedIn(ada)).toBe(true);
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['of an issuer that we do not know', () => ({ iss: 'https://evil.example' })],
    ['of no issuer', () => ({ iss: undefined })],
    ['signed by another provider than it says', () => ({ iss: partner.issuer })],
    ['for another client', () => ({ aud: 'another' })],
    ['for our client at another provider', () => ({ aud: 'parley-at-partner' })],
    ['for nobody', () => ({ aud: undefined })],
    ['without a time', () => ({ iat: undefined })],
    ['from long ago', () => ({ iat: now() - 361 })],
    ['from the future', () => ({ iat: now() + 61 })],
    ['without an end', () => ({ exp: undefined })],
    ['that has expired', () => ({ exp: now() - 61 })],
    ['without an id', () => ({ jti: undefined })],
    ['whose id is no text', () => ({ jti: 5 })],
    ['without events', () => ({ events: undefined })],
    ['whose events are a list', () => ({ events: [logoutEvent] })],
    ['whose events are text', () => ({ events: logoutEvent })],
    ['of another event', () => ({ events: { 'http://example.org/other': {} } })],
    ['whose event is no object', () => ({ events: { [logoutEvent]: true } })],
    ['whose event is null', () => ({ events: { [logoutEvent]: null } })],
    ['with a nonce', () => ({ nonce: 'n' })],
    ['with an empty nonce', () => ({ nonce: '' })],
    ['of nobody and no session', () => ({ sub: undefined, sid: undefined })],
    ['whose subject is no text', () => ({ sub: 5 })],
    ['whose session is no text', () => ({ sid: ['s1'] })],
    ['whose session is empty', () => ({ sid: '' })],
  ])('%s', async (_name, changes) => {
    await expectRefusal(present(await token(changes())));
  });

  it.each(['at+jwt', 'id_token+jwt', 'parley-session+jwt', ''])('of the type %j', async (typ) => {
    await expectRefusal(present(await token({}, { typ })));
  });

  it('that is an ID token', async () => {
    await expectRefusal(present(await token({ events: undefined, nonce: 'n' }, {})));
  });

  it('without a signature', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'RS256']) {
      await expectRefusal(present(`${part({ alg, typ: 'logout+jwt' })}.${part(claimsOf())}.`));
    }
  });

  it('signed by HMAC with the public key, or with the client id, for a secret', async () => {
    const key = await importJWK(provider.publicKey, 'RS256');
    if (key instanceof Uint8Array) throw new Error('no public key');
    for (const password of [await exportSPKI(key), clientId]) {
      const forged = new SignJWT(claimsOf()).setProtectedHeader({
        alg: 'HS256',
        typ: 'logout+jwt',
        kid: provider.publicKey.kid ?? '',
      });
      await expectRefusal(present(await forged.sign(new TextEncoder().encode(password))));
    }
  });

  it('signed by a key of nobody', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const forged = new SignJWT(claimsOf()).setProtectedHeader({
      alg: 'RS256',
      typ: 'logout+jwt',
      kid: provider.publicKey.kid ?? '',
    });
    await expectRefusal(present(await forged.sign(privateKey)));
  });

  it.each(['', 'x', 'a.b.c', 'e30.e30.e30'])('that is %j', async (text) => {
    await expectRefusal(present(text));
  });

  it('that comes twice in one form', async () => {
    const good = await token();
    await expectRefusal(post(`logout_token=${good}&logout_token=${good}`));
  });

  it('in a query string', async () => {
    const url = `${app.url}/app/logout/backchannel?logout_token=${await token()}`;
    await expectRefusal(fetch(url, { method: 'POST' }), 400, 'INVALID_BODY');
  });

  it('in JSON', async () => {
    const body = JSON.stringify({ logout_token: await token() });
    await expectRefusal(post(body, 'application/json'), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it('in a form that is too large, or has too many fields', async () => {
    const good = await token();
    await expectRefusal(post(`logout_token=${good}&x=${'x'.repeat(17_000)}`), 413, 'PAYLOAD_TOO_LARGE');
    await expectRefusal(post(`logout_token=${good}${'&x=1'.repeat(20)}`), 413, 'PAYLOAD_TOO_LARGE');
  });

  it('while the provider cannot be asked for its keys, which it may repeat', async () => {
    provider.isDown = true;
    clock.advance(3600);
    await expectRefusal(present(await token()), 503, 'IDENTITY_PROVIDER_UNAVAILABLE');
    provider.isDown = false;
  });
});

it('refuses a token that was used, until it would be refused anyway', async () => {
  const used = await token();
  expect((await present(used)).status).toBe(200);
  const ada = await app.logIn();
  expect((await present(used)).status).toBe(400);
  expect(await isLoggedIn(ada)).toBe(true);
  expect(await remembered()).toBe(1);
  clock.advance(181);
  expect((await present(used)).status).toBe(400);
  expect((await present(await token())).status).toBe(200);
  expect(await remembered()).toBe(1);
});

it('honours one of many that come at once with the same token', async () => {
  const good = await token();
  const responses = await Promise.all(Array.from({ length: 8 }, () => present(good)));
  expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(400)]);
});

it('ends all sessions of the subject at the issuer, and nobody else', async () => {
  const ada = [await app.logIn({ sid: 's1' }), await app.logIn({ sid: 's2' }), await app.logIn()];
  const eve = await app.logIn({ sub: 'eve', sid: 's3' });
  const response = await present(await token());
  expect([response.status, response.headers.get('cache-control'), await response.text()]).toEqual([
    200,
    'no-store',
    '',
  ]);
  for (const browser of ada) {
    expect(await codeOf(await browser.fetch('/api/user'))).toBe('SESSION_ENDED');
    browser.jar().delete('parley_session');
    expect(await codeOf(await browser.fetch('/api/user'))).toBe('SESSION_ENDED');
  }
  expect(await isLoggedIn(eve)).toBe(true);
});

it('ends the one session that it names', async () => {
  const first = await app.logIn({ sid: 's1' });
  const second = await app.logIn({ sid: 's2' });
  expect((await present(await token({ sid: 's1' }))).status).toBe(200);
  expect([await isLoggedIn(first), await isLoggedIn(second)]).toEqual([false, true]);
  expect((await present(await token({ sid: 's2', sub: undefined }))).status).toBe(200);
  // Word of it may still be on its way.
  clock.advance(1);
  expect(await isLoggedIn(second)).toBe(false);
});

it('ends those of the subject, too, that were opened without an id of the provider', async () => {
  const nameless = await app.logIn();
  const named = await app.logIn({ sid: 's2' });
  expect((await present(await token({ sid: 's1' }))).status).toBe(200);
  clock.advance(1);
  expect([await isLoggedIn(nameless), await isLoggedIn(named)]).toEqual([false, true]);
});

it.each([{ sub: 'a\0da' }, { sid: 's\0' }, { jti: '\ud800' }])(
  'refuses %j, which nothing could be called',
  async (claim) => {
    await expectRefusal(present(await token(claim)));
  },
);

it('ends no session of the same name at another issuer', async () => {
  const ada = await app.logIn({ sid: 's1' });
  const theirs = claimsOf({ iss: partner.issuer, aud: 'parley-at-partner', sid: 's1' });
  expect((await present(await partner.sign(theirs, { typ: 'logout+jwt' }))).status).toBe(200);
  expect((await present(await partner.sign({ ...theirs, sid: undefined, jti: 'b' }))).status).toBe(200);
  expect(await isLoggedIn(ada)).toBe(true);
});

it('is recorded once for each session', async () => {
  await app.logIn({ sid: 's1' });
  await app.logIn({ sid: 's2' });
  const { headers } = await present(await token());
  const rows = await app.database.query<{ actor_kind: string; details: { reason: string } }[]>(
    `SELECT * FROM audit_events WHERE action = 'logout' AND request_id = $1`,
    [headers.get('x-request-id')],
  );
  expect(rows).toMatchObject([
    { actor_kind: 'system', details: { reason: 'provider_logout' } },
    { actor_kind: 'system', details: { reason: 'provider_logout' } },
  ]);
  expect(await sessions()).toMatchObject([
    { revoked_reason: 'provider_logout', provider_tokens: null },
    { revoked_reason: 'provider_logout', provider_tokens: null },
  ]);
});

it.each([{ sub: 'stranger' }, { sid: 'unknown' }])(
  'is good when there is nothing to end: %j',
  async (changes) => {
    expect((await present(await token(changes))).status).toBe(200);
  },
);

it.each([{ typ: 'JWT' }, {}, { typ: 'application/logout+jwt' }])('takes the header %j', async (header) => {
  expect((await present(await token({}, header))).status).toBe(200);
});

it('takes a provider whose clock is a minute away, and other fields in the form', async () => {
  expect((await present(await token({ iat: now() + 59 }))).status).toBe(200);
  const good = await token({ iat: now() - 59, exp: now() - 59 });
  expect((await post(`x=1&logout_token=${good}&constructor=1`)).status).toBe(400);
  expect((await post(`x=1&logout_token=${good}`)).status).toBe(200);
});

it('follows the provider when it rotates its keys', async () => {
  expect((await present(await token())).status).toBe(200);
  await provider.rotateKeys();
  clock.advance(30);
  expect((await present(await token())).status).toBe(200);
});

it('leaves other routes to JSON', async () => {
  const response = await fetch(`${app.url}/api/logout`, {
    method: 'POST',
    body: 'x=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(await codeOf(response)).toBe('UNSUPPORTED_MEDIA_TYPE');
});
