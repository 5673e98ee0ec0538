import * as oidc from 'openid-client';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { defaultProvider } from '../../config/identity-providers.js';
import type { IdentityProviderSettings } from '../../config/identity-provider-type.js';
import type { ProviderTokens } from '../sessions/provider-tokens.js';
import type { Claims } from './identity-claims.js';
import { providerFailure } from './provider-failures.js';

/** What binds an answer of the provider to the attempt that asked for it; all three, always. */
export interface LoginSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

const timeoutSeconds = 5;
const discoveryLifetimeMs = 10 * 60_000;
/** How far the clock of a provider may be ahead of ours. */
const clockToleranceSeconds = 300;
/** Forces nobody to log in anew, but obliges the provider to tell when they did (OpenID Connect Core, 2: auth_time). */
const anyAgeSeconds = 365 * 24 * 60 * 60;
/** For providers that know no max_age, such as Google (OpenID Connect Core, 5.5.1). */
const wantedClaims = JSON.stringify({ id_token: { auth_time: { essential: true } } });
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Who somebody is by the word of the provider. */
export interface RedeemedLogin {
  readonly claims: Claims;
  readonly tokens: ProviderTokens;
}

interface Discovery {
  readonly metadata: Promise<oidc.ServerMetadata>;
  readonly staleAtMs: number;
}

/**
 * The OpenID provider as a relying party sees it: Authorization Code with PKCE S256, `state` and `nonce` by openid-client's core
 * API. Its metadata is discovered when first needed, and again after a failure or ten minutes.
 */
export class IdentityProvider {
  private readonly redirectUri: URL;
  private readonly transport: readonly ((client: oidc.Configuration) => void)[];
  private discovery: Discovery | undefined;

  constructor(
    readonly settings: IdentityProviderSettings,
    site: URL,
    private readonly clock: Clock,
  ) {
    // Each has its own, so that an answer of one cannot be taken for another's (RFC 9700, 2.1 and 4.4.2.2).
    const path = settings.name === defaultProvider ? '' : `/${settings.name}`;
    this.redirectUri = new URL(`/app/login/callback${path}`, site);
    const { protocol, hostname } = new URL(settings.issuer);
    // Plain http stays on this machine.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "deprecated only to make it stand out"
    this.transport = protocol === 'http:' && loopback.test(hostname) ? [oidc.allowInsecureRequests] : [];
  }

  /** Whether an issuer is this provider; the path of a bare host may be written or not. */
  isIssuer(issuer: string): boolean {
    return URL.parse(issuer)?.href === new URL(this.settings.issuer).href;
  }

  /**
   * Always asks the provider to tell when the person proved who they are.
   * @param reauthenticate asks the person for proof even if the provider knows them
   * @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE, IDENTITY_PROVIDER_INVALID
   */
  async authorizationUrl(
    { state, nonce, codeVerifier }: LoginSecrets,
    { reauthenticate }: { readonly reauthenticate: boolean },
  ): Promise<URL> {
    return oidc.buildAuthorizationUrl(await this.client(), {
      redirect_uri: this.redirectUri.href,
      scope: this.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      max_age: String(reauthenticate ? 0 : anyAgeSeconds),
      claims: wantedClaims,
      ...(reauthenticate ? { prompt: 'login' } : {}),
    });
  }

  /**
   * Exchanges the answer of the provider for verified claims: those of the ID token, and those that only the userinfo endpoint
   * tells. Checked are `state`, `iss`, `nonce`, signature, `aud`, `azp`, `exp` and `iat`.
   * @throws DomainError LOGIN_DENIED when the provider says no, IDENTITY_PROVIDER_UNAVAILABLE, IDENTITY_PROVIDER_INVALID, and
   *   what provider-failures.ts makes of a check that failed
   */
  async redeem(answer: URLSearchParams, secrets: LoginSecrets): Promise<RedeemedLogin> {
    const client = await this.client();
    try {
      const response = await oidc.authorizationCodeGrant(client, this.callback(answer), {
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        pkceCodeVerifier: secrets.codeVerifier,
        idTokenExpected: true,
      });
      const { id_token: idToken, refresh_token: refreshToken } = response;
      const idClaims = response.claims();
      if (idClaims === undefined || idToken === undefined) throw new DomainError('ID_TOKEN_MISSING');
      this.refuseOddClaims(idClaims);
      const claims = { ...(await userInfo(client, response.access_token, idClaims.sub)), ...idClaims };
      return { claims, tokens: { idToken, refreshToken } };
    } catch (error) {
      throw providerFailure(error);
    }
  }

  private callback(answer: URLSearchParams): URL {
    const url = new URL(this.redirectUri);
    url.search = answer.toString();
    return url;
  }

  /** What openid-client leaves: it looks at azp only when there are several audiences, and never whether iat is past. */
  private refuseOddClaims({ azp, iat }: oidc.IDToken): void {
    if (azp !== undefined && azp !== this.settings.clientId) {
      throw new DomainError('ID_TOKEN_AUDIENCE_MISMATCH', { cause: new Error('unexpected azp') });
    }
    // By the clock that openid-client measures exp by.
    if (iat > Date.now() / 1000 + clockToleranceSeconds) {
      throw new DomainError('ID_TOKEN_NOT_YET_VALID', { cause: new Error('iat is in the future') });
    }
  }

  /** A client without memory of the provider's keys: each login reads them anew, so that they may be rotated at any time. */
  async client(): Promise<oidc.Configuration> {
    const metadata = await this.metadata();
    const { clientId, clientSecret: secret } = this.settings;
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authentication =
      secret === undefined
        ? oidc.None()
        : methods.includes('client_secret_basic')
          ? oidc.ClientSecretBasic(secret)
          : oidc.ClientSecretPost(secret);
    const client = new oidc.Configuration(metadata, clientId, undefined, authentication);
    client.timeout = timeoutSeconds;
    // Verifies signatures of ID tokens even though they came over a connection that openid-client trusts.
    oidc.enableNonRepudiationChecks(client);
    for (const configure of this.transport) configure(client);
    return client;
  }

  /** @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE, IDENTITY_PROVIDER_INVALID */
  metadata(): Promise<oidc.ServerMetadata> {
    const now = this.clock.monotonicMs();
    if (this.discovery === undefined || now >= this.discovery.staleAtMs) {
      const discovery = { metadata: this.discover(), staleAtMs: now + discoveryLifetimeMs };
      this.discovery = discovery;
      discovery.metadata.catch(() => {
        if (this.discovery === discovery) this.discovery = undefined;
      });
    }
    return this.discovery.metadata;
  }

  private async discover(): Promise<oidc.ServerMetadata> {
    try {
      const client = await oidc.discovery(
        new URL(this.settings.issuer),
        this.settings.clientId,
        undefined,
        undefined,
        { timeout: timeoutSeconds, execute: [...this.transport] },
      );
      const metadata = client.serverMetadata();
      // openid-client lets Microsoft's multi-tenant issuers pass, by which every organisation could log in.
      if (!this.isIssuer(metadata.issuer)) throw new Error('metadata of another issuer');
      const { authorization_endpoint: authorize, token_endpoint: token, jwks_uri: keys } = metadata;
      const isPlainAllowed = this.transport.length > 0;
      for (const address of [authorize, token, keys]) {
        const protocol = address === undefined ? undefined : URL.parse(address)?.protocol;
        if (protocol !== 'https:' && !(isPlainAllowed && protocol === 'http:')) {
          throw new Error('an endpoint is missing, or is not asked over https');
        }
      }
      return metadata;
    } catch (error) {
      const failure = providerFailure(error);
      if (failure.code === 'IDENTITY_PROVIDER_UNAVAILABLE') throw failure;
      throw new DomainError('IDENTITY_PROVIDER_INVALID', { cause: error });
    }
  }
}

/** What the userinfo endpoint adds to the claims of the ID token; nothing where there is none. */
async function userInfo(client: oidc.Configuration, accessToken: string, subject: string): Promise<Claims> {
  if (client.serverMetadata().userinfo_endpoint === undefined) return {};
  try {
    return await oidc.fetchUserInfo(client, accessToken, subject);
  } catch (error) {
    const failure = providerFailure(error);
    const isTelling = ['IDENTITY_PROVIDER_UNAVAILABLE', 'USERINFO_MISMATCH'].includes(failure.code);
    throw isTelling ? failure : new DomainError('IDENTITY_PROVIDER_INVALID', { cause: error });
  }
}
