import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { SetupState } from './auth/setup/setup-state.service.js';
import { ConfigurationError } from './config/configuration-error.js';
import { loadConfiguration, requireBootConfiguration } from './config/load-configuration.js';
import { identityProviders } from './config/identity-providers.js';
import { isLocalLoginOn } from './config/local-login.js';
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
 * Reads the configuration and, outside production, starts what it leaves open: Postgres, identity provider, session secret, key file.
 * @throws ConfigurationError naming every offending key
 */
export async function prepareSurroundings(input: ProcessInput): Promise<Surroundings> {
  const given = loadConfiguration(input);
  if (given['database.url'] === undefined && given['database.migrationUrl'] !== undefined) {
    throw refusal('database.url', 'to be set where database.migrationUrl is');
  }
  const need = {
    database: given['database.url'] === undefined,
    // Whoever asks for passwords can do without: then others may reach this machine, too.
    identity:
      given['oidc.issuer'] === undefined &&
      given['oidc.providers'].length === 0 &&
      given['login.local'] !== 'on',
    sessionSecrets: given['session.secrets'] === undefined,
    keyFile: given['encryption.wrapper'] === 'file' && given['encryption.keyFile'] === undefined,
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
  need: Parameters<typeof startEmbeddedDefaults>[0]['need'],
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
    const setup = await setupAnnouncement(app, surroundings);
    app.get(Lifecycle).started();
    announce(app, surroundings, { applied, setup });
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

function announce(
  app: NestExpressApplication,
  { config, embedded }: Surroundings,
  { applied, setup }: { readonly applied: readonly string[]; readonly setup: readonly string[] },
): void {
  const log = app.get(Log);
  if (applied.length > 0) log.info({ migrations: applied }, 'migrations applied');
  if (config.environment === 'production' && config['database.migrationUrl'] === undefined) {
    log.warn(
      { setting: 'database.migrationUrl' },
      'the database role of Parley owns the audit log and could change it: set database.migrationUrl (docs/audit.md, Two roles)',
    );
  }
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  log.info({ address, port, url: publicUrl(config).origin }, 'Parley is listening');
  const lines = [
    ...(embedded === undefined
      ? []
      : [`Parley is at ${publicUrl(config).origin}`, ...embedded.announcements]),
    ...setup,
  ];
  // Not in the log, which others keep and read.
  if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n\n`);
}

/** How to become the first admin, while there is none and nobody becomes one by logging in. */
async function setupAnnouncement(
  app: NestExpressApplication,
  { config, embedded }: Surroundings,
): Promise<readonly string[]> {
  // Of the development people one is an admin by their groups.
  if (embedded?.values['oidc.issuer'] !== undefined) return [];
  const setup = app.get(SetupState);
  if (!(await setup.isDue())) return [];
  return [
    `There is no admin yet. The setup token, good for one: ${await setup.token()}`,
    setupSteps(config, `${publicUrl(config).origin}/api/setup`),
  ];
}

function setupSteps(config: BootConfiguration, url: string): string {
  const account = '"account": {"username": …, "password": …}';
  if (identityProviders(config).length === 0) {
    return `POST {"token": …, ${account}} to ${url} to make the admin's account.`;
  }
  const orAccount = isLocalLoginOn(config) ? `, or with ${account} for an account of your own` : '';
  return `Log in and POST {"token": …} to ${url} to become the admin${orAccount}.`;
}
