import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { SetupService } from '../auth/setup/setup.service.js';
import { createApp } from '../create-app.js';
import { withMigrator } from '../infrastructure/database/migrate-database.js';
import type { Command, CommandArea } from './command.js';

const usage = `admin create <username>
  create    make a local admin of the default tenant; reads the password, a line, from standard input
`;

/** Never from an argument, which everybody on the machine can see. On a terminal it is not shown. */
async function readPassword(): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write('Password: ');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (stdin.isTTY) stderr.write('\n');
  }
}

const create: Command = async (config, [username]) => {
  if (username === undefined) {
    process.exitCode = 2;
    return [`usage: parley ${usage}`];
  }
  const password = await readPassword();
  // As a start does: the first admin may come before it.
  await withMigrator(config, (migrator) => migrator.up());
  const app = await createApp(config);
  try {
    const admin = await app.get(SetupService).createAdmin({ username, password });
    return [`${admin.username} is an admin and logs in by password.`];
  } finally {
    await app.close();
  }
};

export const admin: CommandArea = { usage, commands: new Map(Object.entries({ create })) };
