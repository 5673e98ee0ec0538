import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll } from '@jest/globals';

import { ConfigurationError } from '../configuration-error.js';
import type { ProcessInput } from '../process-input.js';

const root = mkdtempSync(join(tmpdir(), 'parley-config-'));
afterAll(() => rmSync(root, { recursive: true }));

interface Given {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Content by path in the working directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What an operator hands over, in a working directory of its own. */
export function given({ args = [], environment = {}, files = {} }: Given = {}): ProcessInput {
  const workingDirectory = mkdtempSync(join(root, 'cwd-'));
  for (const [path, content] of Object.entries(files)) {
    const target = join(workingDirectory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  return { arguments: args, environment, workingDirectory };
}

/** An environment that production accepts. */
export const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://parley:q7Rz2mXw9LbT@db.internal:5432/parley',
  OIDC_ISSUER: 'https://id.acme.test',
  OIDC_CLIENT_ID: 'parley',
  PARLEY_SERVER_PUBLIC_URL: 'https://chat.acme.test',
  PARLEY_SESSION_SECRETS: 'pX3vN8qKzR5tYw2mLb7dHs4fJc9gVa6e',
  PARLEY_ENCRYPTION_KEY_FILE: '/run/secrets/parley-keys',
} as const;

/** The error that the call refuses with. */
export function refusalOf(call: () => unknown): ConfigurationError {
  try {
    call();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}
