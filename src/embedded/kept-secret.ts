import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

/**
 * The secret kept in `file`, readable by its owner only (0600); made at the first call. The directory exists.
 * The file is complete or absent, whenever the process dies.
 */
export async function keptSecret(file: string, make: () => string | Promise<string>): Promise<string> {
  if (existsSync(file)) return readFile(file, 'utf8');
  const secret = await make();
  const draft = `${file}.new`;
  await writeFile(draft, secret, { mode: 0o600, flush: true });
  await rename(draft, file);
  return secret;
}
