import { Controller, Get, Header, Query, Redirect, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Public } from '../access.js';
import { BrowserCookies } from '../browser-cookies.js';
import { newSecret } from '../opaque-secret.js';
import { SessionAuthentication } from '../sessions/session-authentication.js';
import { LoginService } from './login.service.js';
import { OidcGuard, type RequestWithLogin } from './oidc.guard.js';

/** The browser's door: two redirects, to the provider and back. */
@ApiExcludeController()
@Controller('app')
export class LoginController {
  constructor(
    private readonly login: LoginService,
    private readonly cookies: BrowserCookies,
    private readonly authentication: SessionAuthentication,
  ) {}

  @Get('login')
  @Public()
  @Header('Cache-Control', 'no-store')
  @Redirect()
  async begin(
    @Query() wishes: Readonly<Record<string, unknown>>,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ url: string }> {
    // Kept when present, so that the logins of several tabs do not undo each other.
    const browser = this.cookies.loginSecret(request) ?? newSecret();
    const { authorizationUrl, expiresAt } = await this.login.begin(wishes, browser);
    this.cookies.setLoginSecret(response, browser, expiresAt);
    return { url: authorizationUrl.href };
  }

  @Get(['login/callback', 'login/callback/:provider'])
  @Public()
  @UseGuards(OidcGuard)
  @Header('Cache-Control', 'no-store')
  @Redirect()
  async complete(
    @Req() request: RequestWithLogin,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ url: string }> {
    const { person, proof, returnTo } = request.completedLogin;
    await this.authentication.logIn(person, proof, request, response);
    return { url: returnTo };
  }
}
