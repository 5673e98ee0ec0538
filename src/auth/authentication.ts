import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { clientIp } from '../infrastructure/http/client-ip.js';
import { TokenAuthentication } from '../tokens/token-authentication.service.js';
import { tokenPrefix } from '../tokens/token-format.js';
import { bearerCredential } from './bearer-credential.js';
import type { Caller } from './caller.js';
import { CallerCache } from './caller-cache.js';
import { ProviderAccessTokens } from './provider-access-tokens.js';
import { SessionAuthentication } from './sessions/session-authentication.js';

/** Who is asking, by whichever credential: the one way in for all doors. */
@Injectable()
export class Authentication {
  constructor(
    private readonly sessions: SessionAuthentication,
    private readonly tokens: TokenAuthentication,
    private readonly providerTokens: ProviderAccessTokens,
    private readonly cache: CallerCache,
    private readonly clock: Clock,
  ) {}

  /** Whether the request counts on a credential that the browser attached by itself. */
  isByCookie(request: Request): boolean {
    return this.sessions.isCookieAuthenticated(request);
  }

  /**
   * A credential in a header is what counts when there is one, be it good or not; else the cookies of a session.
   * @throws DomainError NOT_AUTHENTICATED, SESSION_ENDED, TOKEN_REVOKED, TOKEN_EXPIRED, TOKEN_NETWORK_FORBIDDEN,
   *   USER_SUSPENDED, TENANT_SUSPENDED, IDENTITY_PROVIDER_UNAVAILABLE, and what refuses the login of somebody new
   */
  async authenticate(request: Request, response: Response): Promise<Caller> {
    const credential = bearerCredential(request.headers);
    if (credential === undefined) return this.sessions.authenticate(request, response);
    const caller = await this.cache.get('bearer', credential, () => this.byBearer(credential));
    if (caller === undefined || this.isOver(caller)) throw new DomainError('NOT_AUTHENTICATED');
    this.tokens.admit(caller, clientIp(request));
    return caller;
  }

  /** Whether the credential expired while the cache kept its caller. */
  private isOver({ credential }: Caller): boolean {
    return credential.kind === 'provider' && credential.expiresAt <= this.clock.now();
  }

  private byBearer(credential: string): Promise<Caller | undefined> {
    return credential.startsWith(tokenPrefix)
      ? this.tokens.authenticate(credential)
      : this.providerTokens.authenticate(credential);
  }
}
