import { randomBytes } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { DomainError } from '../../common/domain-error.js';
import { SecretUnreadableError } from '../secrets.errors.js';
import type { KeyWrapper, WrappedKey } from './key-wrapper.js';

type Sdk = typeof import('@aws-sdk/client-kms');

interface KmsOptions {
  /** Id, ARN or alias. */
  readonly keyId: string;
  readonly region: string;
  readonly endpoint?: string | undefined;
}

const prefix = 'aws-kms:';
const maxAttempts = 3;
const timeouts = { connectionTimeout: 2000, requestTimeout: 3000, throwOnRequestTimeout: true };

const halfAnswer = new Error('AWS KMS left out what it was asked for');

/** What KMS says of what it will never decrypt; all else may pass (docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html). */
const finalErrors = new Set(['InvalidCiphertextException', 'IncorrectKeyException', 'NotFoundException']);

/**
 * Wraps with a symmetric key of AWS KMS. Rows name the key by the ARN that KMS answers with, so that an alias may move to another
 * key; new material of the same key (automatic rotation) is the business of KMS.
 */
export class AwsKms implements KeyWrapper {
  readonly kind = 'aws-kms';
  private client: KMSClient | undefined;

  constructor(private readonly options: KmsOptions) {}

  /** Asked by wrapping something, which needs no right that wrapping does not. */
  async currentKeyId(): Promise<string> {
    return (await this.wrap(randomBytes(32), 'none')).keyId;
  }

  async wrap(dataKey: Buffer, recordId: string): Promise<WrappedKey> {
    const { KeyId, CiphertextBlob } = await this.ask((client, { EncryptCommand }) => {
      const input = { KeyId: this.options.keyId, Plaintext: dataKey, EncryptionContext: contextOf(recordId) };
      return client.send(new EncryptCommand(input));
    });
    if (KeyId === undefined || CiphertextBlob === undefined) throw unavailable(halfAnswer);
    return { keyId: prefix + KeyId, bytes: Buffer.from(CiphertextBlob) };
  }

  async unwrap({ keyId, bytes }: WrappedKey, recordId: string): Promise<Buffer> {
    const { Plaintext } = await this.ask((client, { DecryptCommand }) => {
      const input = {
        KeyId: keyId.slice(prefix.length),
        CiphertextBlob: bytes,
        EncryptionContext: contextOf(recordId),
      };
      return client.send(new DecryptCommand(input));
    }).catch((error: unknown) => {
      const name = error instanceof DomainError && error.cause instanceof Error ? error.cause.name : '';
      throw finalErrors.has(name) ? new SecretUnreadableError(recordId, `AWS KMS says ${name}`) : error;
    });
    if (Plaintext === undefined) throw unavailable(halfAnswer);
    return Buffer.from(Plaintext);
  }

  private async ask<Answer>(question: (client: KMSClient, sdk: Sdk) => Promise<Answer>): Promise<Answer> {
    try {
      // Late: it takes a moment to load, and most installations have no use for it.
      const sdk = await import('@aws-sdk/client-kms');
      const { region, endpoint } = this.options;
      this.client ??= new sdk.KMSClient({
        region,
        ...(endpoint === undefined ? {} : { endpoint }),
        maxAttempts,
        requestHandler: timeouts,
      });
      return await question(this.client, sdk);
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

/** Told by CloudTrail, too: an id and nothing else. */
function contextOf(recordId: string): Record<string, string> {
  return { 'parley:record': recordId };
}

function unavailable(cause: unknown): DomainError {
  return new DomainError('ENCRYPTION_UNAVAILABLE', { cause });
}
