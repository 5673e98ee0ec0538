import { Body, Get, Patch } from '@nestjs/common';
import { Authenticated, AuthenticatedBySession } from '../auth/access.js';
import { actorOf, CurrentCaller, type Caller } from '../auth/caller.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { KnownPersonalKeys } from '../models/personal-keys/known-personal-keys.service.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { CurrentUsers } from '../users/current-users.service.js';
import { ChangeProfileDto, ProfileDto } from './dto/profile.dto.js';
import { ProfileService } from '../users/profile/profile.service.js';

@NativeController('profile', 'Session and person')
export class ProfileController {
  constructor(
    private readonly users: CurrentUsers,
    private readonly profiles: ProfileService,
    private readonly keys: KnownPersonalKeys,
  ) {}

  @Get()
  @Authenticated()
  @Limited('profileRead')
  @Answers(ProfileDto)
  async get(@CurrentCaller() caller: Caller): Promise<ProfileDto> {
    return new ProfileDto(await this.users.get(caller), await this.keys.slots(caller));
  }

  @Patch()
  @AuthenticatedBySession()
  @Limited('profileWrite')
  @Answers(ProfileDto)
  async change(@CurrentCaller() caller: Caller, @Body() body: ChangeProfileDto): Promise<ProfileDto> {
    const user = await this.profiles.change(caller, body, actorOf(caller));
    return new ProfileDto(user, await this.keys.slots(caller));
  }
}
