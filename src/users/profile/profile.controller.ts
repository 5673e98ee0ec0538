import { Body, Get, Patch } from '@nestjs/common';
import { Authenticated, AuthenticatedBySession } from '../../auth/access.js';
import { actorOf, CurrentCaller, type Caller } from '../../auth/caller.js';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { CurrentUsers } from '../current-users.service.js';
import { ChangeProfileDto, ProfileDto } from './dto/profile.dto.js';
import { ProfileService } from './profile.service.js';

@NativeController('profile', 'Session and person')
export class ProfileController {
  constructor(
    private readonly users: CurrentUsers,
    private readonly profiles: ProfileService,
  ) {}

  @Get()
  @Authenticated()
  @Limited('profileRead')
  @Answers(ProfileDto)
  async get(@CurrentCaller() caller: Caller): Promise<ProfileDto> {
    return new ProfileDto(await this.users.get(caller));
  }

  @Patch()
  @AuthenticatedBySession()
  @Limited('profileWrite')
  @Answers(ProfileDto)
  async change(@CurrentCaller() caller: Caller, @Body() body: ChangeProfileDto): Promise<ProfileDto> {
    return new ProfileDto(await this.profiles.change(caller, body, actorOf(caller)));
  }
}
