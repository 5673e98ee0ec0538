import * as oidc from 'openid-client';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { IdentityProviderSettings } from '../../config/identity-providers.js';
import type { Claims } from './identity-claims.js';

/** What binds an answer of the provider to the attempt that asked for it; all three, always. */
export interface LoginSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

const timeoutSeconds = 5;
const discoveryLifetimeMs = 10 * 60_000;
const retryAfterMs = 5000;
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

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
    this.redirectUri = new URL('/app/login/callback', site);
    const { protocol, hostname } = new URL(settings.issuer);
    // Plain http stays on this machine.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "deprecated only to make it stand out"
    this.transport = protocol === 'http:' && loopback.test(hostname) ? [oidc.allowInsecureRequests] : [];
  }

  /** @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE */
  async authorizationUrl({ state, nonce, codeVerifier }: LoginSecrets): Promise<URL> {
    return oidc.buildAuthorizationUrl(await this.client(), {
      redirect_uri: this.redirectUri.href,
      scope: this.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    });
  }

  /**
   * Exchanges the answer of the provider for verified claims: those of the ID token, and those that only the userinfo endpoint
   * tells. Checked are `state`, `iss`, `nonce`, signature, `aud`, `azp` and `exp`.
   * @throws DomainError LOGIN_DENIED when the provider says no, LOGIN_REJECTED, IDENTITY_PROVIDER_UNAVAILABLE
   */
  async redeem(answer: URLSearchParams, secrets: LoginSecrets): Promise<Claims> {
    const client = await this.client();
    const url = new URL(this.redirectUri);
    url.search = answer.toString();
    try {
      const tokens = await oidc.authorizationCodeGrant(client, url, {
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        pkceCodeVerifier: secrets.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('no ID token');
      // openid-client looks at azp only when there are several audiences.
      if (claims.azp !== undefined && claims.azp !== this.settings.clientId) {
        throw new Error('unexpected azp');
      }
      if (client.serverMetadata().userinfo_endpoint === undefined) return claims;
      return { ...(await oidc.fetchUserInfo(client, tokens.access_token, claims.sub)), ...claims };
    } catch (error) {
      throw toDomainError(error);
    }
  }

  /** A client without memory of the provider's keys: each login reads them anew, so that they may be rotated at any time. */
  private async client(): Promise<oidc.Configuration> {
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

  private metadata(): Promise<oidc.ServerMetadata> {
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
      return client.serverMetadata();
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function unavailable(cause: unknown): DomainError {
  return new DomainError('IDENTITY_PROVIDER_UNAVAILABLE', { cause, retryAfterMs });
}

function toDomainError(error: unknown): DomainError {
  if (error instanceof oidc.AuthorizationResponseError)
    return new DomainError('LOGIN_DENIED', { cause: error });
  return isOutage(error) ? unavailable(error) : new DomainError('LOGIN_REJECTED', { cause: error });
}

/** Whether the provider could not be asked or failed itself, as opposed to answering something that must be refused. */
function isOutage(error: unknown): boolean {
  if (error instanceof oidc.ResponseBodyError) return error.status >= 500;
  if (error instanceof oidc.ClientError) {
    const { code, cause } = error;
    return code === 'OAUTH_TIMEOUT' || (cause instanceof Response ? cause.status >= 500 : isOutage(cause));
  }
  // What fetch throws when there is no connection (undici).
  return (
    typeof error === 'object' && error !== null && 'message' in error && error.message === 'fetch failed'
  );
}
