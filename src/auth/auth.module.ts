import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RateLimitGuard } from '../rate-limits/rate-limit.guard.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { BodyGuard } from '../infrastructure/http/body.guard.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessGuard } from './access.guard.js';
import { Authentication } from './authentication.js';
import { BrowserCookies } from './browser-cookies.js';
import { CallerCache } from './caller-cache.js';
import { LiveAccess } from './live-access.service.js';
import { IdentifyGuard } from './identify.guard.js';
import { InfoController } from './info.controller.js';
import { IdentityProviders } from './login/identity-providers.js';
import { LoginController } from './login/login.controller.js';
import { LoginFailures } from './login/login-failures.js';
import { LoginService } from './login/login.service.js';
import { LoginTransaction } from './login/login-transaction.entity.js';
import { LoginTransactionsRepository } from './login/login-transactions.repository.js';
import { OidcStrategy } from './login/oidc.strategy.js';
import { ProviderAccessTokens } from './provider-access-tokens.js';
import { KeptTokens } from './provider-session/kept-tokens.js';
import { ProviderJwts } from './provider-session/provider-jwts.js';
import { ProviderLogout } from './provider-session/provider-logout.service.js';
import { ProviderSessions } from './provider-session/provider-sessions.service.js';
import { RightsModule } from './rights.module.js';
import { LocalAccount } from './local/local-account.entity.js';
import { LocalAccountsController } from './local/local-accounts.controller.js';
import { LocalAccountsRepository } from './local/local-accounts.repository.js';
import { LocalAccountsService } from './local/local-accounts.service.js';
import { LocalLoginController } from './local/local-login.controller.js';
import { LocalLogin } from './local/local-login.service.js';
import { LocalPasswords } from './local/local-passwords.service.js';
import { OwnPasswordController } from './local/own-password.controller.js';
import { PasswordHasher } from './local/password-hasher.js';
import { Passwords } from './local/passwords.js';
import { BackChannelLogoutController } from './logout/back-channel-logout.controller.js';
import { BackChannelLogout } from './logout/back-channel-logout.service.js';
import { LogoutController } from './logout/logout.controller.js';
import { UsedLogoutTokensRepository } from './logout/used-logout-tokens.repository.js';
import { UsedLogoutToken } from './logout/used-logout-token.entity.js';
import { OwnSessionsController } from './sessions/own-sessions.controller.js';
import { AccessTokens } from './sessions/access-tokens.js';
import { RefreshToken } from './sessions/refresh-token.entity.js';
import { SessionCredentials } from './sessions/session-credentials.js';
import { SessionEndings } from './sessions/session-endings.service.js';
import { SessionRefresh } from './sessions/session-refresh.service.js';
import { SessionAuthentication } from './sessions/session-authentication.js';
import { SessionController } from './sessions/session.controller.js';
import { Session } from './sessions/session.entity.js';
import { Installation } from './setup/installation.entity.js';
import { InstallationRepository } from './setup/installation.repository.js';
import { SetupState } from './setup/setup-state.service.js';
import { SetupController } from './setup/setup.controller.js';
import { SetupService } from './setup/setup.service.js';
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
    RateLimitsModule,
    RightsModule,
    TokensModule,
    UsersModule,
  ],
  controllers: [
    BackChannelLogoutController,
    InfoController,
    LocalAccountsController,
    LocalLoginController,
    LoginController,
    LogoutController,
    OwnPasswordController,
    OwnSessionsController,
    SessionController,
    SetupController,
  ],
  providers: [
    // In this order.
    { provide: APP_GUARD, useClass: IdentifyGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: BodyGuard },
    AccessTokens,
    Authentication,
    BackChannelLogout,
    BrowserCookies,
    CallerCache,
    IdentityProviders,
    InstallationRepository,
    KeptTokens,
    LocalAccountsRepository,
    LocalAccountsService,
    LocalLogin,
    LocalPasswords,
    LoginFailures,
    LoginService,
    LoginTransactionsRepository,
    OidcStrategy,
    LiveAccess,
    PasswordHasher,
    Passwords,
    ProviderAccessTokens,
    ProviderJwts,
    ProviderLogout,
    ProviderSessions,
    SessionAuthentication,
    SessionCredentials,
    SessionEndings,
    SessionRefresh,
    SessionsRepository,
    SessionsService,
    SetupService,
    SetupState,
    UsedLogoutTokensRepository,
  ],
  exports: [LiveAccess, RightsModule],
})
export class AuthModule {}
