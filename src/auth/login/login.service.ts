import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Seals } from '../../infrastructure/crypto/seals.js';
import { UsersService } from '../../users/users.service.js';
import { hashSecret, newSecret } from '../opaque-secret.js';
import { sealProviderTokens } from '../sessions/provider-tokens.js';
import type { Person } from '../sessions/sessions.repository.js';
import type { LoginProof } from '../sessions/sessions.service.js';
import { readAuthenticationTime, readProfile, readProviderSession } from './identity-claims.js';
import type { IdentityProvider, RedeemedLogin } from './identity-provider.js';
import { IdentityProviders } from './identity-providers.js';
import { LoginFailures, type LoginAttempt } from './login-failures.js';
import type { LoginTransaction } from './login-transaction.entity.js';
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

/** What a login is asked for, unchecked as the query says it. */
export interface LoginWishes {
  readonly returnTo?: unknown;
  /** The name of a provider. */
  readonly provider?: unknown;
  readonly reauthenticate?: unknown;
}

/** A person whom the provider vouches for. */
export interface CompletedLogin {
  readonly person: Person;
  readonly proof: LoginProof;
  readonly returnTo: string;
}

type TakenTransaction = Pick<LoginTransaction, 'codeVerifier' | 'nonce' | 'returnTo' | 'issuer'>;

/** Login by OIDC. Each attempt is a transaction of its own, so that tabs may log in at once and in any order (identity.md). */
@Injectable()
export class LoginService {
  constructor(
    private readonly transactions: LoginTransactionsRepository,
    private readonly providers: IdentityProviders,
    private readonly users: UsersService,
    private readonly failures: LoginFailures,
    private readonly seals: Seals,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /**
   * @param browser the secret that the browser will be recognised by
   * @throws DomainError SINGLE_SIGN_ON_DISABLED, LOGIN_PROVIDER_UNKNOWN, INVALID_RETURN_PATH, INVALID_REQUEST,
   *   IDENTITY_PROVIDER_UNAVAILABLE, IDENTITY_PROVIDER_INVALID, and nothing is stored
   */
  async begin(wishes: LoginWishes, browser: string): Promise<BegunLogin> {
    const provider = this.named(wishes.provider);
    const path = readReturnPath(wishes.returnTo, publicUrl(this.config));
    const reauthenticate = readFlag(wishes.reauthenticate, 'reauthenticate');
    const secrets = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
    const authorizationUrl = await provider.authorizationUrl(secrets, { reauthenticate });
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
   * Uses up the attempt that the answer names, then asks the provider of that attempt who it is.
   * @param calledBack the name of the provider whose redirect URI was called
   * @throws DomainError LOGIN_TRANSACTION_INVALID, which is logged only, since anybody can bring an answer to no attempt; and as
   *   `IdentityProvider.redeem` and `UsersService.logIn` do, which is recorded
   */
  async complete(
    answer: URLSearchParams,
    browser: string | undefined,
    calledBack: string,
  ): Promise<CompletedLogin> {
    const transaction = await this.take(answer.get('state') ?? '', browser);
    const attempt: LoginAttempt = {};
    try {
      return await this.attempt(answer, transaction, calledBack, attempt);
    } catch (error) {
      await this.failures.note(error, attempt);
      throw error;
    }
  }

  /** @param attempt is told how far it came */
  private async attempt(
    answer: URLSearchParams,
    transaction: TakenTransaction,
    calledBack: string,
    attempt: LoginAttempt,
  ): Promise<CompletedLogin> {
    const { codeVerifier, nonce, returnTo, issuer } = transaction;
    const provider = issuer === null ? this.providers.all[0] : this.providers.byIssuer(issuer);
    if (provider === undefined) throw new DomainError('LOGIN_TRANSACTION_INVALID');
    attempt.provider = provider.settings.name;
    if (calledBack !== provider.settings.name) throw new DomainError('ISSUER_MISMATCH');
    const state = answer.get('state') ?? '';
    const login = await provider.redeem(answer, { state, nonce, codeVerifier });
    attempt.profile = readProfile(login.claims, provider.settings);
    const { tenantId, id: userId, username, role } = await this.users.logIn(attempt.profile);
    const person = { tenantId, userId, username, role };
    return { person, proof: this.proofOf(login, attempt.profile.issuer), returnTo };
  }

  private async take(state: string, browser: string | undefined): Promise<TakenTransaction> {
    const transaction =
      state === '' || browser === undefined
        ? undefined
        : await this.transactions.take(
            { stateHash: hashSecret(state), browserHash: hashSecret(browser) },
            this.clock.now(),
          );
    if (transaction !== undefined) return transaction;
    this.failures.noteUnasked();
    throw new DomainError('LOGIN_TRANSACTION_INVALID');
  }

  private proofOf({ claims, tokens }: RedeemedLogin, providerIssuer: string): LoginProof {
    const now = this.clock.now();
    const untold = this.config['session.trustUntoldLogins'] ? now : null;
    return {
      method: 'oidc',
      authenticatedAt: readAuthenticationTime(claims, now) ?? untold,
      provider: {
        providerIssuer,
        providerSessionId: readProviderSession(claims),
        sealTokens: (sessionId) => sealProviderTokens(this.seals, tokens, sessionId),
      },
    };
  }

  private named(name: unknown): IdentityProvider {
    const [first] = this.providers.all;
    if (first === undefined) throw new DomainError('SINGLE_SIGN_ON_DISABLED');
    if (name === undefined) return first;
    const provider = typeof name === 'string' ? this.providers.byName(name) : undefined;
    if (provider === undefined) throw new DomainError('LOGIN_PROVIDER_UNKNOWN', { param: 'provider' });
    return provider;
  }
}

function readFlag(value: unknown, param: string): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new DomainError('INVALID_REQUEST', { param });
}
