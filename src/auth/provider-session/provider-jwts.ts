import { Injectable } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTHeaderParameters } from 'jose';
import { Clock } from '../../common/clock.js';
import type { Claims } from '../login/identity-claims.js';
import type { IdentityProvider } from '../login/identity-provider.js';
import { IdentityProviders } from '../login/identity-providers.js';
import { ProviderKeys } from './provider-keys.js';

/** How far the clock of a provider may be from ours. */
export const clockToleranceSeconds = 60;

interface Expectation {
  readonly audience: string;
  readonly requiredClaims: readonly string[];
  /** In seconds, counted from `iat`, which is then required. */
  readonly maxAge?: number;
}

/** A JWT whose signature, issuer, audience and times are good. */
export interface VerifiedJwt {
  readonly header: JWTHeaderParameters;
  readonly claims: Claims;
}

/** Verifies what the identity providers signed, other than the ID token of a login, which openid-client does (RFC 8725). */
@Injectable()
export class ProviderJwts {
  private readonly keys: ReadonlyMap<IdentityProvider, ProviderKeys>;

  constructor(
    private readonly providers: IdentityProviders,
    private readonly clock: Clock,
  ) {
    this.keys = new Map(providers.all.map((provider) => [provider, new ProviderKeys(provider, clock)]));
  }

  /** The provider that a JWT says it comes from, which is not verified yet; undefined when it is no JWT, or of nobody we know. */
  claimedIssuer(token: string): IdentityProvider | undefined {
    try {
      const { iss } = decodeJwt(token);
      return iss === undefined ? undefined : this.providers.byIssuer(iss);
    } catch {
      return undefined;
    }
  }

  /**
   * Undefined when it is not a good token of the provider.
   * @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE when its keys are not known
   */
  async verify(
    token: string,
    provider: IdentityProvider,
    { audience, requiredClaims, maxAge }: Expectation,
  ): Promise<VerifiedJwt | undefined> {
    const keys = this.keys.get(provider);
    if (keys === undefined) throw new Error('a provider that is not configured');
    const { issuer, algorithms, find } = await keys.current();
    try {
      const { payload, protectedHeader } = await jwtVerify(token, find, {
        algorithms: [...algorithms],
        issuer,
        audience,
        requiredClaims: [...requiredClaims],
        clockTolerance: clockToleranceSeconds,
        currentDate: this.clock.now(),
        ...(maxAge === undefined ? {} : { maxTokenAge: maxAge }),
      });
      return { header: protectedHeader, claims: payload };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
