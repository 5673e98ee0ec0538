import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Caller } from '../../src/auth/caller.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { ManualClock } from '../support/auth-application.js';
import { introduce, LimitedApplication, shownLimit } from '../support/limited-application.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let app: LimitedApplication;
let clock: ManualClock;

beforeAll(async () => {
  database = await createTestDatabase();
  for (const name of ['ada', 'bob']) introduce(name, person(name));
  introduce('slow', token('slow', 3));
  introduce('generous', token('generous', 50));
  introduce('unlimited', token('unlimited', null));
});

afterEach(() => app.stop());
afterAll(() => database.drop());

function person(userId: string): Caller {
  const credential = { kind: 'session', sessionId: userId, authenticatedAt: new Date() } as const;
  return { tenantId: 't', userId, username: userId, role: 'user', scopes: ['read'], credential };
}

/** A token of ada's. */
function token(tokenId: string, requestsPerMinute: number | null): Caller {
  const limits = { models: null, allowedNetworks: [], expiresAt: new Date(), requestsPerMinute };
  return { ...person('ada'), credential: { kind: 'token', tokenId, isOwnersOwn: true, ...limits } };
}

async function start(settings: EmbeddedValues): Promise<void> {
  clock = new ManualClock();
  app = await LimitedApplication.start({ settings: { 'database.url': database.url, ...settings }, clock });
}

/** The statuses of so many requests, one after the other. */
async function statuses(count: number, ask: (index: number) => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let index = 0; index < count; index++) answers.push((await ask(index)).status);
  return answers;
}

describe('the limit of a route', () => {
  it('is told in headers: what it is, what is left, and until when', async () => {
    await start({ 'rateLimit.threadsList': 2 });
    const now = clock.now().getTime() / 1000;
    expect(shownLimit(await app.ask('list', { name: 'ada' }))).toEqual(['2', '1', String(now + 60), '60']);
    clock.advance(10);
    expect(shownLimit(await app.ask('list', { name: 'ada' }))).toEqual(['2', '0', String(now + 70), '60']);
    clock.advance(15);
    const refused = await app.ask('list', { name: 'ada' });
    expect([refused.status, ...shownLimit(refused)]).toEqual([429, '2', '0', String(now + 70), '60']);
    expect(refused.headers.get('retry-after')).toBe('35');
  });

  it('opens exactly when it said, one request at a time', async () => {
    await start({ 'rateLimit.threadsList': 2 });
    await app.ask('list', { name: 'ada' });
    clock.advance(10);
    await app.ask('list', { name: 'ada' });
    clock.advance(49);
    expect((await app.ask('list', { name: 'ada' })).headers.get('retry-after')).toBe('1');
    clock.advance(1);
    expect(await statuses(2, () => app.ask('list', { name: 'ada' }))).toEqual([200, 429]);
  });

  it('is for each person alone, and for each of the other routes alone', async () => {
    await start({ 'rateLimit.other': 1 });
    expect(await statuses(2, () => app.ask('other', { name: 'ada' }))).toEqual([200, 429]);
    expect((await app.ask('other', { name: 'bob' })).status).toBe(200);
    expect((await app.ask('another', { name: 'ada' })).status).toBe(200);
  });

  it('counts what fails', async () => {
    await start({ 'rateLimit.other': 1 });
    const failed = await app.ask('fails', { name: 'ada' });
    expect([failed.status, shownLimit(failed)[1]]).toEqual([500, '0']);
    expect((await app.ask('fails', { name: 'ada' })).status).toBe(429);
  });

  it('lets no more through when they come at once', async () => {
    await start({ 'rateLimit.threadsList': 5 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.ask('list', { name: 'ada' })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
  });

  it('of 0 is none, and is not shown', async () => {
    await start({});
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.ask('list', { name: 'ada' })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(shownLimit(answers[0] ?? new Response())).toEqual([null, null, null, null]);
  });
});

describe('the limit of a token', () => {
  it('refuses over all routes together what the routes would allow', async () => {
    await start({ 'rateLimit.threadsList': 100, 'rateLimit.other': 120 });
    const paths = ['list', 'other', 'another', 'list', 'other'];
    expect(await statuses(5, (index) => app.ask(paths[index] ?? '', { name: 'slow' }))).toEqual([
      200, 200, 200, 429, 429,
    ]);
    const refused = await app.ask('list', { name: 'slow' });
    expect(shownLimit(refused).slice(0, 2)).toEqual(['3', '0']);
    expect(refused.headers.get('retry-after')).toBe('60');
  });

  it('is shown when it leaves less, and the limit of the route when that does', async () => {
    await start({ 'rateLimit.threadsList': 10, 'rateLimit.other': 120 });
    expect(shownLimit(await app.ask('list', { name: 'generous' })).slice(0, 2)).toEqual(['10', '9']);
    expect(shownLimit(await app.ask('other', { name: 'generous' })).slice(0, 2)).toEqual(['50', '48']);
    expect(shownLimit(await app.ask('list', { name: 'slow' })).slice(0, 2)).toEqual(['3', '2']);
  });

  it('holds where routes have none', async () => {
    await start({});
    expect(await statuses(4, () => app.ask('list', { name: 'slow' }))).toEqual([200, 200, 200, 429]);
    expect(shownLimit(await app.ask('list', { name: 'unlimited' }))).toEqual([null, null, null, null]);
  });

  it('does not multiply that of a route: the tokens of a person count as the person', async () => {
    await start({ 'rateLimit.threadsList': 1 });
    const names = ['ada', 'generous', 'unlimited'];
    expect(await statuses(3, (index) => app.ask('list', { name: names[index] ?? '' }))).toEqual([
      200, 429, 429,
    ]);
  });
});

describe('the limit of an address', () => {
  it('holds on public routes, whoever is logged in', async () => {
    await start({ 'rateLimit.login': 2 });
    const names = ['ada', 'bob', ''];
    expect(await statuses(3, (index) => app.ask('public', { name: names[index] ?? '' }))).toEqual([
      200, 200, 429,
    ]);
  });

  it('ignores X-Forwarded-For where no proxy is trusted', async () => {
    await start({ 'rateLimit.login': 2 });
    expect(await statuses(4, (index) => app.ask('public', { from: `192.0.2.${index}` }))).toEqual([
      200, 200, 429, 429,
    ]);
  });

  it('takes the last address of X-Forwarded-For behind one proxy, whatever the client wrote before it', async () => {
    await start({ 'rateLimit.login': 2, 'server.trustedProxyHops': 1 });
    const spoofed = (index: number): Promise<Response> =>
      app.ask('public', { from: `198.51.100.${index}, 10.0.0.${index}, 203.0.113.7` });
    expect(await statuses(4, spoofed)).toEqual([200, 200, 429, 429]);
    expect((await app.ask('public', { from: '203.0.113.7, 203.0.113.8' })).status).toBe(200);
  });

  it('takes the last but one behind two proxies', async () => {
    await start({ 'rateLimit.login': 2, 'server.trustedProxyHops': 2 });
    const spoofed = (index: number): Promise<Response> =>
      app.ask('public', { from: `198.51.100.${index}, 203.0.113.7, 10.0.0.${index}` });
    expect(await statuses(4, spoofed)).toEqual([200, 200, 429, 429]);
  });

  it('is that of a network of IPv6, which one machine has for itself', async () => {
    await start({ 'rateLimit.login': 2, 'server.trustedProxyHops': 1 });
    const ask = (from: string): Promise<Response> => app.ask('public', { from });
    const same = ['2001:db8:0:7::1', '2001:DB8::7:ffff:0:0:2', '2001:0db8:0000:0007:1::'];
    expect(await statuses(3, (index) => ask(same[index] ?? ''))).toEqual([200, 200, 429]);
    expect((await ask('2001:db8:0:8::1')).status).toBe(200);
  });

  it('is one whatever port a proxy tells with it', async () => {
    await start({ 'rateLimit.login': 2, 'server.trustedProxyHops': 1 });
    const same = [
      '203.0.113.7:4711',
      '203.0.113.7',
      '203.0.113.7:4712',
      '[2001:db8::1]:1',
      '[2001:db8::1]:2',
    ];
    expect(await statuses(5, (index) => app.ask('public', { from: same[index] ?? '' }))).toEqual([
      200, 200, 429, 200, 200,
    ]);
    // What is no address at all counts as the proxy's own.
    expect(await statuses(3, (index) => app.ask('public', { from: `nonsense${index}` }))).toEqual([
      200, 200, 429,
    ]);
  });

  it('of IPv4 is one, however it is written', async () => {
    await start({ 'rateLimit.login': 2, 'server.trustedProxyHops': 1 });
    const same = ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107'];
    expect(await statuses(3, (index) => app.ask('public', { from: same[index] ?? '' }))).toEqual([
      200, 200, 429,
    ]);
    expect((await app.ask('public', { from: '::ffff:203.0.113.8' })).status).toBe(200);
  });
});

describe('the limit of an account', () => {
  it('refuses attempts from anywhere, and says when to come back', async () => {
    await start({ 'rateLimit.loginPerAccount': 3 });
    expect(await statuses(4, () => app.logIn('ada'))).toEqual([201, 201, 201, 429]);
    const refused = await app.logIn('ada');
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(shownLimit(refused)).toEqual([null, null, null, null]);
    expect((await app.logIn('bob')).status).toBe(201);
    clock.advance(60);
    expect((await app.logIn('ada')).status).toBe(201);
  });

  it('of 0 is none', async () => {
    await start({});
    expect(new Set(await statuses(50, () => app.logIn('ada')))).toEqual(new Set([201]));
  });
});
