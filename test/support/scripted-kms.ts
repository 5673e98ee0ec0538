import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface KmsInput {
  readonly KeyId: string;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Record<string, string>;
}

interface Wrapped {
  readonly arn: string;
  readonly plaintext: string | undefined;
  readonly context: string;
}

const region = 'eu-central-1';

export function arnOf(key: string): string {
  return `arn:aws:kms:${region}:111122223333:key/${key}`;
}

/** AWS KMS as far as Parley asks it, by its JSON protocol over HTTP (docs.aws.amazon.com/kms/latest/APIReference). */
export class ScriptedKms {
  /** The operations that were asked for, with their input and authorization. */
  readonly asked: { readonly operation: string; readonly input: KmsInput; readonly authorization: string }[] =
    [];
  /** Keys behind aliases. */
  readonly aliases = new Map<string, string>();
  /** What it answers everything with, as an exception. */
  failure: { readonly status: number; readonly type: string } | undefined;
  private readonly wrapped = new Map<string, Wrapped>();

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      void json(request).then((body) => {
        const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
        const input = body as KmsInput; // By the real SDK.
        this.asked.push({ operation, input, authorization: String(request.headers.authorization) });
        const [status, answer] = this.failure
          ? [this.failure.status, { __type: this.failure.type, message: 'as scripted' }]
          : this.answer(operation, input);
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify(answer));
      });
    });
  }

  static async start(): Promise<ScriptedKms> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedKms(server);
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo; // Listens on TCP.
    return `http://127.0.0.1:${port}`;
  }

  get region(): string {
    return region;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(operation: string, input: KmsInput): [number, object] {
    const arn = this.aliases.get(input.KeyId) ?? input.KeyId;
    const context = JSON.stringify(input.EncryptionContext);
    if (operation === 'Encrypt') {
      const blob = randomBytes(64).toString('base64');
      this.wrapped.set(blob, { arn, plaintext: input.Plaintext, context });
      return [200, { KeyId: arn, CiphertextBlob: blob, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }];
    }
    const found = this.wrapped.get(input.CiphertextBlob ?? '');
    if (found?.context !== context) return [400, { __type: 'InvalidCiphertextException' }];
    if (found.arn !== arn) return [400, { __type: 'IncorrectKeyException' }];
    return [200, { KeyId: arn, Plaintext: found.plaintext, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }];
  }
}
