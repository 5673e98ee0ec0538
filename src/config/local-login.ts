import { identityProviders } from './identity-providers.js';
import type { Configuration } from './registry.js';

/** Whether people may log in with a password of Parley's own (identity.md, Local login). */
export function isLocalLoginOn(config: Configuration): boolean {
  const wish = config['login.local'];
  return wish === 'auto' ? identityProviders(config).length === 0 : wish === 'on';
}
