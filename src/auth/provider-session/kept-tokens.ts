import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Seals } from '../../infrastructure/crypto/seals.js';
import { openProviderTokens, sealProviderTokens, type ProviderTokens } from '../sessions/provider-tokens.js';
import type { Session } from '../sessions/session.entity.js';
import { SessionsRepository } from '../sessions/sessions.repository.js';

/** What a provider is to be asked, once. */
export interface DueCheck {
  readonly issuer: string;
  readonly tokens: ProviderTokens;
}

/** The tokens of identity providers that sessions keep, sealed. They go when the session ends. */
@Injectable()
export class KeptTokens {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly seals: Seals,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /** Undefined for a local login, and when the secret that sealed them is gone. */
  open({ id, providerTokens }: Pick<Session, 'id' | 'providerTokens'>): ProviderTokens | undefined {
    return providerTokens === null ? undefined : openProviderTokens(this.seals, providerTokens, id);
  }

  /**
   * The check that is due, to one of all who ask on any replica: once in `session.accessLifetimeSeconds`. Undefined to the
   * others, and where there is nothing to ask.
   */
  async claimCheck(sessionId: string): Promise<DueCheck | undefined> {
    const now = this.clock.now();
    const before = new Date(now.getTime() - this.config['session.accessLifetimeSeconds'] * 1000);
    const claimed = await this.sessions.claimProviderCheck(sessionId, { now, before });
    const tokens = claimed && this.open(claimed);
    const issuer = claimed?.providerIssuer ?? undefined;
    return tokens === undefined || issuer === undefined ? undefined : { issuer, tokens };
  }

  /** Does nothing when the session has ended meanwhile. */
  async keep(sessionId: string, tokens: ProviderTokens): Promise<void> {
    await this.sessions.keepProviderTokens(sessionId, sealProviderTokens(this.seals, tokens, sessionId));
  }
}
