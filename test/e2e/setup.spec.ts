import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/parley.js';
import { testKeyFile } from '../support/test-configuration.js';
import { createTestDatabase, makeDataDirectory, type TestDatabase } from '../support/test-postgres.js';

jest.setTimeout(90_000);

const dist = path.resolve('dist/src');
const password = 'kanarienvogel im fichtenwald';
const tokenForm = /(?<![\w-])[\w-]{43}(?![\w-])/g;

let database: TestDatabase;
let workingDirectory: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  workingDirectory = await makeDataDirectory();
});

afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
  await database.drop();
});

afterAll(() => rm(workingDirectory, { recursive: true }));

function run(script: string, words: readonly string[], settings: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [path.join(dist, script), ...words], {
    // Where no .env of a developer lies.
    cwd: workingDirectory,
    env: {
      DATABASE_URL: database.url,
      PARLEY_SESSION_SECRETS: 'pX3vN8qKzR5tYw2mLb7dHs4fJc9gVa6e',
      PARLEY_ENCRYPTION_KEY_FILE: testKeyFile(),
      PARLEY_LOGIN_LOCAL: 'on',
      PARLEY_LOG_LEVEL: 'trace',
      // A dozen processes load the same modules.
      NODE_COMPILE_CACHE: path.join(workingDirectory, 'compiled'),
      ...settings,
    },
  });
  children.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
}

/** The built server, on the database of the test and nothing embedded. */
async function start(settings: Record<string, string> = {}): Promise<Server> {
  const child = run('main.js', [], { PARLEY_SERVER_PORT: '0', ...settings });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
  const port = await eventually(() => {
    if (child.exitCode !== null) throw new Error(`it exited: ${output}`);
    return Promise.resolve(/"port":(\d+)/.exec(output)?.[1]);
  }, 40_000);
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    return response?.ok === true || undefined;
  }, 40_000);
  return { child, url, output: () => output };
}

/** What is announced, as opposed to logged. */
function announced({ output }: Server): string {
  return output()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n');
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function parley(
  words: readonly string[],
  settings: Record<string, string>,
  input: string,
): Promise<{ code: number | null; output: string }> {
  const child = run('cli.js', words, settings);
  const ended = once(child, 'exit');
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
  stdin.end(input);
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  await ended;
  return { code: child.exitCode, output: out + err };
}

async function admins(): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<object>(
      `SELECT username, issuer FROM users WHERE role = 'admin' ORDER BY username`,
    );
    return rows;
  } finally {
    await client.end();
  }
}

describe('the first start', () => {
  it('on two replicas prints one token, which works at either, once, and is printed no more', async () => {
    database = await createTestDatabase();
    // Beyond loopback: no development identity provider is there to let anyone in.
    const [first, second] = await Promise.all([start({ PARLEY_SERVER_HOST: '0.0.0.0' }), start()]);
    const [token] = announced(first).match(tokenForm) ?? [];
    expect(announced(second).match(tokenForm)).toEqual([token]);
    expect(announced(first)).not.toContain('identity provider');
    // Nobody can log in before there is an account.
    expect(announced(first)).toContain('"account"');
    expect(announced(first)).not.toContain('Log in');
    for (const { output } of [first, second]) expect(output().split(String(token))).toHaveLength(2);

    const account = { username: 'root', password };
    expect((await post(`${second.url}/api/setup`, { token, account })).status).toBe(200);
    expect((await post(`${first.url}/api/setup`, { token, account })).status).toBe(404);
    expect((await post(`${first.url}/api/login`, account)).status).toBe(200);
    expect((await post(`${first.url}/api/login`, { ...account, password: `${password}!` })).status).toBe(401);
    expect(await admins()).toEqual([{ username: 'root', issuer: 'parley:local' }]);

    const third = await start();
    expect(announced(third).match(tokenForm)).toBeNull();
    for (const { output } of [first, second]) {
      expect(output()).toContain('"msg":"request"');
      expect(output()).not.toContain('kanarienvogel');
    }
  });

  it('prints the token in production, too', async () => {
    database = await createTestDatabase();
    const production = await start({
      NODE_ENV: 'production',
      PARLEY_SERVER_PUBLIC_URL: 'https://chat.acme.test',
      OIDC_ISSUER: 'https://id.acme.test',
      OIDC_CLIENT_ID: 'parley',
      PARLEY_LOGIN_LOCAL: 'auto',
    });
    expect(announced(production).match(tokenForm)).toHaveLength(1);
    expect(announced(production)).toContain('https://chat.acme.test/api/setup');
    expect(announced(production)).not.toContain('account');
    expect(announced(production)).toContain('Log in');
    const warnings = production
      .output()
      .split('\n')
      .filter((line) => line.includes('"level":"warn"'));
    expect(warnings.filter((line) => line.includes('database.migrationUrl'))).toHaveLength(1);
    expect(warnings.join('')).toContain('docs/audit.md');
  });
});

describe('parley admin create', () => {
  it('refuses a weak password, no name, and a name where local login is off', async () => {
    database = await createTestDatabase();
    const off = { PARLEY_LOGIN_LOCAL: 'off', OIDC_ISSUER: 'http://localhost:1', OIDC_CLIENT_ID: 'x' };
    const outcomes = await Promise.all([
      parley(['admin', 'create', 'root'], {}, 'password1234\n'),
      parley(['admin', 'create'], {}, `${password}\n`),
      parley(['admin', 'create', 'root'], off, `${password}\n`),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([1, 2, 1]);
    for (const { output } of outcomes) {
      expect(output).not.toContain('kanarienvogel');
      expect(output).not.toMatch(/^\s+at /m);
    }
    expect(await admins()).toEqual([]);
  });

  it('makes an admin who logs in, and ends the setup', async () => {
    database = await createTestDatabase();
    const server = await start();
    const [token] = announced(server).match(tokenForm) ?? [];
    const made = await parley(['admin', 'create', 'root'], {}, password);
    expect(made).toMatchObject({ code: 0 });
    expect(made.output).not.toContain('kanarienvogel');
    const account = { username: 'other', password };
    expect((await post(`${server.url}/api/setup`, { token, account })).status).toBe(404);
    const browser = new Browser(server.url);
    const login = await browser.fetch('/api/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'root', password }),
    });
    expect(login.status).toBe(200);
    expect((await browser.fetch('/api/users')).status).toBe(200);
    // A second one is welcome, for breaking glass.
    expect((await parley(['admin', 'create', 'spare'], {}, `${password}\n`)).code).toBe(0);
    expect(await admins()).toHaveLength(2);
  });
});
