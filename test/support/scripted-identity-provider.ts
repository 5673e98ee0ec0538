import { createHash, randomBytes, type webcrypto } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';

interface Grant {
  readonly claims: JWTPayload;
  readonly challenge: string;
  readonly redirectUri: string;
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicJwk: JWK;
}

export const clientId = 'parley-test';

/**
 * An OpenID provider over real HTTP that says what a test tells it to, lies included. It has no pages: `answer` stands for the
 * person who agrees.
 */
export class ScriptedIdentityProvider {
  /** Answers 503 to everything. */
  isDown = false;
  /** By which it tells when people proved who they are: just now. */
  now: () => Date = () => new Date();
  discoveries = 0;
  codeExchanges = 0;
  keyReads = 0;
  renewals = 0;
  /** Never answers. */
  isStalled = false;
  issuesRefreshTokens = false;
  /** Claims of the ID token of a renewal, over those of the login; undefined leaves one out. */
  renewal: Record<string, unknown> = {};
  /** The error that renewals end with. */
  renewalError: string | undefined;
  /** Published beside the key that signs. */
  moreKeys: JWK[] = [];
  /** What discovery says beside what is always there. */
  moreMetadata: Record<string, unknown> = {};
  /** Answers for an endpoint, by its path. */
  readonly lies = new Map<string, (response: ServerResponse) => void>();
  /** Makes the ID tokens, in place of an honest one; undefined for none. */
  makeIdToken: ((claims: JWTPayload) => unknown) | undefined;
  /** Claims of the userinfo endpoint beside `sub`. */
  userInfo: Record<string, unknown> = {};
  private readonly grants = new Map<string, Grant>();
  private readonly refreshTokens = new Map<string, JWTPayload>();
  private readonly subjects = new Map<string, unknown>();
  private key: SigningKey;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
    key: SigningKey,
  ) {
    this.key = key;
  }

  static async start(): Promise<ScriptedIdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // Listens on TCP.
    const provider = new ScriptedIdentityProvider(server, `http://127.0.0.1:${port}`, await newKey());
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void provider.serve(request, response);
    });
    return provider;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Says and counts what it did when it started, by the clock, the key and the grants that it has. */
  reset(): void {
    this.isDown = this.isStalled = this.issuesRefreshTokens = false;
    this.discoveries = this.codeExchanges = this.keyReads = this.renewals = 0;
    this.renewal = {};
    this.renewalError = undefined;
    this.moreKeys = [];
    this.moreMetadata = {};
    this.lies.clear();
    this.makeIdToken = undefined;
    this.userInfo = {};
  }

  /** Signs with another key from now on, which is the only one published. */
  async rotateKeys(): Promise<void> {
    this.key = await newKey();
  }

  /** Signs with a key that is not published. */
  async forgeKey(): Promise<void> {
    const { publicJwk, kid } = this.key;
    this.key = { ...(await newKey()), kid, publicJwk };
  }

  /**
   * The query with which the browser comes back from an authorization URL when the person agrees.
   * @param claims of the ID token, over the honest ones; undefined leaves one out
   */
  answer(authorizationUrl: string, claims: Record<string, unknown> = {}): URLSearchParams {
    const asked = new URL(authorizationUrl).searchParams;
    const code = randomBytes(16).toString('hex');
    const now = Math.floor(Date.now() / 1000);
    this.grants.set(code, {
      claims: {
        iss: this.issuer,
        sub: 'ada',
        aud: clientId,
        iat: now,
        exp: now + 60,
        nonce: asked.get('nonce'),
        auth_time: Math.floor(this.now().getTime() / 1000),
        ...claims,
      },
      challenge: asked.get('code_challenge') ?? '',
      redirectUri: asked.get('redirect_uri') ?? '',
    });
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.issuer });
  }

  /** A JWT signed with the key of now, whatever it says. */
  sign(claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: this.key.kid, ...header })
      .sign(this.key.privateKey);
  }

  /** What the key of now is verified with. */
  get publicKey(): JWK {
    return this.key.publicJwk;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = new URLSearchParams(await text(request));
    const lie = this.lies.get(request.url ?? '');
    if (lie !== undefined) {
      lie(response);
      return;
    }
    const [status, answer] = this.isDown ? [503, {}] : await this.route(request, body);
    if (this.isStalled) return;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private async route({ url, headers }: IncomingMessage, body: URLSearchParams): Promise<[number, object]> {
    switch (url) {
      case '/.well-known/openid-configuration':
        this.discoveries++;
        return [200, this.metadata()];
      case '/jwks':
        this.keyReads++;
        return [200, { keys: [this.key.publicJwk, ...this.moreKeys] }];
      case '/userinfo':
        return [200, { sub: this.subjects.get(headers.authorization ?? ''), ...this.userInfo }];
      case '/token':
        if (body.get('grant_type') === 'refresh_token') return this.renew(body.get('refresh_token') ?? '');
        this.codeExchanges++;
        return this.exchange(body);
      default:
        return [404, {}];
    }
  }

  private metadata(): object {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      authorization_response_iss_parameter_supported: true,
      code_challenge_methods_supported: ['S256'],
      ...this.moreMetadata,
    };
  }

  private async exchange(body: URLSearchParams): Promise<[number, object]> {
    const code = body.get('code') ?? '';
    const grant = this.grants.get(code);
    this.grants.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== grant?.challenge || body.get('redirect_uri') !== grant.redirectUri) {
      return [400, { error: 'invalid_grant', error_description: 'canary-of-the-provider' }];
    }
    return [200, await this.tokensFor(grant.claims)];
  }

  /** Each refresh token is good once. */
  private async renew(refreshToken: string): Promise<[number, object]> {
    this.renewals++;
    const claims = this.refreshTokens.get(refreshToken);
    this.refreshTokens.delete(refreshToken);
    if (this.renewalError !== undefined) return [400, { error: this.renewalError }];
    if (claims === undefined) return [400, { error: 'invalid_grant' }];
    const now = Math.floor(Date.now() / 1000);
    const { nonce: _ofTheLogin, ...rest } = claims;
    return [200, await this.tokensFor({ ...rest, iat: now, exp: now + 60, ...this.renewal })];
  }

  private async tokensFor(claims: JWTPayload): Promise<object> {
    const accessToken = randomBytes(16).toString('hex');
    this.subjects.set(`Bearer ${accessToken}`, claims.sub);
    const idToken = await (this.makeIdToken ?? ((honest) => this.sign(honest)))(claims);
    const tokens = { access_token: accessToken, token_type: 'Bearer', id_token: idToken };
    if (!this.issuesRefreshTokens) return tokens;
    const refreshToken = randomBytes(16).toString('hex');
    this.refreshTokens.set(refreshToken, claims);
    return { ...tokens, refresh_token: refreshToken };
  }
}

async function newKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomBytes(8).toString('hex');
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}
