import { Inject, Injectable } from '@nestjs/common';
import * as oidc from 'openid-client';
import { within } from '../../common/within.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { Log } from '../../infrastructure/logging/log.js';
import { IdentityProviders } from '../login/identity-providers.js';
import type { Session } from '../sessions/session.entity.js';
import { KeptTokens } from './kept-tokens.js';

/** How long a logout waits for a provider whose metadata is not known at the moment. */
const patienceMs = 1000;

/** Where a browser goes to end the session at the provider too (OpenID Connect RP-Initiated Logout 1.0, 2). */
@Injectable()
export class ProviderLogout {
  private readonly returnTo: string;

  constructor(
    private readonly providers: IdentityProviders,
    private readonly kept: KeptTokens,
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly log: Log,
  ) {
    this.returnTo = new URL('/', publicUrl(config)).href;
  }

  /**
   * Where to go after these sessions have ended; null when they were local, or their provider has no such address, or cannot be
   * asked for it within a second. Never throws: the sessions have ended here.
   * @param ended as they were
   */
  async urlFor(ended: readonly Session[]): Promise<string | null> {
    for (const session of ended) {
      const url = await within(patienceMs, this.urlOf(session)).catch((error: unknown) => {
        this.log.warn({ err: error }, 'the identity provider could not be asked where people log out');
      });
      if (url !== undefined) return url;
    }
    return null;
  }

  private async urlOf(session: Session): Promise<string | undefined> {
    const provider =
      session.providerIssuer === null ? undefined : this.providers.byIssuer(session.providerIssuer);
    if (provider === undefined) return undefined;
    const client = await provider.client();
    if (client.serverMetadata().end_session_endpoint === undefined) return undefined;
    const idToken = this.kept.open(session)?.idToken;
    return oidc.buildEndSessionUrl(client, {
      post_logout_redirect_uri: this.returnTo,
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
    }).href;
  }
}
