import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import type { Claims } from '../login/identity-claims.js';
import type { IdentityProvider } from '../login/identity-provider.js';
import type { ProviderTokens } from '../sessions/provider-tokens.js';

/** The provider says that the login is over, or that the person is another one. */
export class RefusedByProvider extends Error {
  override readonly name = 'RefusedByProvider';
}

interface Renewed {
  /** To be kept at once: a provider that rotates refresh tokens takes the old one for stolen when it comes again. */
  readonly tokens: ProviderTokens;
  /** What it says of the person now; undefined when it says nothing. */
  readonly claims: () => Promise<Claims | undefined>;
}

/**
 * Asks a provider, by the refresh token of a login, whether the login still holds (OpenID Connect Core 1.0, 12).
 * @throws RefusedByProvider for `invalid_grant` or another subject; anything else says nothing about the login
 */
export async function renew(
  provider: IdentityProvider,
  { idToken, refreshToken }: ProviderTokens & { readonly refreshToken: string },
): Promise<Renewed> {
  const client = await provider.client();
  const answer = await redeem(client, refreshToken);
  const { sub: subject = '' } = decodeJwt(idToken);
  const claims = answer.claims();
  if (claims?.azp !== undefined && claims.azp !== provider.settings.clientId)
    throw new Error('unexpected azp');
  refuseOther(claims, subject);
  return {
    tokens: { idToken: answer.id_token ?? idToken, refreshToken: answer.refresh_token ?? refreshToken },
    claims: async () => {
      if (client.serverMetadata().userinfo_endpoint === undefined) return claims;
      // Compared below, like that of an ID token.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- "deprecated only to make it stand out"
      const told = await oidc.fetchUserInfo(client, answer.access_token, oidc.skipSubjectCheck);
      refuseOther(told, subject);
      return { ...told, ...claims, iss: client.serverMetadata().issuer };
    },
  };
}

async function redeem(
  client: oidc.Configuration,
  refreshToken: string,
): Promise<oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers> {
  try {
    return await oidc.refreshTokenGrant(client, refreshToken);
  } catch (error) {
    const isOver = error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant';
    throw isOver ? new RefusedByProvider('invalid_grant', { cause: error }) : error;
  }
}

function refuseOther(claims: Claims | undefined, subject: string): void {
  if (claims !== undefined && claims['sub'] !== subject) throw new RefusedByProvider('another subject');
}
