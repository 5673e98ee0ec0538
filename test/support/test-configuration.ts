import { loadConfiguration, requireBootConfiguration } from '../../src/config/load-configuration.js';
import type { BootConfiguration, EmbeddedValues } from '../../src/config/registry.js';
import { rateLimitSettings } from '../../src/config/settings/rate-limit-settings.js';

/** Tests ask more often than people; those of the limits say which. */
const noLimits: EmbeddedValues = Object.fromEntries(Object.keys(rateLimitSettings).map((key) => [key, 0]));

/** The defaults, with what a test changes; says nothing unless something is broken. */
export function testConfiguration(settings: EmbeddedValues): BootConfiguration {
  const input = { arguments: [], environment: { NODE_ENV: 'test' }, workingDirectory: '/' };
  const always: EmbeddedValues = {
    ...noLimits,
    'server.publicUrl': 'http://parley.test',
    'oidc.issuer': 'http://127.0.0.1:1',
    'oidc.clientId': 'parley-test',
    'session.secrets': ['a secret for tests, 32 characters'],
    'log.level': 'fatal',
  };
  return requireBootConfiguration(loadConfiguration(input, { ...always, ...settings }));
}
