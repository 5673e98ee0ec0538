import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import passport from 'passport';
import { defaultProvider } from '../../config/identity-providers.js';
import { BrowserCookies } from '../browser-cookies.js';
import { LoginService } from './login.service.js';

/**
 * Passport's view of a login: the answer that a browser brings from the provider authenticates a person. Ours, because
 * openid-client's strategy sends neither state nor nonce where the provider advertises PKCE (identity.md).
 */
@Injectable()
export class OidcStrategy extends passport.Strategy {
  override readonly name = 'oidc';

  constructor(
    private readonly login: LoginService,
    private readonly cookies: BrowserCookies,
  ) {
    super();
  }

  override authenticate(request: Request): void {
    const answer = new URLSearchParams(request.originalUrl.split('?')[1]);
    const { provider = defaultProvider } = request.params;
    this.login.complete(answer, this.cookies.loginSecret(request), String(provider)).then(
      (login) => this.success(login),
      (error: unknown) => this.error(error),
    );
  }
}
