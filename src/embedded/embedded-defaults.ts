import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Role } from '../common/owner.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { makeSigningKey, startDevelopmentIdentityProvider } from './development-identity-provider.js';
import { developmentGroupRoles } from './development-people.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { keptSecret } from './kept-secret.js';

/** What `npm start` brings along where the configuration names nothing. */
export interface EmbeddedDefaults {
  /** Settings, by key, of what was started or made. */
  readonly values: {
    readonly 'database.url'?: string;
    readonly 'database.migrationUrl'?: string;
    readonly 'oidc.issuer'?: string;
    readonly 'oidc.clientId'?: string;
    readonly 'oidc.clientSecret'?: string;
    readonly 'identity.groupRoles'?: Readonly<Record<string, Role>>;
    readonly 'session.secrets'?: readonly string[];
    readonly 'encryption.keyFile'?: string;
  };
  /** Lines for whoever started it: what runs, where, and who can log in. */
  readonly announcements: readonly string[];
  stop(): Promise<void>;
}

/** One of the defaults. */
interface Part {
  readonly values: EmbeddedDefaults['values'];
  readonly announcements?: readonly string[];
  stop?(): Promise<void>;
}

interface Options {
  /** Keeps the database and the generated keys; the keys survive restarts, and sessions with them. */
  readonly dataDirectory: string;
  readonly identityPort: number;
  /** The address that Parley listens on. */
  readonly serverHost: string;
  readonly publicUrl: URL;
  readonly log: (message: string) => void;
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/**
 * Starts what is needed and nothing else. Never called in production.
 * @throws ConfigurationError when an identity provider is needed and Parley is bound beyond loopback, and as
 *   `startEmbeddedPostgres` and `startDevelopmentIdentityProvider` do; then nothing is left running.
 */
export async function startEmbeddedDefaults(
  options: Options & {
    readonly need: {
      readonly database: boolean;
      readonly identity: boolean;
      readonly sessionSecrets: boolean;
      readonly keyFile: boolean;
    };
  },
): Promise<EmbeddedDefaults> {
  const { need, dataDirectory } = options;
  if (need.identity && !loopback.test(options.serverHost)) {
    throw new ConfigurationError([
      {
        key: 'oidc.issuer',
        expected:
          'to be set, or login.local to be on, or server.host to be loopback: the development identity provider lets anyone in',
      },
    ]);
  }
  // Passable, for the account that runs Postgres when we are root; everything in it is closed.
  await mkdir(dataDirectory, { recursive: true, mode: 0o711 });
  const parts: Part[] = [];
  const stop = async () => {
    for (const part of parts.toReversed()) await part.stop?.();
  };
  try {
    if (need.sessionSecrets) parts.push(await keepSessionSecret(dataDirectory));
    if (need.keyFile) parts.push(await keepKeyFile(dataDirectory));
    if (need.database) parts.push(await startDatabase(options));
    if (need.identity) parts.push(await startIdentity(options));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    values: parts.reduce<EmbeddedDefaults['values']>((all, { values }) => ({ ...all, ...values }), {}),
    announcements: parts.flatMap(({ announcements = [] }) => announcements),
    stop,
  };
}

async function keepSessionSecret(dataDirectory: string): Promise<Part> {
  const file = path.join(dataDirectory, 'session-secret');
  const secret = await keptSecret(file, () => randomBytes(48).toString('base64url'));
  return { values: { 'session.secrets': [secret] } };
}

async function keepKeyFile(dataDirectory: string): Promise<Part> {
  const file = path.resolve(dataDirectory, 'encryption-keys');
  await keptSecret(file, () => `first ${randomBytes(32).toString('base64')}\n`);
  return { values: { 'encryption.keyFile': file } };
}

async function startDatabase({ dataDirectory, log }: Options): Promise<Part> {
  const postgres = await startEmbeddedPostgres({ dataDirectory, log });
  return {
    values: { 'database.url': postgres.applicationUrl, 'database.migrationUrl': postgres.url },
    announcements: [`Embedded Postgres 18, with its data in ${postgres.directory}`],
    stop: () => postgres.stop(),
  };
}

async function startIdentity({ dataDirectory, identityPort, publicUrl, log }: Options): Promise<Part> {
  const signingKey = await keptSecret(path.join(dataDirectory, 'identity-signing-key.json'), makeSigningKey);
  const provider = await startDevelopmentIdentityProvider({
    port: identityPort,
    redirectUris: [new URL('/app/login/callback', publicUrl).href],
    postLogoutRedirectUris: [publicUrl.origin, new URL('/', publicUrl).href],
    backchannelLogoutUri: new URL('/app/logout/backchannel', publicUrl).href,
    signingKey,
    log,
  });
  const people = provider.people.map(({ preferred_username, role }) => `${preferred_username} (${role})`);
  return {
    values: {
      'oidc.issuer': provider.issuer,
      'oidc.clientId': provider.clientId,
      'oidc.clientSecret': provider.clientSecret,
      'identity.groupRoles': developmentGroupRoles,
    },
    announcements: [
      `Development identity provider at ${provider.issuer}: log in as ${people.join(', ')}; no password, this machine only`,
    ],
    stop: () => provider.stop(),
  };
}
