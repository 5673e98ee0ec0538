import { Body, Inject, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { Public } from '../access.js';
import { isSameOrigin } from '../same-origin.js';
import { SessionAuthentication } from '../sessions/session-authentication.js';
import { SessionDto } from '../sessions/session.controller.js';
import { LogInDto } from './dto/local-login.dto.js';
import { LocalLoginGuard } from './local-login.guard.js';
import { LocalLogin } from './local-login.service.js';
import { SometimesHidden } from '../../infrastructure/http/body.guard.js';

@NativeController('login', 'Session and person')
export class LocalLoginController {
  private readonly origin: string;

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly login: LocalLogin,
    private readonly authentication: SessionAuthentication,
  ) {
    this.origin = publicUrl(config).origin;
  }

  @Post()
  @Public()
  @Limited('login')
  @SometimesHidden(LocalLoginGuard)
  @Answers(SessionDto)
  async logIn(
    @Body() { username, password }: LogInDto,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionDto> {
    this.refuseOtherSites(request);
    const { person, proof } = await this.login.prove(username, password);
    return new SessionDto(await this.authentication.logIn(person, proof, request, response));
  }

  /** Another site could log the browser in as somebody it knows. A program sends no marks, and has no browser. */
  private refuseOtherSites({ headers }: Request): void {
    const isBrowser = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
    if (isBrowser && !isSameOrigin(headers, this.origin)) throw new DomainError('CROSS_SITE_REQUEST');
  }
}
