import { randomBytes } from 'node:crypto';
import { DomainError } from '../../common/domain-error.js';
import { isPlainObject } from '../../config/value-types.js';
import type { Outbound, OutboundClient } from '../../infrastructure/outbound/outbound.js';
import { SecretUnreadableError } from '../secrets.errors.js';
import type { KeyWrapper, WrappedKey } from './key-wrapper.js';

interface VaultOptions {
  readonly address: string;
  readonly token: string;
  /** Path of the transit engine. */
  readonly mount: string;
  /** Of type aes256-gcm96 and not derived. */
  readonly key: string;
}

const limits = { connectMs: 2000, headersMs: 5000, idleMs: 5000 };

/**
 * Wraps with a transit key of Vault (developer.hashicorp.com/vault/api-docs/secret/transit). The id of a key has its version, so
 * that rotation finds what an older one wrapped. That is unwrapped and wrapped again: Vault's own rewrap takes no associated data
 * (github.com/hashicorp/vault/issues/29532).
 */
export class VaultTransit implements KeyWrapper {
  readonly kind = 'vault';
  private readonly client: OutboundClient;
  private readonly prefix: string;

  constructor(
    private readonly options: VaultOptions,
    outbound: Outbound,
  ) {
    this.client = outbound.client(limits);
    this.prefix = `vault:${options.mount}/${options.key}:v`;
  }

  /** Asked by wrapping something, which needs no right that wrapping does not. */
  async currentKeyId(): Promise<string> {
    return (await this.wrap(randomBytes(32), 'none')).keyId;
  }

  async wrap(dataKey: Buffer, recordId: string): Promise<WrappedKey> {
    const input = { plaintext: dataKey.toString('base64'), ...associatedData(recordId) };
    const ciphertext = textOf(await this.ask('encrypt', input), 'ciphertext');
    const version = /^vault:v(\d+):/.exec(ciphertext)?.[1];
    if (version === undefined) throw unavailable('Vault answered with something else than a ciphertext');
    return { keyId: this.prefix + version, bytes: Buffer.from(ciphertext) };
  }

  async unwrap({ keyId, bytes }: WrappedKey, recordId: string): Promise<Buffer> {
    // Of other keys nothing is asked: what stands in a row must not choose a path of Vault.
    if (!keyId.startsWith(this.prefix)) {
      throw new SecretUnreadableError(recordId, `${keyId} is not of the Vault key that is configured`);
    }
    const answer = await this.ask('decrypt', { ciphertext: bytes.toString(), ...associatedData(recordId) });
    if (answer.status === 400)
      throw new SecretUnreadableError(recordId, `Vault does not decrypt with ${keyId}`);
    return Buffer.from(textOf(answer, 'plaintext'), 'base64');
  }

  private async ask(operation: 'encrypt' | 'decrypt', input: object): Promise<VaultAnswer> {
    const { address, token, mount, key } = this.options;
    const path = [...mount.split('/'), operation, key].map(encodeURIComponent).join('/');
    try {
      const response = await this.client.fetch(`${address.replace(/\/+$/, '')}/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-vault-token': token, 'x-vault-request': 'true' },
        body: JSON.stringify(input),
      });
      const body: unknown = await response.json();
      return { status: response.status, data: isPlainObject(body) ? body['data'] : undefined };
    } catch (cause) {
      throw unavailable('Vault did not answer', cause);
    }
  }
}

interface VaultAnswer {
  readonly status: number;
  readonly data: unknown;
}

/** Its errors may quote what was sent: only the status is told. */
function textOf({ status, data }: VaultAnswer, name: string): string {
  const value = isPlainObject(data) ? data[name] : undefined;
  if (status === 200 && typeof value === 'string') return value;
  throw unavailable(`Vault answered ${status}`);
}

function associatedData(recordId: string): { readonly associated_data: string } {
  return { associated_data: Buffer.from(`parley data key ${recordId}`).toString('base64') };
}

function unavailable(reason: string, cause?: unknown): DomainError {
  return new DomainError('ENCRYPTION_UNAVAILABLE', { cause: new Error(reason, { cause }) });
}
