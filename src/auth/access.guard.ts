import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { DomainError } from '../common/domain-error.js';
import { toWireId } from '../common/ids.js';
import { publicUrl } from '../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { currentRequest } from '../infrastructure/http/request-context.js';
import { Log } from '../infrastructure/logging/log.js';
import { accessKey, type Access } from './access.js';
import type { Caller } from './caller.js';
import { isSafeMethod, isSameOrigin } from './same-origin.js';
import { allows } from './scopes.js';
import { SessionAuthentication } from './sessions/session-authentication.js';

/** The one guard of every route: what the route declares is what it gets, and nothing is reachable that declares nothing. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly origin: string;

  constructor(
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly reflector: Reflector,
    private readonly authentication: SessionAuthentication,
    private readonly log: Log,
  ) {
    this.origin = publicUrl(config).origin;
  }

  /** @throws DomainError NOT_FOUND, CROSS_SITE_REQUEST, NOT_AUTHENTICATED, SESSION_ENDED, USER_SUSPENDED, FORBIDDEN */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request & { caller?: Caller }>();
    const access = this.reflector.get<Access | undefined>(accessKey, context.getHandler());
    if (access === undefined) {
      const route = `${context.getClass().name}.${context.getHandler().name}`;
      this.log.error({ route }, 'route declares no access and is unreachable');
      throw new DomainError('NOT_FOUND');
    }
    this.refuseForgery(request);
    if (this.isOpenedBySetting(access)) return true;
    if (access.kind === 'public') {
      // On such a route a credential that is not good, or cannot be checked, is as good as none.
      if (access.greets === true) await this.identify(request, http.getResponse()).catch(() => undefined);
      return true;
    }
    const caller = await this.identify(request, http.getResponse());
    if (access.kind === 'scope' && !allows(caller, access.scope)) throw new DomainError('FORBIDDEN');
    return true;
  }

  private async identify(request: Request & { caller?: Caller }, response: Response): Promise<Caller> {
    const caller = await this.authentication.authenticate(request, response);
    const served = currentRequest();
    if (served !== undefined) served.userId = toWireId('user', caller.userId);
    request.caller = caller;
    return caller;
  }

  private isOpenedBySetting(access: Access): boolean {
    return access.kind === 'scope' && access.unless !== undefined && this.config[access.unless];
  }

  /** Cookies are sent by the browser whoever made it send the request: what changes something must come from our pages. */
  private refuseForgery(request: Request): void {
    if (isSafeMethod(request.method) || !this.authentication.isCookieAuthenticated(request)) return;
    if (!isSameOrigin(request.headers, this.origin)) throw new DomainError('CROSS_SITE_REQUEST');
  }
}
