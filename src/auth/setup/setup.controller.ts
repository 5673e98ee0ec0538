import { Body, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { CurrentUsers } from '../../users/current-users.service.js';
import { UserDto } from '../../users/dto/user.dto.js';
import { PublicGreeting } from '../access.js';
import { OptionalCaller, type Caller } from '../caller.js';
import { SessionAuthentication } from '../sessions/session-authentication.js';
import { SetUpDto } from './setup.dto.js';
import { SetupDueGuard } from './setup-due.guard.js';
import { SetupService } from './setup.service.js';
import { SometimesHidden } from '../../infrastructure/http/body.guard.js';

@NativeController('setup', 'Session and person')
export class SetupController {
  constructor(
    private readonly setup: SetupService,
    private readonly authentication: SessionAuthentication,
    private readonly users: CurrentUsers,
  ) {}

  /** The admin is logged in by what is answered, with all their rights. */
  @Post()
  @PublicGreeting()
  @Limited('login')
  @SometimesHidden(SetupDueGuard)
  @Answers(UserDto)
  async setUp(
    @OptionalCaller() caller: Caller | undefined,
    @Body() { token, account }: SetUpDto,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UserDto> {
    if (account !== undefined) {
      const admin = await this.setup.register(token, account);
      await this.authentication.logIn(admin, { method: 'local' }, request, response);
      return new UserDto(await this.users.get(admin));
    }
    const admin = await this.setup.promote(token, caller);
    this.users.forget(admin);
    // With the scopes of an admin. It is done, whatever becomes of this.
    await this.authentication.refresh(request, response).catch(() => undefined);
    return new UserDto(await this.users.get(admin));
  }
}
