import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface VaultInput {
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly associated_data?: string;
}

/** The transit engine of Vault as far as Parley asks it (developer.hashicorp.com/vault/api-docs/secret/transit). */
export class ScriptedVault {
  readonly token = 'hvs.kanarienvogel';
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** The newest version of the key, and the oldest that still decrypts. */
  version = 1;
  oldestVersion = 1;
  /** A status with which it refuses everything, or what is no answer at all. */
  failure: number | 'nonsense' | undefined;
  private readonly wrapped = new Map<string, VaultInput>();

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      void json(request).then((body) => {
        this.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
        const isKnown = request.headers['x-vault-token'] === this.token;
        const [status, answer] =
          typeof this.failure === 'number'
            ? [this.failure, { errors: [`echo ${JSON.stringify(body)}`] }]
            : isKnown
              ? this.answer(request.url ?? '', body as VaultInput) // By the wrapper under test.
              : [403, { errors: ['permission denied'] }];
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(this.failure === 'nonsense' ? '<html>' : JSON.stringify(answer));
      });
    });
  }

  static async start(): Promise<ScriptedVault> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedVault(server);
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo; // Listens on TCP.
    return `http://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(path: string, input: VaultInput): [number, object] {
    if (path === '/v1/secret/transit/encrypt/parley') {
      const ciphertext = `vault:v${this.version}:${randomBytes(40).toString('base64')}`;
      this.wrapped.set(ciphertext, input);
      return [200, { data: { ciphertext, key_version: this.version } }];
    }
    if (path !== '/v1/secret/transit/decrypt/parley') return [404, { errors: [] }];
    const found = this.wrapped.get(input.ciphertext ?? '');
    if (found === undefined || found.associated_data !== input.associated_data) {
      return [400, { errors: ['cipher: message authentication failed'] }];
    }
    if (Number(/^vault:v(\d+)/.exec(input.ciphertext ?? '')?.[1]) < this.oldestVersion) {
      return [400, { errors: ['ciphertext or signature version is disallowed by policy (too old)'] }];
    }
    return [200, { data: { plaintext: found.plaintext } }];
  }
}
