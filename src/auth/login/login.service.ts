import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Log } from '../../infrastructure/logging/log.js';
import { UsersService } from '../../users/users.service.js';
import { hashSecret, newSecret } from '../opaque-secret.js';
import type { Person } from '../sessions/sessions.repository.js';
import { readProfile } from './identity-claims.js';
import type { IdentityProvider } from './identity-provider.js';
import { IdentityProviders } from './identity-providers.js';
import { LoginTransactionsRepository } from './login-transactions.repository.js';
import { readReturnPath } from './return-path.js';

const transactionLifetimeMs = 10 * 60_000;

/** An attempt that has begun. */
interface BegunLogin {
  /** Where the provider asks the person. */
  readonly authorizationUrl: URL;
  /** When the browser need no longer be recognised. */
  readonly expiresAt: Date;
}

/** A person whom the provider vouches for. */
export interface CompletedLogin {
  readonly person: Person;
  readonly returnTo: string;
}

/** Login by OIDC. Each attempt is a transaction of its own, so that tabs may log in at once and in any order (identity.md). */
@Injectable()
export class LoginService {
  constructor(
    private readonly transactions: LoginTransactionsRepository,
    private readonly providers: IdentityProviders,
    private readonly users: UsersService,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * @param returnTo what the caller asked for, unchecked
   * @param browser the secret that the browser will be recognised by
   * @throws DomainError INVALID_RETURN_PATH, IDENTITY_PROVIDER_UNAVAILABLE, and nothing is stored
   */
  async begin(returnTo: unknown, browser: string): Promise<BegunLogin> {
    const provider = this.provider(undefined);
    const path = readReturnPath(returnTo, publicUrl(this.config));
    const secrets = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
    const authorizationUrl = await provider.authorizationUrl(secrets);
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + transactionLifetimeMs);
    await this.transactions.deleteExpired(now);
    await this.transactions.insert({
      stateHash: hashSecret(secrets.state),
      browserHash: hashSecret(browser),
      codeVerifier: secrets.codeVerifier,
      nonce: secrets.nonce,
      returnTo: path,
      expiresAt,
      issuer: provider.settings.issuer,
    });
    return { authorizationUrl, expiresAt };
  }

  /**
   * Uses up the attempt that the answer names, then asks the provider who it is.
   * @throws DomainError LOGIN_TRANSACTION_INVALID, LOGIN_DENIED, LOGIN_REJECTED, IDENTITY_PROVIDER_UNAVAILABLE, USER_SUSPENDED
   */
  async complete(answer: URLSearchParams, browser: string | undefined): Promise<CompletedLogin> {
    const state = answer.get('state');
    const transaction =
      state === null || browser === undefined
        ? undefined
        : await this.transactions.take(
            { stateHash: hashSecret(state), browserHash: hashSecret(browser) },
            this.clock.now(),
          );
    if (state === null || transaction === undefined) throw new DomainError('LOGIN_TRANSACTION_INVALID');
    const { codeVerifier, nonce, returnTo, issuer } = transaction;
    try {
      const claims = await this.provider(issuer ?? undefined).redeem(answer, { state, nonce, codeVerifier });
      const {
        tenantId,
        id: userId,
        username,
        role,
      } = await this.users.logIn(readProfile(claims, this.config['identity.groupsClaim']));
      return { person: { tenantId, userId, username, role }, returnTo };
    } catch (error) {
      this.log.warn({ err: error }, 'login refused');
      throw error;
    }
  }

  private provider(issuer: string | undefined): IdentityProvider {
    const provider = issuer === undefined ? this.providers.all[0] : this.providers.byIssuer(issuer);
    if (provider === undefined) throw new DomainError('LOGIN_TRANSACTION_INVALID');
    return provider;
  }
}
