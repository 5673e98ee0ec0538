import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { sessionScopes } from '../scopes.js';
import { AccessTokens } from './access-tokens.js';
import type { Person, SessionHolder } from './sessions.repository.js';

/** What a browser is given to hold. */
export interface IssuedCredentials {
  readonly accessToken: string;
  readonly accessExpiresAt: Date;
  readonly refreshToken: string;
  /** When the session ends unless it is refreshed. */
  readonly idleExpiresAt: Date;
  /** When the session ends in any case. */
  readonly expiresAt: Date;
}

/** Makes what a browser holds of a session, and knows how long everything lives. */
@Injectable()
export class SessionCredentials {
  constructor(
    private readonly accessTokens: AccessTokens,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /** When a session that is opened now ends in any case. */
  absoluteEnd(now: Date): Date {
    return secondsAfter(now, this.config['session.absoluteLifetimeSeconds']);
  }

  /** When a session that is used now ends unless it is used again. */
  idleEnd(now: Date, expiresAt: Date): Date {
    const idleEnd = secondsAfter(now, this.config['session.idleLifetimeSeconds']);
    return idleEnd < expiresAt ? idleEnd : expiresAt;
  }

  /** Whether a refresh token that was used may still be answered: other tabs presented it at the same time. */
  isInGrace(usedAt: Date, now: Date): boolean {
    return now <= secondsAfter(usedAt, this.config['session.refreshGraceSeconds']);
  }

  async issue(
    session: Person & Pick<SessionHolder, 'sessionId' | 'idleExpiresAt' | 'expiresAt'>,
    refreshToken: string,
  ): Promise<IssuedCredentials> {
    const { idleExpiresAt, expiresAt } = session;
    // Refreshing is what keeps a session from idling, so it must be due well before that.
    const lifetime = Math.min(
      this.config['session.accessLifetimeSeconds'],
      this.config['session.idleLifetimeSeconds'] / 2,
    );
    const accessExpiresAt = secondsAfter(this.clock.now(), lifetime);
    const accessToken = await this.accessTokens.sign(
      { ...session, scopes: sessionScopes(session.role) },
      accessExpiresAt,
    );
    return { accessToken, accessExpiresAt, refreshToken, idleExpiresAt, expiresAt };
  }
}

function secondsAfter(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
