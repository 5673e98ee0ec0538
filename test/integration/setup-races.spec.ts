import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { SetupState } from '../../src/auth/setup/setup-state.service.js';
import { AuthApplication } from '../support/auth-application.js';
import type { Browser } from '../support/browser.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

const secrets = ['the newer secret, 32 characters.', 'an older secret of 32 characters'] as const;
const password = 'kanarienvogel im fichtenwald';
const many = 30;

let provider: ScriptedIdentityProvider;
const databases: TestDatabase[] = [];
const running: AuthApplication[] = [];

beforeAll(async () => {
  provider = await ScriptedIdentityProvider.start();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((application) => application.stop()));
  await Promise.all(databases.splice(0).map((database) => database.drop()));
});

afterAll(() => provider.stop());

/** Two replicas of a new installation in the middle of a rotation: each signs with another key, and prints another token. */
async function twoReplicas(): Promise<readonly [AuthApplication, AuthApplication]> {
  const database = await createTestDatabase();
  databases.push(database);
  const start = (...keys: string[]): Promise<AuthApplication> =>
    AuthApplication.start({
      databaseUrl: database.url,
      provider,
      settings: { 'login.local': 'on', 'session.secrets': keys },
    });
  const replicas = [await start(...secrets), await start(...secrets.toReversed())] as const;
  running.push(...replicas);
  return replicas;
}

/** One who tries, at a replica, with the token of one of the two. */
type Attempt = (replica: AuthApplication, index: number) => Promise<(token: string) => Promise<Response>>;

const byAccount: Attempt = (replica, index) =>
  Promise.resolve((token) => {
    const account = { username: `account ${index}`, password };
    return setUp(replica.browser(), { token, account });
  });

const bySession: Attempt = async (replica, index) => {
  const browser = await replica.logIn({ sub: `person ${index}`, preferred_username: `person ${index}` });
  return (token) => setUp(browser, { token });
};

/** Logs in while others set up, and tries as soon as they are in. */
const byFirstLogin: Attempt = (replica, index) =>
  Promise.resolve(async (token) => {
    const claims = { sub: `newcomer ${index}`, preferred_username: `newcomer ${index}` };
    return setUp(await replica.logIn(claims), { token });
  });

function setUp(browser: Browser, body: object): Promise<Response> {
  return browser.fetch('/api/setup', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

it.each<[string, readonly Attempt[]]>([
  ['accounts', [byAccount]],
  ['people who are logged in', [bySession]],
  ['accounts, people who are logged in, and first logins', [byAccount, bySession, byFirstLogin]],
])(
  'of thirty at once, %s, at two replicas and by either token, one becomes the admin',
  async (_name, kinds) => {
    const replicas = await twoReplicas();
    const tokens = await Promise.all(replicas.map((replica) => replica.get(SetupState).token()));
    expect(new Set(tokens).size).toBe(2);
    const attempts = await Promise.all(
      Array.from({ length: many }, async (_, index) => {
        const replica = replicas[index % 2 === 0 ? 0 : 1];
        const attempt = await (kinds[index % kinds.length] ?? byAccount)(replica, index);
        return () => attempt(tokens[Math.floor(index / 2) % 2] ?? '');
      }),
    );

    const responses = await Promise.all(attempts.map((attempt) => attempt()));

    const statuses = responses.map(({ status }) => status);
    expect([...statuses].sort()).toEqual([200, ...Array.from({ length: many - 1 }, () => 404)]);
    const winner = (await responses[statuses.indexOf(200)]?.json()) as { data: { username: string } };
    const [first] = replicas;
    const admins = await first.database.query<object[]>(`SELECT username FROM users WHERE role = 'admin'`);
    expect(admins).toEqual([{ username: winner.data.username }]);
    const accounts = await first.database.query<object[]>('SELECT username_key FROM local_accounts');
    const isAccount = winner.data.username.startsWith('account');
    expect(accounts).toEqual(isAccount ? [{ username_key: winner.data.username }] : []);
    const [record] = await first.database.query<object[]>(
      `SELECT count(*)::integer AS times FROM audit_events WHERE action = 'setup.completed'`,
    );
    expect(record).toEqual({ times: 1 });
  },
);
