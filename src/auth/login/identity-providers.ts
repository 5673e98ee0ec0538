import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { identityProviders } from '../../config/identity-providers.js';
import { publicUrl } from '../../config/public-url.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { IdentityProvider } from './identity-provider.js';

/** The OpenID providers that people log in at, side by side. */
@Injectable()
export class IdentityProviders {
  /** The one that is asked when a login names none comes first. */
  readonly all: readonly IdentityProvider[];

  constructor(@Inject(CONFIGURATION) config: BootConfiguration, clock: Clock) {
    const site = publicUrl(config);
    this.all = identityProviders(config).map((settings) => new IdentityProvider(settings, site, clock));
  }

  byName(name: string): IdentityProvider | undefined {
    return this.all.find(({ settings }) => settings.name === name);
  }

  byIssuer(issuer: string): IdentityProvider | undefined {
    return this.all.find((provider) => provider.isIssuer(issuer));
  }
}
