import { Injectable } from '@nestjs/common';
import { DomainError } from '../../common/domain-error.js';
import type { ErrorCode } from '../../common/error-catalogue.js';
import { within } from '../../common/within.js';
import { Log } from '../../infrastructure/logging/log.js';
import { UsersService } from '../../users/users.service.js';
import { readProfile } from '../login/identity-claims.js';
import { IdentityProviders } from '../login/identity-providers.js';
import { SessionEndings } from '../sessions/session-endings.service.js';
import { KeptTokens, type DueCheck } from './kept-tokens.js';
import { RefusedByProvider, renew } from './provider-question.js';

/** How long a request waits for a provider. */
const patienceMs = 5000;
/** Of a login, by what the provider says of the person. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'TENANT_UNKNOWN',
  'TENANT_CHANGED',
  'LOGIN_GROUPS_MISSING',
]);

/**
 * Whether the people of sessions still are at their provider who they were at the login (identity.md, Roles: "at each refresh
 * against the provider"). A provider that cannot be asked changes nothing: people keep their sessions and their last role.
 */
@Injectable()
export class ProviderSessions {
  private readonly underWay = new Map<string, Promise<true>>();

  constructor(
    private readonly kept: KeptTokens,
    private readonly providers: IdentityProviders,
    private readonly users: UsersService,
    private readonly endings: SessionEndings,
    private readonly log: Log,
  ) {}

  /**
   * Asks the provider when that is due, and does what it says: ends the session, or changes the person. All who come meanwhile
   * wait for the same answer, at most five seconds; a later one counts from when it comes. Session and person have to be read
   * again afterwards.
   */
  async check(sessionId: string): Promise<void> {
    let check = this.underWay.get(sessionId);
    if (check === undefined) {
      check = this.checkIfDue(sessionId).finally(() => this.underWay.delete(sessionId));
      this.underWay.set(sessionId, check);
    }
    const isDone = await within(patienceMs, check);
    if (isDone !== true) {
      this.log.warn({}, 'the identity provider is slow: the session goes on as it was');
    }
  }

  private async checkIfDue(sessionId: string): Promise<true> {
    const due = await this.kept.claimCheck(sessionId);
    if (due === undefined) return true;
    try {
      await this.ask(sessionId, due);
    } catch (error) {
      if (isRefusal(error)) {
        this.log.info({ err: error }, 'the identity provider ended a session');
        await this.endings.endByProvider({ ids: [sessionId] }, 'provider_refused');
      } else {
        this.log.warn(
          { err: error },
          'the identity provider could not be asked: the session goes on as it was',
        );
      }
    }
    return true;
  }

  private async ask(sessionId: string, { issuer, tokens }: DueCheck): Promise<void> {
    const provider = this.providers.byIssuer(issuer);
    const { idToken, refreshToken } = tokens;
    if (provider === undefined || refreshToken === undefined) return;
    const renewed = await renew(provider, { idToken, refreshToken });
    await this.kept.keep(sessionId, renewed.tokens);
    const claims = await renewed.claims();
    if (claims === undefined) return;
    await this.users.reconcile(readProfile(claims, provider.settings));
  }
}

/** The provider refuses, or what it says of the person now would refuse them a login for good. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RefusedByProvider) return true;
  return error instanceof DomainError && refusals.has(error.code);
}
