import { Body, HttpCode, Post, UseGuards } from '@nestjs/common';
import { NativeController } from '../../infrastructure/http/native-controller.js';
import { AuthenticatedBySession } from '../access.js';
import { CurrentCaller, type Caller } from '../caller.js';
import { ChangePasswordDto } from './dto/local-login.dto.js';
import { LocalLoginGuard } from './local-login.guard.js';
import { LocalPasswords } from './local-passwords.service.js';

@NativeController('profile', 'Session and person')
export class OwnPasswordController {
  constructor(private readonly passwords: LocalPasswords) {}

  /** Ends the person's other sessions. */
  @Post('password')
  @AuthenticatedBySession()
  @UseGuards(LocalLoginGuard)
  @HttpCode(204)
  change(
    @CurrentCaller() caller: Caller,
    @Body() { currentPassword, newPassword }: ChangePasswordDto,
  ): Promise<void> {
    return this.passwords.change(caller, currentPassword, newPassword);
  }
}
