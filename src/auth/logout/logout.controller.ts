import { Body, Post, Req, Res } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { Public } from '../access.js';
import { ProviderLogout } from '../provider-session/provider-logout.service.js';
import { SessionAuthentication } from '../sessions/session-authentication.js';

class LogoutDto {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'Where the browser goes to log out at the identity provider too; null when there is no need.',
  })
  readonly logoutUrl: string | null;

  constructor(logoutUrl: string | null) {
    this.logoutUrl = logoutUrl;
  }
}

/** Open to everybody: whoever has no session is logged out. */
@NativeController('logout', 'Session and person')
export class LogoutController {
  constructor(
    private readonly authentication: SessionAuthentication,
    private readonly providerLogout: ProviderLogout,
  ) {}

  @Post()
  @Public()
  @Answers(LogoutDto)
  async logOut(
    @Body(NoBodyPipe) _nothing: undefined,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LogoutDto> {
    const ended = await this.authentication.logOut(request, response);
    return new LogoutDto(await this.providerLogout.urlFor(ended));
  }
}
