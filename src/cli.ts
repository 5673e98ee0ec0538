import { writeFileSync } from 'node:fs';
import { prepareSurroundings } from './boot.js';
import { ConfigurationError } from './config/configuration-error.js';
import { readProcessInput } from './config/process-input.js';
import type { BootConfiguration } from './config/registry.js';
import { createApp } from './create-app.js';
import { withMigrator } from './infrastructure/database/migrate-database.js';
import { Migrator, type SchemaDrift } from './infrastructure/database/migrator.js';
import { newMigration } from './infrastructure/database/new-migration.js';

const usage = `usage: parley migrate up | down | reset | status | check | generate <Name>   [--setting value …]
  up        apply what is pending
  down      revert the newest migration
  reset     revert all of them: every row is lost
  status    list them
  check     fail when entities and schema have drifted apart
  generate  write a migration that closes the drift
`;

type Command = (config: BootConfiguration, name: string) => Promise<string[]>;

/** The entities are known only to the modules, so the drift is asked of the wired application. */
async function driftOf(config: BootConfiguration): Promise<SchemaDrift> {
  const app = await createApp(config);
  try {
    return await app.get(Migrator).drift();
  } finally {
    await app.close();
  }
}

const commands: Readonly<Record<string, Command>> = {
  up: (config) => withMigrator(config, (migrator) => migrator.up()),
  down: (config) => withMigrator(config, (migrator) => migrator.down('one')),
  reset: (config) => withMigrator(config, (migrator) => migrator.down('all')),
  status: async (config) => {
    const migrations = await withMigrator(config, (migrator) => migrator.status());
    return migrations.map(({ name, applied }) => `${applied ? 'applied' : 'pending'}  ${name}`);
  },
  check: async (config) => {
    const { up } = await driftOf(config);
    if (up.length > 0) process.exitCode = 1;
    return up.length > 0
      ? ['Entities and schema have drifted apart:', ...up]
      : ['Entities and schema agree.'];
  },
  generate: async (config, name) => {
    const { path, text } = newMigration(name, Date.now(), await driftOf(config));
    writeFileSync(path, text, { flag: 'wx' });
    return [`${path} is written: read it, then add it to migrations/all.ts`];
  },
};

async function main(): Promise<void> {
  const input = readProcessInput();
  const firstOption = input.arguments.findIndex((argument) => argument.startsWith('--'));
  const words = firstOption === -1 ? input.arguments : input.arguments.slice(0, firstOption);
  const [area, verb = '', name = ''] = words;
  const command = commands[verb];
  if (area !== 'migrate' || command === undefined) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  const { config, embedded } = await prepareSurroundings({
    ...input,
    arguments: input.arguments.slice(words.length),
    // Nobody logs in here: a development identity provider, if one is due, takes any port.
    environment: { PARLEY_EMBEDDED_IDENTITY_PORT: '0', ...input.environment },
  });
  try {
    const lines = await command(config, name);
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  } finally {
    await embedded?.stop();
  }
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigurationError ? error.message : String((error as Error).stack);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
