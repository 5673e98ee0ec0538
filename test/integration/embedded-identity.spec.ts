import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { decodeJwt } from 'jose';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import * as oidc from 'openid-client';
import {
  startDevelopmentIdentityProvider,
  type DevelopmentIdentityProvider,
} from '../../src/embedded/development-identity-provider.js';

const callback = 'http://localhost:3000/app/login/callback';
const afterLogout = 'http://localhost:3000/';

/** As much of a browser as a login needs: cookies by name and path, and redirects as far as the relying party. */
class Browser {
  private readonly cookies = new Map<string, { path: string; pair: string }>();

  constructor(private readonly provider: string) {}

  async open(url: string | URL, form?: Record<string, string>): Promise<{ url: string; body: string }> {
    let target = new URL(url);
    let body = form && new URLSearchParams(form);
    while (target.origin === this.provider) {
      const response = await fetch(target, {
        method: body ? 'POST' : 'GET',
        body: body ?? null,
        headers: { cookie: this.cookiesFor(target) },
        redirect: 'manual',
      });
      this.keep(response);
      const location = response.headers.get('location');
      if (!location) return { url: target.href, body: await response.text() };
      await response.body?.cancel();
      target = new URL(location, target);
      body = undefined;
    }
    return { url: target.href, body: '' };
  }

  private cookiesFor({ pathname }: URL): string {
    const sent = this.cookies.values().filter(({ path }) => pathname.startsWith(path));
    return [...sent.map(({ pair }) => pair)].join('; ');
  }

  private keep(response: Response): void {
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const path = /; path=([^;]+)/i.exec(cookie)?.[1] ?? '/';
      const name = `${pair.slice(0, pair.indexOf('='))} ${path}`;
      if (/; expires=Thu, 01 Jan 1970/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, { path, pair });
    }
  }
}

describe('the development identity provider', () => {
  let provider: DevelopmentIdentityProvider;
  let client: oidc.Configuration;
  let relyingParty: Server;
  const logoutTokens: string[] = [];

  beforeAll(async () => {
    relyingParty = createServer((request, response) => {
      void text(request).then((body) => {
        logoutTokens.push(new URLSearchParams(body).get('logout_token') ?? '');
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(relyingParty, 'listening');
    const { port } = relyingParty.address() as AddressInfo;
    provider = await startDevelopmentIdentityProvider({
      port: 0,
      redirectUris: [callback],
      postLogoutRedirectUris: [afterLogout],
      backchannelLogoutUri: `http://localhost:${port}/backchannel`,
      log: () => undefined,
    });
    const { issuer, clientId, clientSecret } = provider;
    client = await oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated only to make it stand out
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    });
  });

  afterAll(async () => {
    await provider.stop();
    await relyingParty[Symbol.asyncDispose]();
  });

  async function begin(extra: Record<string, string> = {}) {
    const verifier = oidc.randomPKCECodeVerifier();
    const nonce = oidc.randomNonce();
    const url = oidc.buildAuthorizationUrl(client, {
      redirect_uri: callback,
      scope: 'openid profile email',
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...extra,
    });
    const finish = (answer: string) =>
      oidc.authorizationCodeGrant(client, new URL(answer), {
        pkceCodeVerifier: verifier,
        expectedNonce: nonce,
      });
    return { url, finish };
  }

  async function logIn(browser: Browser, person: string) {
    const { url, finish } = await begin();
    const chooser = await browser.open(url);
    expect(chooser.body).toContain('value="gus"');
    const { url: answer } = await browser.open(chooser.url, { person });
    return finish(answer);
  }

  it('refuses a login without PKCE', async () => {
    const { url } = await begin();
    url.searchParams.delete('code_challenge');
    url.searchParams.delete('code_challenge_method');
    const { url: answer } = await new Browser(provider.issuer).open(url);
    expect(new URL(answer).searchParams.get('error')).toBe('invalid_request');
  });

  it('refuses an unknown person, and lets the same login go on', async () => {
    const browser = new Browser(provider.issuer);
    const { url, finish } = await begin();
    const chooser = await browser.open(url);
    expect(await browser.open(chooser.url, { person: 'root' })).toMatchObject({ url: chooser.url });
    const { url: answer } = await browser.open(chooser.url, { person: 'gus' });
    expect((await finish(answer)).claims()?.sub).toBe('gus');
  });

  it('refuses to finish a login that another browser began', async () => {
    const chooser = await new Browser(provider.issuer).open((await begin()).url);
    const stranger = await new Browser(provider.issuer).open(chooser.url, { person: 'ada' });
    expect(stranger.url).toBe(chooser.url);
    expect(stranger.body).not.toContain('value="ada"');
  });

  it('refuses prompt=none while nobody is logged in', async () => {
    const { url } = await begin({ prompt: 'none' });
    const { url: answer } = await new Browser(provider.issuer).open(url);
    expect(new URL(answer).searchParams.get('error')).toBe('login_required');
  });

  it.each([
    ['ada', 'parley-admins'],
    ['paul', 'parley-power-users'],
  ])('tells who %s is in the ID token and at userinfo', async (person, group) => {
    const tokens = await logIn(new Browser(provider.issuer), person);
    const identity = {
      sub: person,
      preferred_username: person,
      email: `${person}@parley.example`,
      groups: [group],
    };
    expect(tokens.claims()).toMatchObject({ ...identity, iss: provider.issuer, aud: provider.clientId });
    expect(await oidc.fetchUserInfo(client, tokens.access_token, person)).toMatchObject(identity);
  });

  it('evaluates the person again at a refresh', async () => {
    const tokens = await logIn(new Browser(provider.issuer), 'uma');
    const refreshed = await oidc.refreshTokenGrant(client, tokens.refresh_token ?? '');
    expect(refreshed.claims()).toMatchObject({ sub: 'uma', groups: ['parley-users'] });
  });

  it('asks again at the next login, but answers prompt=none for whoever is logged in', async () => {
    const browser = new Browser(provider.issuer);
    await logIn(browser, 'ada');
    const { url, finish } = await begin({ prompt: 'none' });
    expect((await finish((await browser.open(url)).url)).claims()?.sub).toBe('ada');
    expect((await logIn(browser, 'gus')).claims()?.sub).toBe('gus');
  });

  it('logs out without a script, tells the relying party, and then logs somebody else in', async () => {
    // Under Jest oidc-provider does not find the HTTP client of fetch, which it hardens, and says so.
    jest.spyOn(console, 'warn').mockImplementationOnce(() => undefined);
    const browser = new Browser(provider.issuer);
    const tokens = await logIn(browser, 'ada');
    const question = await browser.open(
      oidc.buildEndSessionUrl(client, {
        id_token_hint: tokens.id_token ?? '',
        post_logout_redirect_uri: afterLogout,
        state: 'x',
      }),
    );
    expect(question.body).not.toContain('<script');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(question.body)?.[1] ?? '';
    const confirm = new URL('/session/end/confirm', provider.issuer);
    expect((await browser.open(confirm, { xsrf, logout: 'yes' })).url).toBe(`${afterLogout}?state=x`);

    const sid = tokens.claims()?.['sid'];
    expect(logoutTokens.map((token) => decodeJwt(token))).toMatchObject([{ iss: provider.issuer, sid }]);

    const { url } = await begin({ prompt: 'none' });
    expect(new URL((await browser.open(url)).url).searchParams.get('error')).toBe('login_required');
    expect((await logIn(browser, 'gus')).claims()?.sub).toBe('gus');
  });

  it('shows pages on which no script can run', async () => {
    const { url } = await new Browser(provider.issuer).open((await begin()).url);
    const response = await fetch(url);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://localhost:3000");
    await response.body?.cancel();
  });

  it('refuses a port that is taken, naming the setting', async () => {
    const second = startDevelopmentIdentityProvider({
      port: Number(new URL(provider.issuer).port),
      redirectUris: [callback],
      postLogoutRedirectUris: [],
      log: () => undefined,
    });
    await expect(second).rejects.toThrow('embedded.identityPort');
  });
});
