import { Body, Post, Req, Res } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NoBodyPipe } from '../../infrastructure/http/no-body.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { Public } from '../access.js';
import { SessionAuthentication } from './session-authentication.js';
import type { IssuedCredentials } from './session-credentials.js';

/** How long a session lives that a browser has just been given the cookies of. */
export class SessionDto {
  @ApiProperty({ format: 'date-time', description: 'When the session ends unless it is used before.' })
  readonly idleExpiresAt: string;

  @ApiProperty({ format: 'date-time', description: 'When the session ends in any case.' })
  readonly expiresAt: string;

  constructor({ idleExpiresAt, expiresAt }: IssuedCredentials) {
    this.idleExpiresAt = idleExpiresAt.toISOString();
    this.expiresAt = expiresAt.toISOString();
  }
}

/** Open to everybody: looks at the refresh token itself and needs no access token. */
@NativeController('', 'Session and person')
export class SessionController {
  constructor(private readonly authentication: SessionAuthentication) {}

  @Post('session/refresh')
  @Public()
  @Answers(SessionDto)
  async refresh(
    @Body(NoBodyPipe) _nothing: undefined,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionDto> {
    const { credentials } = await this.authentication.refresh(request, response);
    return new SessionDto(credentials);
  }
}
