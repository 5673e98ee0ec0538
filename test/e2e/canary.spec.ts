import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Canaries } from '../support/canaries.js';
import { driveEverything, reached } from '../support/canary-flows.js';
import type { ObservedParley } from '../support/observed-parley.js';
import type { Parley } from '../support/parley.js';
import { canaries } from '../support/planted-secrets.js';

let parley: Parley;
let observed: ObservedParley;

beforeAll(async () => {
  ({ parley, observed } = await driveEverything());
}, 120_000);

afterAll(async () => {
  observed.stop();
  await parley.stop();
});

/** Where a secret belongs: with whom it is for, the moment that it is made. */
const homes: Readonly<Record<string, RegExp>> = {
  'message text': /^(?:GET|POST) \/api\/threads(?:\/\w+(?:\/models\/\w+)?\/messages)? 200 body$/,
  'title of a thread': /^(?:GET|POST|PATCH) \/api\/threads(?:\/\w+)? 20[01] body$/,
  'API token': /^POST \/api\/tokens(?:\/\w+\/rotate)? 201 body$/,
  'provider id_token': /^POST \/api\/logout 200 body$/,
  'login state': /^GET \/app\/login 302 (?:location|body)$/,
  // Also part of the ID token.
  'login nonce': /^GET \/app\/login 302 (?:location|body)$|^POST \/api\/logout 200 body$/,
  'cookie parley_session': / set-cookie parley_session$/,
  'cookie parley_refresh': / set-cookie parley_refresh$/,
  'cookie parley_login': / set-cookie parley_login$/,
};

describe('the canaries', () => {
  it.each<[string, (secret: string) => string]>([
    ['as it is', (secret) => `x${secret}y`],
    ['in base64', (secret) => Buffer.from(`root:${secret}`).toString('base64')],
    ['in base64 at another offset', (secret) => Buffer.from(`rooot:${secret}!`).toString('base64')],
    ['in base64url', (secret) => Buffer.from(`x${secret}`).toString('base64url')],
    ['in a URL', (secret) => encodeURIComponent(secret)],
    ['in JSON', (secret) => JSON.stringify({ secret })],
    ['in hexadecimal', (secret) => Buffer.from(secret).toString('hex')],
  ])('are known %s', (_name, write) => {
    const known = new Canaries();
    const planted = known.add('one', `"a?ö/${known.plant('other')}`);
    expect(known.in(write(planted))).toContain('one');
    expect(known.in(write('something quite different'))).toEqual([]);
  });

  it('have been everywhere', () => {
    const met = (pattern: RegExp): void =>
      expect(reached.filter((line) => pattern.test(line))).not.toEqual([]);
    met(/\/api\/setup SETUP_TOKEN_INVALID/);
    met(/\/api\/setup 200/);
    met(/\/api\/login LOGIN_FAILED/);
    met(/\/api\/login 200/);
    met(/\/api\/profile\/password 204/);
    met(/callback 302/);
    met(/callback LOGIN_TRANSACTION_INVALID/);
    met(/callback LOGIN_DENIED/);
    met(/callback AUTHORIZATION_CODE_INVALID/);
    met(/callback ID_TOKEN_/);
    met(/callback IDENTITY_PROVIDER_UNAVAILABLE/);
    met(/callback INTERNAL_ERROR/);
    met(/refresh 200/);
    met(/refresh SESSION_ENDED/);
    met(/\/api\/logout 200/);
    met(/backchannel LOGOUT_TOKEN_INVALID/);
    met(/POST \/api\/tokens 201/);
    met(/rotate 201/);
    met(/POST \/api\/providers 201/);
    met(/POST \/api\/providers CONNECTION_NAME_TAKEN/);
    met(/POST \/api\/providers BASE_URL_FORBIDDEN/);
    met(/POST \/api\/providers VALIDATION_FAILED/);
    met(/POST \/api\/providers CONNECTION_OPTION_INVALID/);
    met(/POST \/api\/providers INTERNAL_ERROR/);
    met(/verify 200/);
    met(/verify PROVIDER_AUTHENTICATION_FAILED/);
    met(/sync 200/);
    met(/sync PROVIDER_AUTHENTICATION_FAILED/);
    met(/api-keys 200/);
    met(/api-keys INTERNAL_ERROR/);
    met(/api-keys\/own 204/);
    met(/models\/canary\/messages 200/);
    met(/models\/canary-own\/messages PERSONAL_KEY_REFUSED/);
    met(/models\/canary\/messages PROVIDER_AUTHENTICATION_FAILED/);
    met(/PATCH \/api\/providers\/\w+ 200/);
    met(/DELETE \/api\/providers\/\w+ 204/);
    met(/GET \/api\/threads 200/);
    met(/GET \/api\/threads INTERNAL_ERROR/);
    met(/PROVIDER_AUTHENTICATION_FAILED/);
    met(/INTERNAL_ERROR/);
    met(/INVALID_JSON/);
    met(/PAYLOAD_TOO_LARGE/);
    met(/CROSS_SITE_REQUEST/);
    met(/raw 4/);
    expect(observed.answers.length).toBeGreaterThan(500);
  });

  it('sing in no line of the log and in nothing that is printed', () => {
    expect(observed.lines.length).toBeGreaterThan(100);
    const found = observed.lines.flatMap((line) =>
      canaries.in(line).map((name) => `${name}: ${line.slice(0, 300)}`),
    );
    expect(found).toEqual([]);
  });

  it('sing in no answer but where they belong', () => {
    const found = observed.answers.flatMap(({ where, text: answer }) =>
      canaries
        .in(answer)
        .filter((name) => homes[name]?.test(where) !== true)
        .map((name) => `${name}: ${where}`),
    );
    expect(found).toEqual([]);
  });

  it('sing in no row of the audit log', async () => {
    const rows = await parley.first.database.query<{ row: string }[]>(
      'SELECT audit_events::text AS row FROM audit_events',
    );
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.flatMap(({ row }) => canaries.in(row).map((name) => `${name}: ${row}`))).toEqual([]);
  });
});
