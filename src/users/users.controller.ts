import { Body, Get, Param, Patch, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import type { NumberedPage } from '../common/numbered-page.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { IdPipe } from '../infrastructure/http/id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { ChangeUserDto, ListUsersDto, ManagedUserDto } from './dto/managed-user.dto.js';
import { UsersAdministration } from './users-administration.service.js';

const userId = new IdPipe('user', 'USER_NOT_FOUND');

/** The users of the caller's tenant. */
@NativeController('users', 'Administration')
export class UsersController {
  constructor(private readonly users: UsersAdministration) {}

  @Get()
  @Requires('users:read')
  @Answers(ManagedUserDto, { shape: 'numbered' })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { page_size: pageSize, ...query }: ListUsersDto,
  ): Promise<NumberedPage<ManagedUserDto>> {
    const users = await this.users.list(caller, { ...query, pageSize });
    return users.map((user) => new ManagedUserDto(user));
  }

  @Get(':userId')
  @Requires('users:read')
  @Answers(ManagedUserDto)
  async get(@CurrentCaller() caller: Caller, @Param('userId', userId) id: string): Promise<ManagedUserDto> {
    return new ManagedUserDto(await this.users.get(caller, id));
  }

  @Patch(':userId')
  @Requires('users:write')
  @Answers(ManagedUserDto)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('userId', userId) id: string,
    @Body() body: ChangeUserDto,
  ): Promise<ManagedUserDto> {
    return new ManagedUserDto(await this.users.change(caller, id, body));
  }
}
