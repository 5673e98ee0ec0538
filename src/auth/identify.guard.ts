import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Response } from 'express';
import { DomainError } from '../common/domain-error.js';
import { publicUrl } from '../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { nameCaller } from '../infrastructure/http/request-context.js';
import { accessOf, type Access } from './access.js';
import { Authentication } from './authentication.js';
import { bearerCredential } from './bearer-credential.js';
import type { IdentifiedRequest } from './caller.js';
import { isSafeMethod, isSameOrigin } from './same-origin.js';

/**
 * The first of the guards: finds out who is asking and refuses nobody yet, so that the second can count what is asked by
 * whom, refusals included. Why a credential is not good is left for the `AccessGuard`.
 */
@Injectable()
export class IdentifyGuard implements CanActivate {
  private readonly origin: string;

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly authentication: Authentication,
  ) {
    this.origin = publicUrl(config).origin;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<IdentifiedRequest>();
    const access = accessOf(context);
    if (access === undefined) return true;
    try {
      this.refuseForgery(request, access);
      if (access.kind === 'public' && access.greets !== true) return true;
      const caller = await this.authentication.authenticate(request, http.getResponse<Response>());
      const { userId, credential } = caller;
      nameCaller({ userId, tokenId: credential.kind === 'token' ? credential.tokenId : undefined });
      request.caller = caller;
    } catch (error) {
      request.refusal = error;
    }
    return true;
  }

  /**
   * Cookies are sent by the browser whoever made it send the request: what changes something must come from our pages. Public
   * routes read cookies whatever else is there.
   */
  private refuseForgery(request: IdentifiedRequest, access: Access): void {
    if (isSafeMethod(request.method) || !this.authentication.isByCookie(request)) return;
    if (access.kind !== 'public' && bearerCredential(request.headers) !== undefined) return;
    if (!isSameOrigin(request.headers, this.origin)) throw new DomainError('CROSS_SITE_REQUEST');
  }
}
