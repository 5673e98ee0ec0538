import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DomainError } from '../../common/domain-error.js';
import { TakesBody } from '../../infrastructure/http/body.guard.js';
import { Limited } from '../../rate-limits/rate-limit.js';
import { Public } from '../access.js';
import { BackChannelLogout } from './back-channel-logout.service.js';

/** The identity provider's door: what it presents is its proof. */
@ApiExcludeController()
@Controller()
export class BackChannelLogoutController {
  constructor(private readonly logout: BackChannelLogout) {}

  @Post('app/logout/backchannel')
  @TakesBody('form') // OpenID Connect Back-Channel Logout 1.0, 2.5
  @Public()
  @Limited('backChannelLogout')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async honour(@Body() form: unknown): Promise<void> {
    await this.logout.honour(tokenIn(form));
  }
}

/** Other fields may be there and are ignored; twice the same one is an array. */
function tokenIn(form: unknown): string {
  const token = typeof form === 'object' && form !== null && 'logout_token' in form ? form.logout_token : '';
  if (typeof token !== 'string' || token === '') throw new DomainError('LOGOUT_TOKEN_INVALID');
  return token;
}
