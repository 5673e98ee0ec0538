import { Controller, Get, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose';
import { Requires } from '../../src/auth/access.js';
import { CurrentCaller, type Caller } from '../../src/auth/caller.js';
import { AuthApplication, codeOf, ManualClock } from '../support/auth-application.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

@Controller('probe')
class ProbeController {
  @Get('threads')
  @Requires('threads:read')
  read(@CurrentCaller() caller: Caller): Caller {
    return caller;
  }

  @Post('threads')
  @Requires('threads:write')
  write(): void {
    // That it may be reached is all there is to it.
  }

  @Get('admin')
  @Requires('admin')
  administer(): void {
    // As above.
  }
}

const audience = 'https://parley.test/api';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let partner: ScriptedIdentityProvider;
let closed: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  [provider, partner, closed] = await Promise.all([
    ScriptedIdentityProvider.start(),
    ScriptedIdentityProvider.start(),
    ScriptedIdentityProvider.start(),
  ]);
  app = await start();
});

const further = { clientId: 'x', clientSecret: undefined, claims: {} };

function start(settings: Record<string, unknown> = {}): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    controllers: [ProbeController],
    settings: {
      'identity.groupRoles': { admins: 'admin', guests: 'guest' },
      'oidc.resourceServer.audience': audience,
      'oidc.providers': [
        { ...further, name: 'partner', issuer: partner.issuer, audience: 'partner-api' },
        { ...further, name: 'closed', issuer: closed.issuer, audience: undefined },
      ],
      ...settings,
    },
  });
}

/** Long enough for everything that is remembered to be forgotten: callers, keys, outages. */
beforeEach(() => clock.advance(3600));

afterEach(async () => {
  provider.isDown = false;
  provider.moreKeys = [];
  provider.moreMetadata = {};
  await app.database.query('TRUNCATE users CASCADE');
});

afterAll(async () => {
  await app.stop();
  await Promise.all([provider.stop(), partner.stop(), closed.stop()]);
  await database.drop();
});

function now(): number {
  return Math.floor(clock.now().getTime() / 1000);
}

/** What a good access token says; undefined leaves a claim out. */
function claimsOf(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: provider.issuer,
    aud: audience,
    sub: 'robot',
    client_id: 'some-program',
    iat: now(),
    exp: now() + 300,
    jti: 'a',
    ...changes,
  };
}

function token(changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  return provider.sign(claimsOf(changes), { typ: 'at+jwt', ...header });
}

function present(credential: string, path = '/probe/threads', method = 'GET'): Promise<Response> {
  return fetch(`${app.url}${path}`, { method, headers: { Authorization: `Bearer ${credential}` } });
}

async function users(): Promise<{ subject: string; role: string; issuer: string }[]> {
  return app.database.query('SELECT * FROM users ORDER BY subject');
}

/** Nobody is let in, and nobody becomes known. */
async function expectRefusal(credential: string, code = 'NOT_AUTHENTICATED', status = 401): Promise<void> {
  const response = await present(credential);
  expect([response.status, await codeOf(response)]).toEqual([status, code]);
  expect(await users()).toEqual([]);
}

function unsigned(header: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claimsOf())}.`;
}

describe('an access token of the identity provider is refused', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['of another issuer', () => ({ iss: 'https://evil.example' })],
    ['of the issuer with a slash more', () => ({ iss: `${provider.issuer}/` })],
    ['without an issuer', () => ({ iss: undefined })],
    ['for another audience', () => ({ aud: 'https://other.example' })],
    ['for the client, as an ID token is', () => ({ aud: clientId })],
    ['for the audience of another provider', () => ({ aud: 'partner-api' })],
    ['without an audience', () => ({ aud: undefined })],
    ['without a subject', () => ({ sub: undefined })],
    ['without an end', () => ({ exp: undefined })],
    ['that has expired', () => ({ exp: now() })],
    ['that is not yet good', () => ({ nbf: now() + 120 })],
    ['from the future', () => ({ iat: now() + 120, nbf: now() + 120 })],
    ['bound to a key', () => ({ cnf: { jkt: 'x' } })],
  ])('%s', async (_name, changes) => {
    await expectRefusal(await token(changes()));
  });

  it.each(['logout+jwt', 'parley-session+jwt', 'id_token+jwt', 'dpop+jwt', 'at', ''])(
    'of the type %j',
    async (typ) => {
      await expectRefusal(await token({}, { typ }));
    },
  );

  it.each([
    ['a nonce', { nonce: 'n' }],
    ['at_hash', { at_hash: 'x' }],
    ['c_hash', { c_hash: 'x' }],
    ['events', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
    ["Keycloak's word for an ID token", { typ: 'ID' }],
    ["Keycloak's word for a refresh token", { typ: 'Refresh' }],
  ])('that has %s, and no type of its own', async (_name, changes) => {
    await expectRefusal(await token(changes, { typ: 'JWT' }));
    await expectRefusal(await token(changes, { typ: undefined }));
  });

  it('without a signature', async () => {
    for (const alg of ['none', 'None', 'RS256']) await expectRefusal(unsigned({ alg, typ: 'at+jwt' }));
  });

  it('signed by HMAC with the public key for a secret', async () => {
    const key = await importJWK(provider.publicKey, 'RS256');
    if (key instanceof Uint8Array) throw new Error('no public key');
    const secrets = [await exportSPKI(key), JSON.stringify(provider.publicKey), provider.publicKey.n ?? ''];
    for (const secret of secrets) {
      const forged = await new SignJWT(claimsOf())
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: provider.publicKey.kid ?? '' })
        .sign(new TextEncoder().encode(secret));
      await expectRefusal(forged);
    }
  });

  it('signed by another key under a known name', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const forged = await new SignJWT(claimsOf())
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: provider.publicKey.kid ?? '' })
      .sign(privateKey);
    await expectRefusal(forged);
  });

  it('that brings its own key', async () => {
    for (const header of [{ jwk: partner.publicKey }, { jku: `${partner.issuer}/jwks` }]) {
      await expectRefusal(await partner.sign(claimsOf(), { typ: 'at+jwt', ...header }));
    }
  });

  it('signed by another provider', async () => {
    await expectRefusal(await partner.sign(claimsOf(), { typ: 'at+jwt' }));
  });

  it('signed in a way that the provider does not advertise, though by a key of its own', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    provider.moreKeys = [{ ...(await exportJWK(publicKey)), kid: 'elliptic' }];
    const elliptic = () =>
      new SignJWT(claimsOf())
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'elliptic' })
        .sign(privateKey);
    await expectRefusal(await elliptic());
    provider.moreMetadata = { id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'none'] };
    clock.advance(3600);
    expect((await present(await elliptic())).status).toBe(200);
  });

  it('that was changed', async () => {
    const [header, , signature] = (await token()).split('.');
    const payload = Buffer.from(JSON.stringify(claimsOf({ sub: 'somebody' }))).toString('base64url');
    await expectRefusal(`${header}.${payload}.${signature}`);
  });

  it.each([5, '', 'ä', 'x'.repeat(256)])('whose subject is no subject: %j', async (sub) => {
    await expectRefusal(await token({ sub }), 'ID_TOKEN_CLAIM_MISSING');
  });

  it('of a provider that has no audience', async () => {
    const claims = claimsOf({ iss: closed.issuer });
    await expectRefusal(await closed.sign(claims, { typ: 'at+jwt' }));
    expect(closed.discoveries).toBe(0);
  });

  it('that is an ID token of a login here', async () => {
    const idToken = await provider.sign(claimsOf({ aud: clientId, nonce: 'n' }));
    await expectRefusal(idToken);
    const shared = await start({ 'oidc.resourceServer.audience': clientId });
    const headers = { Authorization: `Bearer ${idToken}` };
    expect((await fetch(`${shared.url}/probe/threads`, { headers })).status).toBe(401);
    await shared.stop();
  });

  it.each(['x', 'a.b.c', '..', 'e30.e30.e30', 'null'])('that is %j', async (text) => {
    await expectRefusal(text);
  });

  it('in a query string', async () => {
    const response = await fetch(`${app.url}/probe/threads?access_token=${await token()}`);
    expect(response.status).toBe(401);
  });

  it('of somebody suspended, as often as it comes', async () => {
    const good = await token();
    expect((await present(good)).status).toBe(200);
    await app.database.query(`UPDATE users SET status = 'suspended'`);
    clock.advance(1);
    for (let round = 0; round < 2; round++) {
      const response = await present(good);
      expect([response.status, await codeOf(response)]).toEqual([403, 'USER_SUSPENDED']);
    }
  });

  it('of a suspended tenant', async () => {
    const good = await token();
    expect((await present(good)).status).toBe(200);
    await app.database.query(`UPDATE tenants SET status = 'suspended'`);
    clock.advance(1);
    const response = await present(good);
    await app.database.query(`UPDATE tenants SET status = 'active'`);
    expect([response.status, await codeOf(response)]).toEqual([403, 'TENANT_SUSPENDED']);
  });

  it('when it expires, though it was good a moment ago', async () => {
    const short = await token({ exp: now() + 2 });
    clock.advance(1.5);
    expect((await present(short)).status).toBe(200);
    clock.advance(0.6);
    expect((await present(short)).status).toBe(401);
  });
});

describe('a provider that cannot be asked', () => {
  it('makes it 503, not 401, and is left alone for a while', async () => {
    provider.isDown = true;
    await expectRefusal(await token(), 'IDENTITY_PROVIDER_UNAVAILABLE', 503);
    const before = provider.discoveries + provider.keyReads;
    await expectRefusal(await token({ jti: 'b' }), 'IDENTITY_PROVIDER_UNAVAILABLE', 503);
    provider.isDown = false;
    await expectRefusal(await token({ jti: 'c' }), 'IDENTITY_PROVIDER_UNAVAILABLE', 503);
    expect(provider.discoveries + provider.keyReads).toBe(before);
    clock.advance(5);
    expect((await present(await token())).status).toBe(200);
  });

  it('does not matter to those whose key is known', async () => {
    expect((await present(await token())).status).toBe(200);
    provider.isDown = true;
    expect((await present(await token({ jti: 'b' }))).status).toBe(200);
  });
});

describe('the keys of the provider', () => {
  it('are read once, for many tokens', async () => {
    const before = provider.keyReads;
    const tokens = await Promise.all(Array.from({ length: 10 }, (_, index) => token({ jti: String(index) })));
    const responses = await Promise.all(tokens.map((credential) => present(credential)));
    expect(responses.map(({ status }) => status)).toEqual(tokens.map(() => 200));
    expect(provider.keyReads).toBe(before + 1);
  });

  it('may be rotated at any time', async () => {
    expect((await present(await token())).status).toBe(200);
    await provider.rotateKeys();
    clock.advance(30);
    expect((await present(await token())).status).toBe(200);
  });

  it('are not looked for again because of what anybody makes up', async () => {
    expect((await present(await token())).status).toBe(200);
    clock.advance(30);
    const before = provider.keyReads;
    for (let round = 0; round < 20; round++) {
      const garbage = await partner.sign(claimsOf({ jti: String(round) }), { kid: `made-up-${round}` });
      expect((await present(garbage)).status).toBe(401);
    }
    expect(provider.keyReads).toBe(before + 1);
  });

  it('are forgotten once they are no longer published', async () => {
    const old = await token({ exp: now() + 3600 });
    expect((await present(old)).status).toBe(200);
    await provider.rotateKeys();
    clock.advance(10 * 60);
    expect((await present(old)).status).toBe(401);
  });
});

describe('whoever presents a good one', () => {
  it('becomes known as at a login, once', async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map((jti) => token({ jti, groups: ['admins'] })));
    const responses = await Promise.all(tokens.map((credential) => present(credential)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await users()).toMatchObject([{ issuer: provider.issuer, subject: 'robot', role: 'admin' }]);
  });

  it('is the person who logs in there', async () => {
    await app.logIn();
    const response = await present(await token({ sub: 'ada' }));
    const caller = (await response.json()) as Caller;
    const [ada] = await app.database.query<{ id: string; tenant_id: string }[]>('SELECT * FROM users');
    expect(caller).toMatchObject({ userId: ada?.id, tenantId: ada?.tenant_id, role: 'user' });
    expect(caller.credential).toEqual({
      kind: 'provider',
      expiresAt: new Date((now() + 300) * 1000).toISOString(),
    });
  });

  it('is somebody else at each provider', async () => {
    const theirs = claimsOf({ iss: partner.issuer, aud: 'partner-api' });
    expect((await present(await token())).status).toBe(200);
    expect((await present(await partner.sign(theirs, { typ: 'at+jwt' }))).status).toBe(200);
    expect(new Set((await users()).map(({ issuer }) => issuer))).toEqual(
      new Set([provider.issuer, partner.issuer]),
    );
  });

  it('keeps the role that the database has, and is not written again', async () => {
    expect((await present(await token())).status).toBe(200);
    const version = () => app.database.query<unknown[]>('SELECT xmin, role FROM users');
    const before = await version();
    clock.advance(60);
    expect((await present(await token({ groups: ['admins'] }))).status).toBe(200);
    expect(await version()).toEqual(before);
  });

  it.each(['JWT', undefined, 'application/at+jwt', 'AT+JWT'])('may call its type %s', async (typ) => {
    expect((await present(await token({}, { typ }))).status).toBe(200);
  });

  it('may have a provider whose clock is a minute ahead', async () => {
    expect((await present(await token({ iat: now() + 59, nbf: now() + 59 }))).status).toBe(200);
  });

  it('may be meant for others as well', async () => {
    expect((await present(await token({ aud: ['x', audience] }))).status).toBe(200);
  });

  it('may use x-api-key', async () => {
    const headers = { 'x-api-key': await token() };
    expect((await fetch(`${app.url}/probe/threads`, { headers })).status).toBe(200);
  });
});

describe('its scopes', () => {
  it.each([
    ['read', 200, 403],
    ['openid threads:read', 200, 403],
    [['messages:write', 'threads:write'], 200, 201],
    ['messages:write', 403, 403],
    ['openid profile', 200, 201],
    [undefined, 200, 201],
    [[5, {}], 200, 201],
  ])('%j allow reading (%s) and writing (%s)', async (scope, read, write) => {
    const credential = await token({ scope });
    expect((await present(credential)).status).toBe(read);
    expect((await present(credential, '/probe/threads', 'POST')).status).toBe(write);
  });

  it('give no more than the role', async () => {
    expect((await present(await token({ scope: 'admin' }), '/probe/admin')).status).toBe(403);
    const guest = await token({ sub: 'gus', scope: 'write', groups: ['guests'] });
    expect((await present(guest, '/probe/threads', 'POST')).status).toBe(403);
  });

  it('give admins what they ask for, and no more', async () => {
    const groups = ['admins'];
    expect((await present(await token({ groups, scope: 'admin' }), '/probe/admin')).status).toBe(200);
    expect((await present(await token({ groups, scope: 'write' }), '/probe/admin')).status).toBe(403);
  });
});

describe('beside cookies', () => {
  it('a bearer request needs no mark of this site, and counts instead of the session', async () => {
    const browser = await app.logIn();
    const response = await browser.navigate(`${app.url}/probe/threads`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await token()}`, 'Sec-Fetch-Site': 'cross-site' },
    });
    expect(response.status).toBe(201);
    const bad = await browser.fetch('/probe/threads', { headers: { Authorization: 'Bearer x' } });
    expect(bad.status).toBe(401);
  });

  it('a public route with cookies is protected whatever else is there', async () => {
    const browser = await app.logIn();
    const response = await browser.navigate(`${app.url}/api/logout`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await token()}`, 'Sec-Fetch-Site': 'cross-site' },
    });
    expect([response.status, await codeOf(response)]).toEqual([403, 'CROSS_SITE_REQUEST']);
    expect((await browser.fetch('/probe/threads')).status).toBe(200);
  });

  it('sessions are out of its reach', async () => {
    for (const [method, path] of [
      ['GET', '/api/sessions'],
      ['DELETE', '/api/sessions'],
    ] as const) {
      const response = await present(await token({ scope: 'write' }), path, method);
      expect([response.status, await codeOf(response)]).toEqual([403, 'FORBIDDEN']);
    }
  });
});
