import { Body, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { Answers } from '../../infrastructure/http/api-answer.js';
import { IdPipe } from '../../infrastructure/http/id.pipe.js';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { ManagedUserDto } from '../../users/dto/managed-user.dto.js';
import { RequiresBySession } from '../access.js';
import { CurrentCaller, type Caller } from '../caller.js';
import { CreateAccountDto, SetPasswordDto } from './dto/local-login.dto.js';
import { LocalAccountsService } from './local-accounts.service.js';
import { LocalLoginGuard } from './local-login.guard.js';
import { LocalPasswords } from './local-passwords.service.js';

/** Accounts of the caller's tenant that log in by password. */
@NativeController('users', 'Administration')
export class LocalAccountsController {
  constructor(
    private readonly accounts: LocalAccountsService,
    private readonly passwords: LocalPasswords,
  ) {}

  @Post()
  @RequiresBySession('users:write')
  @UseGuards(LocalLoginGuard)
  @Answers(ManagedUserDto, { status: 201 })
  async create(
    @CurrentCaller() { tenantId }: Caller,
    @Body() { role = 'user', ...account }: CreateAccountDto,
  ): Promise<ManagedUserDto> {
    const user = await this.accounts.create({ ...account, role, tenantId });
    return new ManagedUserDto(Object.assign(user, { chosenName: null }));
  }

  @Post(':userId/password')
  @RequiresBySession('users:write')
  @UseGuards(LocalLoginGuard)
  @HttpCode(204)
  setPassword(
    @CurrentCaller() caller: Caller,
    @Param('userId', new IdPipe('user', 'USER_NOT_FOUND')) userId: string,
    @Body() { password }: SetPasswordDto,
  ): Promise<void> {
    return this.passwords.set(caller, userId, password);
  }
}
