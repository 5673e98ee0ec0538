import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { renderDocumentation } from './documentation.js';
import { readProcessInput } from './process-input.js';

/** Writes the generated files into the working directory; with `--check` it only names the stale ones and exits 1. */
const { arguments: args, workingDirectory } = readProcessInput();
for (const [path, content] of Object.entries(renderDocumentation())) {
  const target = resolve(workingDirectory, path);
  if (!args.includes('--check')) {
    writeFileSync(target, content);
  } else if (readIfPresent(target) !== content) {
    process.stderr.write(`${path} is stale: run node dist/src/config/write-documentation.js\n`);
    process.exitCode = 1;
  }
}

function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
