import { execFile } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The system account that runs Postgres, spread into spawn options; undefined is the account that runs us. */
export type PostgresAccount = { readonly uid: number; readonly gid: number } | undefined;

/**
 * Postgres refuses to run as root: root runs it as the system account `postgres`, made here when there is none.
 * @throws Error when root cannot make the account.
 */
export async function postgresAccount(): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await systemAccount();
  if (existing) return existing;
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/bin/false',
    'postgres',
  ]).catch(
    () => undefined, // A simultaneous start may have made it.
  );
  const made = await systemAccount();
  if (!made) {
    throw new Error(
      'The embedded Postgres does not run as root, and the system account "postgres" could not be made: start Parley as an ordinary user, or set database.url.',
    );
  }
  return made;
}

async function systemAccount(): Promise<PostgresAccount> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** Whether `account` may enter the directory or run the program, asked of the kernel: ACLs and mounts count too. */
export async function canReach(account: PostgresAccount, target: string): Promise<boolean> {
  try {
    await run('test', ['-x', target], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/** Makes `<base>/<key>`, which any account may pass through whatever our umask is; for root. Returns its path. */
export async function makePassableDirectory(base: string, key: string): Promise<string> {
  const directory = path.join(base, key);
  await mkdir(directory, { recursive: true });
  for (const passable of [base, directory]) await chmod(passable, 0o711);
  return directory;
}
