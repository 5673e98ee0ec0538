import { readFileSync } from 'node:fs';

function read(): string {
  // From the sources it is one folder up, from dist/src two: the first that exists is ours.
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
        return String(manifest.version);
      }
    } catch {
      continue;
    }
  }
  return 'unknown';
}

/** The version of Parley that runs, from its package.json. */
export const version = read();
