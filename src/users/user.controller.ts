import { Get } from '@nestjs/common';
import { Authenticated } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { CurrentUsers } from './current-users.service.js';
import { UserDto } from './dto/user.dto.js';

@NativeController('user', 'Session and person')
export class UserController {
  constructor(private readonly users: CurrentUsers) {}

  @Get()
  @Authenticated()
  @Answers(UserDto)
  async get(@CurrentCaller() caller: Caller): Promise<UserDto> {
    return new UserDto(await this.users.get(caller));
  }
}
