import { setting, type Setting } from '../setting.js';
import { oneOf, text, url } from '../value-types.js';

/** Who wraps the keys of the secrets in the database (docs/encryption.md). */
export const encryptionSettings = {
  'encryption.wrapper': setting(oneOf('file', 'aws-kms', 'vault'), {
    default: 'file',
    description:
      'Who wraps the keys of stored secrets: a key file, AWS KMS or Vault transit. The others, where they are configured, still open what they wrapped.',
  }),
  'encryption.keyFile': setting(text, {
    requiredInProduction: true,
    description:
      'Path of the key file: a line "<id> <base64 of 32 bytes>" for each key, of which the first wraps; needed where encryption.wrapper is file; outside production one is made in embedded.dataDirectory when unset. Make a key with: openssl rand -base64 32.',
  }),
  'encryption.awsKmsKeyId': setting(text, {
    description:
      'Id, ARN or alias of the AWS KMS key; credentials come from where the AWS SDK looks for them.',
  }),
  'encryption.awsRegion': setting(text, {
    aliases: ['AWS_REGION'],
    description: 'Region of the AWS KMS key.',
  }),
  'encryption.awsEndpoint': setting(url(), {
    description: 'Private endpoint of AWS KMS; that of the region when unset.',
  }),
  'encryption.vaultAddress': setting(url(), {
    description:
      'Address of Vault, such as https://vault.internal:8200. Unless it is public, its host must be in outbound.allowedHosts.',
  }),
  'encryption.vaultToken': setting(text, {
    secret: true,
    description: 'Token that may update encrypt and decrypt of the transit key.',
  }),
  'encryption.vaultKey': setting(text, {
    description: 'Name of the transit key, of type aes256-gcm96 and not derived.',
  }),
  'encryption.vaultMount': setting(text, {
    default: 'transit',
    description: 'Path that the transit engine of Vault is mounted at.',
  }),
} satisfies Readonly<Record<string, Setting>>;
