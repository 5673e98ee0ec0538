import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthApplication } from '../support/auth-application.js';
import { ScriptedIdentityProvider } from '../support/scripted-identity-provider.js';
import { createTestDatabase, type TestDatabase } from '../support/test-postgres.js';

let database: TestDatabase;
let provider: ScriptedIdentityProvider;
let app: AuthApplication;
beforeAll(async () => {
  database = await createTestDatabase();
  provider = await ScriptedIdentityProvider.start();
  app = await AuthApplication.start({ databaseUrl: database.url, provider });
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
  await database.drop();
});
describe('x', () => {
  it('logs in', async () => {
    const b = await app.logIn();
    console.log([...b.jar()]);
    const r = await b.fetch('/api/user');
    console.log(r.status, await r.text());
    const i = await b.fetch('/api/info');
    console.log(i.status, await i.text());
    const l = await b.fetch('/api/session/refresh', { method: 'POST' });
    console.log(l.status, await l.text(), [...b.jar()]);
    const k = await b.fetch('/api/logout', { method: 'POST' });
    console.log(k.status, await k.text(), [...b.jar()]);
    expect(1).toBe(1);
  });
});
