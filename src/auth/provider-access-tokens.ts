import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { UsersService } from '../users/users.service.js';
import type { Caller } from './caller.js';
import { readProfile, type Claims } from './login/identity-claims.js';
import type { IdentityProvider } from './login/identity-provider.js';
import { ProviderJwts, type VerifiedJwt } from './provider-session/provider-jwts.js';
import { isScope, type Scope } from './scopes.js';

const accessTokenType = 'at+jwt';

/** What ID tokens, logout tokens and security events say, and access tokens do not. */
const claimsOfOthers = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'];

/**
 * Access JWTs of the identity providers that programs present as bearer (RFC 9068, RFC 8725), for the audience that the
 * settings name. Their roles are those of the database, as everybody's.
 */
@Injectable()
export class ProviderAccessTokens {
  constructor(
    private readonly jwts: ProviderJwts,
    private readonly users: UsersService,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /**
   * Who presents the token, made known as at a login when they come for the first time; undefined when it is not a good one.
   * @throws DomainError IDENTITY_PROVIDER_UNAVAILABLE, USER_SUSPENDED, TENANT_SUSPENDED, and what refuses a login
   */
  async authenticate(token: string): Promise<Caller | undefined> {
    const provider = this.jwts.claimedIssuer(token);
    const audience = provider?.settings.audience;
    if (provider === undefined || audience === undefined) return undefined;
    const jwt = await this.jwts.verify(token, provider, { audience, requiredClaims: ['sub', 'exp'] });
    if (jwt === undefined || !isAccessToken(jwt)) return undefined;
    const { claims } = jwt;
    const expiresAt = new Date(Number(claims['exp']) * 1000);
    // The tolerance for clocks is for what has just begun.
    if (expiresAt <= this.clock.now()) return undefined;
    const person = await this.person(claims, provider);
    return { ...person, scopes: this.scopesOf(claims), credential: { kind: 'provider', expiresAt } };
  }

  /** Nothing is written for somebody who is known: programs come many times a second. */
  private async person(
    claims: Claims,
    provider: IdentityProvider,
  ): Promise<Omit<Caller, 'scopes' | 'credential'>> {
    const profile = readProfile(claims, provider.settings);
    const known = await this.users.findByIdentity(profile);
    if (known === null) {
      const { tenantId, id: userId, username, role } = await this.users.logIn(profile);
      return { tenantId, userId, username, role };
    }
    const { tenantId, userId, username, role, status, tenantStatus } = known;
    if (status === 'suspended') throw new DomainError('USER_SUSPENDED');
    if (tenantStatus === 'suspended') throw new DomainError('TENANT_SUSPENDED');
    return { tenantId, userId, username, role };
  }

  /** Those of ours that the token names, else those of the setting: providers name their own, such as `openid`. */
  private scopesOf({ scope }: Claims): readonly Scope[] {
    const named: readonly unknown[] = typeof scope === 'string' ? scope.split(' ') : asList(scope);
    const ours = named.filter(isScope);
    return ours.length > 0 ? ours : this.config['oidc.resourceServer.scopes'].filter(isScope);
  }
}

/** `typ` decides where it says access token; else nothing may tell that it is something else, such as an ID token. */
function isAccessToken({ header, claims }: VerifiedJwt): boolean {
  // Bound to a key that we do not ask for: as a bearer token it is stolen (RFC 9449, 7.1; RFC 8705, 3).
  if (claims['cnf'] !== undefined) return false;
  const type = (header.typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
  if (type === accessTokenType) return true;
  // Keycloak tells its kinds apart in the payload: Bearer, ID, Refresh, Logout.
  const isOfOtherKind = typeof claims['typ'] === 'string' && claims['typ'] !== 'Bearer';
  return type === 'jwt' && !isOfOtherKind && claimsOfOthers.every((name) => claims[name] === undefined);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
