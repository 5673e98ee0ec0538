import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { clientIp } from '../../infrastructure/http/client-ip.js';
import { BrowserCookies } from '../browser-cookies.js';
import { actorOf, type Caller } from '../caller.js';
import { CallerCache } from '../caller-cache.js';
import type { IssuedCredentials } from './session-credentials.js';
import { SessionEndings } from './session-endings.service.js';
import { SessionRefresh, type RefreshedSession } from './session-refresh.service.js';
import type { Session } from './session.entity.js';
import type { Person } from './sessions.repository.js';
import { SessionsService, type LoginProof } from './sessions.service.js';

/**
 * Sessions as HTTP carries them: reads the cookies of a request, and sets them on its answer. Only logging out clears them: a late
 * request of a session that has ended must not take the cookies of the next one away.
 */
@Injectable()
export class SessionAuthentication {
  constructor(
    private readonly sessions: SessionsService,
    private readonly refreshes: SessionRefresh,
    private readonly endings: SessionEndings,
    private readonly cache: CallerCache,
    private readonly cookies: BrowserCookies,
  ) {}

  /** Whether the request carries a credential that the browser attached by itself. */
  isCookieAuthenticated(request: Request): boolean {
    const { accessToken, refreshToken } = this.cookies.credentials(request);
    return accessToken !== undefined || refreshToken !== undefined;
  }

  /**
   * Who is asking. An access token that no longer verifies is replaced by means of the refresh token, within this request.
   * @throws DomainError NOT_AUTHENTICATED, SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async authenticate(request: Request, response: Response): Promise<Caller> {
    const { accessToken } = this.cookies.credentials(request);
    const caller =
      accessToken === undefined
        ? undefined
        : await this.cache.get('cookie', accessToken, () => this.sessions.resume(accessToken));
    return caller ?? (await this.refresh(request, response)).caller;
  }

  /**
   * Refreshes the session whether its access token is stale or not.
   * @throws DomainError NOT_AUTHENTICATED, SESSION_ENDED, USER_SUSPENDED, TENANT_SUSPENDED
   */
  async refresh(request: Request, response: Response): Promise<RefreshedSession> {
    const { refreshToken } = this.cookies.credentials(request);
    if (refreshToken === undefined) throw new DomainError('NOT_AUTHENTICATED');
    const refreshed = await this.refreshes.refresh(refreshToken);
    this.cookies.setCredentials(response, refreshed.credentials);
    return refreshed;
  }

  /** Opens a session. The one that the browser had ends: its cookies are replaced, so nobody could use it or end it. */
  async logIn(
    person: Person,
    proof: LoginProof,
    request: Request,
    response: Response,
  ): Promise<IssuedCredentials> {
    await this.endings.endPresented(this.cookies.credentials(request), 'new_login');
    const device = { userAgent: request.get('user-agent'), ip: clientIp(request) };
    const credentials = await this.sessions.open(person, proof, device);
    this.cookies.setCredentials(response, credentials);
    return credentials;
  }

  /** Ends the session, if there is one, on the server and in the browser. Answers what ended, as it was. */
  async logOut(request: Request, response: Response): Promise<readonly Session[]> {
    const ended = await this.endings.endPresented(this.cookies.credentials(request), 'logout');
    this.cookies.clearCredentials(response);
    return ended;
  }

  /** Ends one session of the caller, or all of them. When theirs is among them, this browser forgets it too. */
  async endOwned(
    caller: Caller,
    sessionId: string | undefined,
    response: Response,
  ): Promise<readonly Session[]> {
    const ended = await this.endings.endOwned(caller, sessionId, actorOf(caller));
    const { credential } = caller;
    if (credential.kind === 'session' && ended.some(({ id }) => id === credential.sessionId)) {
      this.cookies.clearCredentials(response);
    }
    return ended;
  }
}
