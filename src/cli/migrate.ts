import { writeFileSync } from 'node:fs';
import type { BootConfiguration } from '../config/registry.js';
import { createApp } from '../create-app.js';
import { withMigrator } from '../infrastructure/database/migrate-database.js';
import { Migrator, type SchemaDrift } from '../infrastructure/database/migrator.js';
import { newMigration } from '../infrastructure/database/new-migration.js';
import type { Command, CommandArea } from './command.js';

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
  generate: async (config, [name = '']) => {
    const { path, text } = newMigration(name, Date.now(), await driftOf(config));
    writeFileSync(path, text, { flag: 'wx' });
    return [`${path} is written: read it, then add it to migrations/all.ts`];
  },
};

export const migrate: CommandArea = {
  usage: `migrate up | down | reset | status | check | generate <Name>
  up        apply what is pending
  down      revert the newest migration
  reset     revert all of them: every row is lost
  status    list them
  check     fail when entities and schema have drifted apart
  generate  write a migration that closes the drift
`,
  commands: new Map(Object.entries(commands)),
};
