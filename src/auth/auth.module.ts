import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { AccessGuard } from './access.guard.js';
import { Authentication } from './authentication.js';
import { BrowserCookies } from './browser-cookies.js';
import { CallerCache } from './caller-cache.js';
import { IdentifyGuard } from './identify.guard.js';
import { InfoController } from './info.controller.js';
import { IdentityProviders } from './login/identity-providers.js';
import { LoginController } from './login/login.controller.js';
import { LoginService } from './login/login.service.js';
import { LoginTransaction } from './login/login-transaction.entity.js';
import { LoginTransactionsRepository } from './login/login-transactions.repository.js';
import { OidcStrategy } from './login/oidc.strategy.js';
import { Rights } from './rights.js';
import { LocalAccount } from './local/local-account.entity.js';
import { UsedLogoutToken } from './login/used-logout-token.entity.js';
import { AccessTokens } from './sessions/access-tokens.js';
import { RefreshToken } from './sessions/refresh-token.entity.js';
import { SessionCredentials } from './sessions/session-credentials.js';
import { SessionEndings } from './sessions/session-endings.service.js';
import { SessionRefresh } from './sessions/session-refresh.service.js';
import { SessionAuthentication } from './sessions/session-authentication.js';
import { SessionController } from './sessions/session.controller.js';
import { Session } from './sessions/session.entity.js';
import { Installation } from './setup/installation.entity.js';
import { SessionsRepository } from './sessions/sessions.repository.js';
import { SessionsService } from './sessions/sessions.service.js';

/** Who is asking and what they may do. Importing this module puts its guards before every route of the application. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      Installation,
      LocalAccount,
      LoginTransaction,
      RefreshToken,
      Session,
      UsedLogoutToken,
    ]),
    UsersModule,
  ],
  controllers: [InfoController, LoginController, SessionController],
  providers: [
    // In this order.
    { provide: APP_GUARD, useClass: IdentifyGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    AccessTokens,
    Authentication,
    BrowserCookies,
    CallerCache,
    IdentityProviders,
    LoginService,
    LoginTransactionsRepository,
    OidcStrategy,
    Rights,
    SessionAuthentication,
    SessionCredentials,
    SessionEndings,
    SessionRefresh,
    SessionsRepository,
    SessionsService,
  ],
  exports: [Rights],
})
export class AuthModule {}
