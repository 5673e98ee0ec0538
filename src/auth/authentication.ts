import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError } from '../common/domain-error.js';
import { bearerCredential } from './bearer-credential.js';
import type { Caller } from './caller.js';
import { CallerCache } from './caller-cache.js';
import { SessionAuthentication } from './sessions/session-authentication.js';

/** Who is asking, by whichever credential: the one way in for all doors. */
@Injectable()
export class Authentication {
  constructor(
    private readonly sessions: SessionAuthentication,
    private readonly cache: CallerCache,
  ) {}

  /** Whether the request counts on a credential that the browser attached by itself. */
  isByCookie(request: Request): boolean {
    return this.sessions.isCookieAuthenticated(request);
  }

  /**
   * A credential in a header is what counts when there is one, be it good or not; else the cookies of a session.
   * @throws DomainError NOT_AUTHENTICATED, SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async authenticate(request: Request, response: Response): Promise<Caller> {
    const credential = bearerCredential(request.headers);
    if (credential === undefined) return this.sessions.authenticate(request, response);
    const caller = await this.cache.get(credential, () => this.byBearer(credential));
    if (caller === undefined) throw new DomainError('NOT_AUTHENTICATED');
    return caller;
  }

  private byBearer(_credential: string): Promise<Caller | undefined> {
    return Promise.resolve(undefined);
  }
}
