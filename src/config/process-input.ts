import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** What the operator handed to the process: the only way in for configuration. */
export interface ProcessInput {
  /** Without the node binary and the script. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths in settings start here. */
  readonly workingDirectory: string;
}

/** Variables of a file `.env` in the working directory, if there is one: below those of the environment itself. */
function readDotEnv(): Readonly<Record<string, string | undefined>> {
  return existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
}

/** The input of this process. */
export function readProcessInput(): ProcessInput {
  return {
    arguments: process.argv.slice(2),
    // eslint-disable-next-line no-restricted-properties -- the one place that reads the environment
    environment: { ...readDotEnv(), ...process.env },
    workingDirectory: process.cwd(),
  };
}
