import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { loadConfiguration, requireBootConfiguration } from '../../src/config/load-configuration.js';
import type { BootConfiguration, EmbeddedValues } from '../../src/config/registry.js';
import { rateLimitSettings } from '../../src/config/settings/rate-limit-settings.js';

/** Tests ask more often than people; those of the limits say which. */
const noLimits: EmbeddedValues = Object.fromEntries(Object.keys(rateLimitSettings).map((key) => [key, 0]));

/** The same for every test file that runs; what it wraps is gone with its database. */
export function testKeyFile(): string {
  const file = path.join(tmpdir(), `parley-test-${userInfo().uid}-encryption-keys`);
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    const key = createHash('sha256').update('parley test').digest('base64');
    writeFileSync(draft, `test ${key}\n`, { mode: 0o600 });
    renameSync(draft, file);
  }
  return file;
}

/** The defaults, with what a test changes; says nothing unless something is broken. */
export function testConfiguration(settings: EmbeddedValues): BootConfiguration {
  const input = { arguments: [], environment: { NODE_ENV: 'test' }, workingDirectory: '/' };
  const always: EmbeddedValues = {
    ...noLimits,
    'generation.maxConcurrentPerUser': 0,
    // Nobody asks the database for them every two seconds; specs of jobs turn them on.
    'jobs.enabled': false,
    'jobs.pollIntervalMs': 500,
    'jobs.retryDelayS': 1,
    'server.publicUrl': 'http://parley.test',
    'oidc.issuer': 'http://127.0.0.1:1',
    'oidc.clientId': 'parley-test',
    'session.secrets': ['a secret for tests, 32 characters'],
    'encryption.keyFile': testKeyFile(),
    'log.level': 'fatal',
  };
  return requireBootConfiguration(loadConfiguration(input, { ...always, ...settings }));
}
