import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { ConfigurationError } from './config/configuration-error.js';
import { loadConfiguration, requireBootConfiguration } from './config/load-configuration.js';
import type { ProcessInput } from './config/process-input.js';
import { publicUrl } from './config/public-url.js';
import type { BootConfiguration, Configuration, SettingKey } from './config/registry.js';
import { createApp } from './create-app.js';
import { startEmbeddedDefaults, type EmbeddedDefaults } from './embedded/embedded-defaults.js';
import { withMigrator } from './infrastructure/database/migrate-database.js';
import { Lifecycle } from './infrastructure/lifecycle.js';
import { Log } from './infrastructure/logging/log.js';

/** The configuration of a process together with what had to be started for it. */
export interface Surroundings {
  readonly config: BootConfiguration;
  readonly embedded: EmbeddedDefaults | undefined;
}

export interface RunningApp extends Surroundings {
  readonly app: NestExpressApplication;
}

/**
 * Reads the configuration and, outside production, starts what it leaves open: Postgres, identity provider, session secret.
 * @throws ConfigurationError naming every offending key
 */
export async function prepareSurroundings(input: ProcessInput): Promise<Surroundings> {
  const given = loadConfiguration(input);
  const need = {
    database: given['database.url'] === undefined,
    identity: given['oidc.issuer'] === undefined,
    sessionSecrets: given['session.secrets'] === undefined,
  };
  if (given.environment === 'production' || !Object.values(need).includes(true)) {
    return { config: requireBootConfiguration(given), embedded: undefined };
  }
  const embedded = await startEmbedded(given, need);
  try {
    const config = requireBootConfiguration(loadConfiguration(input, embedded.values));
    return { config, embedded };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

function startEmbedded(
  given: Configuration,
  need: { readonly database: boolean; readonly identity: boolean; readonly sessionSecrets: boolean },
): Promise<EmbeddedDefaults> {
  const log = new Log(given);
  return startEmbeddedDefaults({
    dataDirectory: given['embedded.dataDirectory'],
    identityPort: given['embedded.identityPort'],
    serverHost: given['server.host'],
    publicUrl: publicUrl(given),
    need,
    log: (message) => log.info({}, message),
  }).catch((error: unknown) => {
    const isOfTheDisk = ['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR'].includes(String(codeOf(error)));
    throw isOfTheDisk ? refusal('embedded.dataDirectory', 'a directory that can be written') : error;
  });
}

/** Starts everything up to a listening server. What was started is stopped again when a later step fails. */
export async function boot(input: ProcessInput): Promise<RunningApp> {
  const surroundings = await prepareSurroundings(input);
  const { config, embedded } = surroundings;
  try {
    const applied = await withMigrator(config, (migrator) => migrator.up());
    const app = await listening(config);
    app.get(Lifecycle).started();
    announce(app, surroundings, applied);
    return { ...surroundings, app };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function listening(config: BootConfiguration): Promise<NestExpressApplication> {
  const app = await createApp(config);
  try {
    await app.listen(config['server.port'], config['server.host']);
    return app;
  } catch (error) {
    await app.close();
    const code = codeOf(error);
    if (code === 'EADDRINUSE')
      throw refusal('server.port', 'a port that is free; another program listens there');
    if (code === 'EACCES') throw refusal('server.port', 'a port that this account may listen on');
    if (code === 'EADDRNOTAVAIL') throw refusal('server.host', 'an address of this machine');
    throw error;
  }
}

/** What an operator can mend, told as such. */
function refusal(key: SettingKey, expected: string): ConfigurationError {
  return new ConfigurationError([{ key, expected }]);
}

/** The code of an error of the operating system. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

function announce(app: NestExpressApplication, { config, embedded }: Surroundings, applied: string[]): void {
  const log = app.get(Log);
  if (applied.length > 0) log.info({ migrations: applied }, 'migrations applied');
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  log.info({ address, port, url: publicUrl(config).origin }, 'Parley is listening');
  if (embedded === undefined) return;
  const lines = ['', `Parley is at ${publicUrl(config).origin}`, ...embedded.announcements, ''];
  process.stdout.write(`${lines.join('\n')}\n`);
}
