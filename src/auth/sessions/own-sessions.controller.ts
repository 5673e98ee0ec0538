import { Delete, Get, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { DomainError } from '../../common/domain-error.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { AuthenticatedBySession } from '../access.js';
import { CurrentCaller, type Caller } from '../caller.js';
import { EndedSessionsDto, OwnSessionDto } from './dto/own-session.dto.js';
import { SessionAuthentication } from './session-authentication.js';
import { SessionsService } from './sessions.service.js';

const sessionId = new IdPipe('session', 'SESSION_NOT_FOUND');

/** Where a person is logged in. */
@NativeController('sessions', 'Session and person')
export class OwnSessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly authentication: SessionAuthentication,
  ) {}

  @Get()
  @AuthenticatedBySession()
  @Answers(OwnSessionDto, { shape: 'list' })
  async list(@CurrentCaller() caller: Caller): Promise<OwnSessionDto[]> {
    const current = caller.credential.kind === 'session' ? caller.credential.sessionId : undefined;
    const sessions = await this.sessions.listOwned(caller);
    return sessions.map((session) => new OwnSessionDto(session, current));
  }

  /** Logs out everywhere. */
  @Delete()
  @AuthenticatedBySession()
  @Answers(EndedSessionsDto)
  async endAll(
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EndedSessionsDto> {
    const ended = await this.authentication.endOwned(caller, undefined, response);
    return new EndedSessionsDto(ended.length);
  }

  @Delete(':sessionId')
  @AuthenticatedBySession()
  @Answers(EndedSessionsDto)
  async end(
    @CurrentCaller() caller: Caller,
    @Param('sessionId', sessionId) id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EndedSessionsDto> {
    const ended = await this.authentication.endOwned(caller, id, response);
    if (ended.length === 0) throw new DomainError('SESSION_NOT_FOUND');
    return new EndedSessionsDto(ended.length);
  }
}
