import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { AuthApplication, ManualClock } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { clientId, ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const secret = 'the first secret, 32 characters.';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let partner: ScriptedIdentityProvider;
const clock = new ManualClock();
let app: AuthApplication;
const others: AuthApplication[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  partner = await ScriptedIdentityProvider.start();
  provider.moreMetadata = { end_session_endpoint: `${provider.issuer}/end?of=session` };
  app = await start();
});

function start(settings: EmbeddedValues = {}): Promise<AuthApplication> {
  return AuthApplication.start({
    databaseUrl: database.url,
    provider,
    clock,
    settings: {
      'session.secrets': [secret],
      'oidc.providers': [
        {
          name: 'partner',
          issuer: partner.issuer,
          clientId: 'parley-at-partner',
          clientSecret: undefined,
          audience: undefined,
          claims: {},
        },
      ],
      ...settings,
    },
  });
}

async function startAnother(settings: EmbeddedValues): Promise<AuthApplication> {
  const application = await start(settings);
  others.push(application);
  return application;
}

/** Long enough for keys, metadata and outages to be forgotten. */
beforeEach(() => clock.advance(3600));

afterEach(async () => {
  provider.isDown = false;
  provider.isStalled = false;
  await app.database.query('TRUNCATE users CASCADE');
  await Promise.all(others.splice(0).map((application) => application.stop()));
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

describe('POST /api/logout', () => {
  async function logOut(browser: Browser): Promise<string | null> {
    const response = await browser.fetch('/api/logout', { method: 'POST' });
    expect(response.status).toBe(200);
    return ((await response.json()) as { data: { logoutUrl: string | null } }).data.logoutUrl;
  }

  it('tells where to log out at the provider, with the ID token of the login for a hint', async () => {
    const browser = await app.logIn({ sid: 'their-session' });
    const url = new URL((await logOut(browser)) ?? '');
    const { id_token_hint: hint, ...rest } = Object.fromEntries(url.searchParams);
    expect(url.origin + url.pathname).toBe(`${provider.issuer}/end`);
    expect(rest).toEqual({
      of: 'session',
      client_id: clientId,
      post_logout_redirect_uri: 'http://parley.test/',
    });
    const [, payload = ''] = (hint ?? '').split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      sub: 'ada',
      sid: 'their-session',
    });
  });

  it('forgets the tokens of the provider', async () => {
    const browser = await app.logIn();
    expect((await sessions())[0]?.provider_tokens).not.toBeNull();
    await logOut(browser);
    expect(await sessions()).toMatchObject([{ provider_tokens: null, revoked_reason: 'logout' }]);
  });

  it('tells nothing to whoever has no session, or has it no more', async () => {
    expect(await logOut(app.browser())).toBeNull();
    const browser = await app.logIn();
    const copy = app.browser();
    for (const [name, value] of browser.jar()) copy.jar().set(name, value);
    await logOut(browser);
    expect(await logOut(copy)).toBeNull();
    expect([...copy.jar().keys()]).toEqual(['parley_login']);
  });

  it('tells nothing where the session is local', async () => {
    const browser = await app.logIn();
    await app.database.query('UPDATE sessions SET provider_issuer = NULL, provider_tokens = NULL');
    expect(await logOut(browser)).toBeNull();
  });

  it('tells nothing where the provider is none of ours any more', async () => {
    const browser = await app.logIn();
    await app.database.query(`UPDATE sessions SET provider_issuer = 'https://gone.example'`);
    expect(await logOut(browser)).toBeNull();
  });

  it('tells nothing where the provider has no such address', async () => {
    const browser = await app.logIn();
    await app.database.query('UPDATE sessions SET provider_issuer = $1', [partner.issuer]);
    expect(await logOut(browser)).toBeNull();
    expect(await sessions()).toMatchObject([{ revoked_reason: 'logout' }]);
  });

  it('succeeds while the provider is down, known or not', async () => {
    const known = await app.logIn();
    provider.isDown = true;
    expect(await logOut(known)).toContain(provider.issuer);
    provider.isDown = false;
    const unknown = await app.logIn();
    provider.isDown = true;
    clock.advance(3600);
    expect(await logOut(unknown)).toBeNull();
    expect(await sessions()).toMatchObject([{ revoked_reason: 'logout' }, { revoked_reason: 'logout' }]);
  });

  it('does not wait for a provider that does not answer', async () => {
    const browser = await app.logIn();
    provider.isStalled = true;
    clock.advance(3600);
    const began = performance.now();
    expect(await logOut(browser)).toBeNull();
    expect(performance.now() - began).toBeLessThan(3000);
    expect(await sessions()).toMatchObject([{ revoked_reason: 'logout' }]);
  });

  it('works with an older secret, and without the hint when the secret is gone', async () => {
    const [first, second] = [await app.logIn(), await app.logIn()];
    const hintOf = async (browser: Browser, secrets: string[]) => {
      const later = (await startAnother({ 'session.secrets': secrets })).browser();
      for (const [name, value] of browser.jar()) later.jar().set(name, value);
      return new URL((await logOut(later)) ?? '').searchParams.has('id_token_hint');
    };
    const another = 'another secret of 32 characters.';
    expect(await hintOf(first, [another, secret])).toBe(true);
    expect(await hintOf(second, [another])).toBe(false);
  });
});
