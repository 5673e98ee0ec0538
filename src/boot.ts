import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { loadConfiguration, requireBootConfiguration } from './config/load-configuration.js';
import type { ProcessInput } from './config/process-input.js';
import { publicUrl } from './config/public-url.js';
import type { BootConfiguration, Configuration } from './config/registry.js';
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
  });
}

/** Starts everything up to a listening server. What was started is stopped again when a later step fails. */
export async function boot(input: ProcessInput): Promise<RunningApp> {
  const surroundings = await prepareSurroundings(input);
  const { config, embedded } = surroundings;
  try {
    const applied = await withMigrator(config, (migrator) => migrator.up());
    const app = await createApp(config);
    await app.listen(config['server.port'], config['server.host']);
    app.get(Lifecycle).started();
    announce(app, surroundings, applied);
    return { ...surroundings, app };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
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
