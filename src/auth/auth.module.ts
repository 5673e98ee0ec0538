import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { AccessGuard } from './access.guard.js';
import { BrowserCookies } from './browser-cookies.js';
import { InfoController } from './info.controller.js';
import { IdentityProvider } from './login/identity-provider.js';
import { LoginController } from './login/login.controller.js';
import { LoginService } from './login/login.service.js';
import { LoginTransaction } from './login/login-transaction.entity.js';
import { LoginTransactionsRepository } from './login/login-transactions.repository.js';
import { OidcStrategy } from './login/oidc.strategy.js';
import { AccessTokens } from './sessions/access-tokens.js';
import { RefreshToken } from './sessions/refresh-token.entity.js';
import { SessionAuthentication } from './sessions/session-authentication.js';
import { SessionController } from './sessions/session.controller.js';
import { Session } from './sessions/session.entity.js';
import { SessionsRepository } from './sessions/sessions.repository.js';
import { SessionsService } from './sessions/sessions.service.js';

/** Who is asking and what they may do. Importing this module puts the `AccessGuard` before every route of the application. */
@Module({
  imports: [TypeOrmModule.forFeature([LoginTransaction, Session, RefreshToken]), UsersModule],
  controllers: [InfoController, LoginController, SessionController],
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    AccessTokens,
    BrowserCookies,
    IdentityProvider,
    LoginService,
    LoginTransactionsRepository,
    OidcStrategy,
    SessionAuthentication,
    SessionsRepository,
    SessionsService,
  ],
})
export class AuthModule {}
