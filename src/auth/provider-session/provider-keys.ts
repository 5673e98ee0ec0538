import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import type { IdentityProvider } from '../login/identity-provider.js';

const timeoutMs = 5000;
const lifetimeMs = 10 * 60_000;
/** Between two looks for a key that is not known: tokens can be made up faster than a provider can be asked. */
const cooldownMs = 30_000;
const retryAfterMs = 5000;

/** All that a provider may sign by (RFC 8725, 3.1 and 3.2): no `none`, and nothing that a public key could be the secret of. */
const asymmetric: ReadonlySet<string> = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
);

/** What a provider signs with, and as whom. */
interface VerificationKeys {
  /** As its metadata has it; that of the settings may differ by the slash after the host. */
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly find: JWTVerifyGetKey;
}

/**
 * The keys that a provider publishes, kept for ten minutes. A key that is not among them is looked for anew, so that the
 * provider may rotate its keys at any time, and an outage is remembered for some seconds.
 */
export class ProviderKeys {
  private kept: (VerificationKeys & { readonly atMs: number }) | undefined;
  private outage: { readonly error: DomainError; readonly atMs: number } | undefined;
  private loading: Promise<VerificationKeys> | undefined;

  constructor(
    private readonly provider: IdentityProvider,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE */
  async current(): Promise<VerificationKeys> {
    const keys = this.isYounger(this.kept, lifetimeMs) ? this.kept : await this.load();
    const find: JWTVerifyGetKey = async (header, token) => {
      try {
        return await keys.find(header, token);
      } catch (error) {
        return (await this.newer(error)).find(header, token);
      }
    };
    return { issuer: keys.issuer, algorithms: keys.algorithms, find };
  }

  private async newer(unknown: unknown): Promise<VerificationKeys> {
    const isKeyUnknown = unknown instanceof errors.JWKSNoMatchingKey;
    if (!isKeyUnknown || this.isYounger(this.kept, cooldownMs)) throw unknown;
    return this.load();
  }

  private load(): Promise<VerificationKeys> {
    if (this.isYounger(this.outage, retryAfterMs)) throw this.outage.error;
    this.loading ??= this.fetch().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async fetch(): Promise<VerificationKeys> {
    try {
      const metadata = await this.provider.metadata();
      const { issuer, jwks_uri: address, id_token_signing_alg_values_supported: advertised } = metadata;
      const published = await readKeys(address, this.provider.settings.issuer);
      // Like openid-client: whoever advertises nothing signs with the one that every provider has to know.
      const algorithms = (advertised ?? ['RS256']).filter((algorithm) => asymmetric.has(algorithm));
      this.kept = { issuer, algorithms, find: createLocalJWKSet(published), atMs: this.clock.monotonicMs() };
      return this.kept;
    } catch (cause) {
      const error = new DomainError('IDENTITY_PROVIDER_UNAVAILABLE', { cause, retryAfterMs });
      this.outage = { error, atMs: this.clock.monotonicMs() };
      throw error;
    }
  }

  private isYounger<Kept extends { readonly atMs: number }>(
    kept: Kept | undefined,
    ageMs: number,
  ): kept is Kept {
    return kept !== undefined && this.clock.monotonicMs() < kept.atMs + ageMs;
  }
}

async function readKeys(address: string | undefined, issuer: string): Promise<JSONWebKeySet> {
  if (address === undefined) throw new Error('the provider publishes no keys');
  // Plain http is for a provider on this machine, which alone may be discovered over it.
  const { protocol } = new URL(address);
  if (protocol !== 'https:' && protocol !== new URL(issuer).protocol) throw new Error('keys over plain http');
  const response = await fetch(address, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(`the keys of the provider answered ${response.status}`);
  // createLocalJWKSet refuses whatever else it may be.
  return (await response.json()) as JSONWebKeySet;
}
