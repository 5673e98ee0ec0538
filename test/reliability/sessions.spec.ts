import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { Browser } from '../support/browser.js';
import { isLong, report, rounds } from './extent.js';
import { Installation } from './installation/installation.js';

const refreshes = rounds({ short: 5, long: 1000 });
/** Thirty rounds with a clock that tests set are in test/integration/auth-session.spec.ts. */
const inLongRuns = isLong ? describe : describe.skip;
jest.setTimeout(300_000 + refreshes * 2000);

const tabs = 10;
/** How long a used refresh token still has its successor told, and somewhat more. */
const graceMs = 11_000;

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});

afterAll(() => installation.stop());

function copyOf(browser: Browser): Browser {
  const copy = new Browser(browser.home);
  for (const [name, value] of browser.jar()) copy.jar().set(name, value);
  return copy;
}

async function refresh(browser: Browser): Promise<number> {
  const response = await browser.fetch('/api/session/refresh', { method: 'POST' });
  await response.body?.cancel();
  return response.status;
}

inLongRuns('ten tabs that refresh at once, on two replicas', () => {
  it('get one successor each time and are never logged out; a token used again late ends the session', async () => {
    let { browser } = await installation.logIn('ada');
    const first = copyOf(browser);
    for (let round = 0; round < refreshes; round++) {
      const copies = Array.from({ length: tabs }, () => copyOf(browser));
      expect(await Promise.all(copies.map(refresh))).toEqual(copies.map(() => 200));
      const successors = new Set(copies.map((copy) => copy.jar().get('parley_refresh')));
      expect(successors.size).toBe(1);
      expect(successors).not.toContain(browser.jar().get('parley_refresh'));
      browser = copies[0] ?? browser;
    }
    expect((await browser.fetch('/api/user')).status).toBe(200);
    await wait(graceMs);
    expect(await refresh(first)).toBe(401);
    expect((await browser.fetch('/api/user')).status).toBe(401);
    report('ten tabs refreshing at once', { refreshes });
  });
});
