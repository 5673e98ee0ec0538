import { ConfigurationError } from '../../config/configuration-error.js';
import type { BootConfiguration } from '../../config/registry.js';
import type { Log } from '../../infrastructure/logging/log.js';
import type { Outbound } from '../../infrastructure/outbound/outbound.js';
import { AwsKms } from './aws-kms.js';
import { KeyFile } from './key-file.js';
import type { KeyWrapper } from './key-wrapper.js';
import { KeyWrappers } from './key-wrappers.js';
import { VaultTransit } from './vault-transit.js';

/**
 * Every wrapper whose settings are there, and among them the one that `encryption.wrapper` names.
 * @throws ConfigurationError when that one's are not, and as `KeyFile.open`
 */
export async function configuredWrappers(
  config: BootConfiguration,
  outbound: Outbound,
  log: Log,
): Promise<KeyWrappers> {
  const wrappers = [await keyFile(config, log), awsKms(config), vaultTransit(config, outbound)].filter(
    (wrapper) => wrapper !== undefined,
  );
  const chosen = wrappers.find(({ kind }) => kind === config['encryption.wrapper']);
  if (chosen === undefined) {
    throw new ConfigurationError([
      { key: 'encryption.wrapper', expected: 'a wrapper whose settings are there (docs/encryption.md)' },
    ]);
  }
  return new KeyWrappers(
    chosen,
    wrappers.filter((wrapper) => wrapper !== chosen),
  );
}

async function keyFile(config: BootConfiguration, log: Log): Promise<KeyWrapper | undefined> {
  const path = config['encryption.keyFile'];
  return path === undefined ? undefined : KeyFile.open(path, config.environment === 'production', log);
}

function awsKms(config: BootConfiguration): KeyWrapper | undefined {
  const keyId = config['encryption.awsKmsKeyId'];
  const region = config['encryption.awsRegion'];
  if (keyId === undefined || region === undefined) return undefined;
  return new AwsKms({ keyId, region, endpoint: config['encryption.awsEndpoint'] });
}

function vaultTransit(config: BootConfiguration, outbound: Outbound): KeyWrapper | undefined {
  const address = config['encryption.vaultAddress'];
  const token = config['encryption.vaultToken'];
  const key = config['encryption.vaultKey'];
  if (address === undefined || token === undefined || key === undefined) return undefined;
  return new VaultTransit({ address, token, key, mount: config['encryption.vaultMount'] }, outbound);
}
