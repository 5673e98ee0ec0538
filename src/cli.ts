import { prepareSurroundings } from './boot.js';
import { admin } from './cli/admin.js';
import { audit } from './cli/audit.js';
import type { CommandArea } from './cli/command.js';
import { keys } from './cli/keys.js';
import { migrate } from './cli/migrate.js';
import { DomainError } from './common/domain-error.js';
import { ConfigurationError } from './config/configuration-error.js';
import { readProcessInput } from './config/process-input.js';

/** What `parley` can do, by the first word. */
const areas: ReadonlyMap<string, CommandArea> = new Map(Object.entries({ migrate, admin, audit, keys }));

function usage(): string {
  const commands = [...areas.values()].map((area) => area.usage);
  return ['usage: parley <area> <command>   [--setting value …]\n', ...commands].join('\n');
}

async function main(): Promise<void> {
  const input = readProcessInput();
  const firstOption = input.arguments.findIndex((argument) => argument.startsWith('--'));
  const words = firstOption === -1 ? input.arguments : input.arguments.slice(0, firstOption);
  const [area = '', verb = '', ...rest] = words;
  const command = areas.get(area)?.commands.get(verb);
  if (command === undefined) {
    process.stderr.write(usage());
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
    const lines = await command(config, rest);
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  } finally {
    await embedded?.stop();
  }
}

main().catch((error: unknown) => {
  // What whoever calls it can mend is told without a stack.
  const isTheirs = error instanceof ConfigurationError || error instanceof DomainError;
  const text = isTheirs ? error.message : String((error as Error).stack);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
