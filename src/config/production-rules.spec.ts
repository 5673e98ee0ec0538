import { describe, expect, it } from '@jest/globals';

import { given, PRODUCTION, refusalOf } from './__fixtures__/operator.js';
import { renderDocumentation } from './documentation.js';
import { loadConfiguration, requireBootConfiguration } from './load-configuration.js';
import { isLocalLoginOn } from './local-login.js';
import { declarationOf, SETTING_KEYS } from './registry.js';

function loadProduction(environment: Readonly<Record<string, string>>) {
  return loadConfiguration(given({ environment: { ...PRODUCTION, ...environment } }));
}

function refusedKeys(environment: Readonly<Record<string, string>>): readonly string[] {
  return refusalOf(() => loadProduction(environment)).problems.map(({ key }) => key);
}

describe('production', () => {
  it('refuses to start with nothing set, naming all that is missing together with what does not fit', () => {
    const environment = { NODE_ENV: 'production', PARLEY_LOG_LEVEL: 'loud' };
    const { problems } = refusalOf(() => loadConfiguration(given({ environment })));
    expect(problems.map(({ key, layer }) => [key, layer])).toEqual([
      ['log.level', 'environment'],
      ['server.publicUrl', undefined],
      ['database.url', undefined],
      ['oidc.issuer', undefined],
      ['oidc.clientId', undefined],
      ['session.secrets', undefined],
      ['encryption.keyFile', undefined],
    ]);
  });

  it('needs no OpenID provider where local login is asked for, but never half of one', () => {
    const { OIDC_ISSUER: _issuer, OIDC_CLIENT_ID: _clientId, ...environment } = PRODUCTION;
    const load = (more: Readonly<Record<string, string>>) =>
      requireBootConfiguration(loadConfiguration(given({ environment: { ...environment, ...more } })));
    expect(isLocalLoginOn(load({ PARLEY_LOGIN_LOCAL: 'on' }))).toBe(true);
    for (const wish of ['auto', 'off']) {
      const { problems } = refusalOf(() => load({ PARLEY_LOGIN_LOCAL: wish }));
      expect(problems.map(({ key }) => key)).toEqual(['oidc.issuer', 'oidc.clientId']);
    }
    const half = { PARLEY_LOGIN_LOCAL: 'on', OIDC_ISSUER: 'https://id.acme.test' };
    expect(refusalOf(() => load(half)).problems.map(({ key }) => key)).toEqual(['oidc.clientId']);
  });

  it('refuses every secret that .env.example prints', () => {
    const example = renderDocumentation()['.env.example'] ?? '';
    const printed = [...example.matchAll(/^# (PARLEY_\w+)=(.*replace-this-value.*)$/gm)];
    const environment = Object.fromEntries(printed.map(([, name = '', value = '']) => [name, value]));
    const secrets = SETTING_KEYS.filter((key) => declarationOf(key).secret);
    expect([...refusedKeys(environment)].sort()).toEqual([...secrets].sort());
  });

  it('refuses a secret that is long enough and holds the placeholder', () => {
    const environment = { PARLEY_SESSION_SECRETS: 'replace-this-value-pX3vN8qKzR5tYw2mLb7dHs4fJc9gVa6e' };
    expect(refusedKeys(environment)).toEqual(['session.secrets']);
  });

  it.each([
    'changeme',
    'CHANGE_ME_PLEASE',
    'secret',
    'Password123',
    'my-example-secret',
    'q7Rz2mX',
    'xxxxxxxxxxxx',
  ])('refuses %s as a secret and as the password of the database', (secret) => {
    const environment = { OIDC_CLIENT_SECRET: secret, DATABASE_URL: `postgres://parley:${secret}@db/parley` };
    expect(refusedKeys(environment)).toEqual(['database.url', 'oidc.clientSecret']);
  });

  it.each(['secretsecretsecretsecretsecretsecret', 'x'.repeat(40), 'pX3vN8qKzR5tYw2mLb7dHs4fJc9g'])(
    'refuses %s among the keys of sessions, wherever it stands',
    (secret) => {
      const environment = { PARLEY_SESSION_SECRETS: `${PRODUCTION.PARLEY_SESSION_SECRETS},${secret}` };
      expect(refusedKeys(environment)).toEqual(['session.secrets']);
    },
  );

  it.each(['http://chat.acme.test', 'http://127.0.0.1.acme.test', 'http://localhost.acme.test'])(
    'refuses %s as its public URL',
    (url) => {
      expect(refusedKeys({ PARLEY_SERVER_PUBLIC_URL: url })).toEqual(['server.publicUrl']);
    },
  );

  it('refuses a Vault that is asked in clear', () => {
    expect(refusedKeys({ PARLEY_ENCRYPTION_VAULT_ADDRESS: 'http://vault.internal' })).toEqual([
      'encryption.vaultAddress',
    ]);
  });

  it('needs a key file only where it wraps by file', () => {
    const { PARLEY_ENCRYPTION_KEY_FILE: _file, ...rest } = PRODUCTION;
    const refused = (environment: Record<string, string>) =>
      refusalOf(() => loadConfiguration(given({ environment: { ...rest, ...environment } })));
    expect(refused({}).problems.map(({ key }) => key)).toEqual(['encryption.keyFile']);
    const environment = {
      ...rest,
      PARLEY_ENCRYPTION_WRAPPER: 'aws-kms',
      PARLEY_ENCRYPTION_AWS_KMS_KEY_ID: 'alias/parley',
      AWS_REGION: 'eu-central-1',
    };
    expect(loadConfiguration(given({ environment }))['encryption.keyFile']).toBeUndefined();
  });

  it('refuses an identity provider that is asked in clear', () => {
    expect(refusedKeys({ OIDC_ISSUER: 'http://login.acme.test' })).toEqual(['oidc.issuer']);
  });

  const further = { name: 'partner', issuer: 'https://id.partner.test', clientId: 'parley' };

  it.each([
    ['one that is asked in clear', { issuer: 'http://id.partner.test' }],
    ['a placeholder as its secret', { clientSecret: 'changeme' }],
    ['a short secret', { clientSecret: 'q7Rz2mX' }],
  ])('refuses a further identity provider with %s', (_name, entry) => {
    const providers = JSON.stringify([{ ...further, ...entry }]);
    expect(refusedKeys({ PARLEY_OIDC_PROVIDERS: providers })).toEqual(['oidc.providers']);
  });

  it('is content with further identity providers alone', () => {
    const { OIDC_ISSUER: _issuer, OIDC_CLIENT_ID: _clientId, ...rest } = PRODUCTION;
    const environment = { ...rest, PARLEY_OIDC_PROVIDERS: JSON.stringify([further]) };
    const config = requireBootConfiguration(loadConfiguration(given({ environment })));
    expect(isLocalLoginOn(config)).toBe(false);
  });

  it.each(['https://chat.acme.test', 'http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3000'])(
    'accepts %s as its public URL',
    (url) => {
      expect(loadProduction({ PARLEY_SERVER_PUBLIC_URL: url })['server.publicUrl']).toBe(url);
    },
  );

  it('accepts a database that asks for no password', () => {
    const url = 'postgres://parley@db/parley';
    expect(loadProduction({ DATABASE_URL: url })['database.url']).toBe(url);
  });

  it('has no demo models and no public documentation unless asked for', () => {
    expect(loadProduction({})).toMatchObject({ 'providers.demo.enabled': false, 'docs.public': false });
    expect(loadProduction({ PARLEY_PROVIDERS_DEMO_ENABLED: 'true' })['providers.demo.enabled']).toBe(true);
  });

  it('is meant by --environment and by the file as well as by NODE_ENV', () => {
    const files = { 'parley.config.yaml': 'environment: production' };
    for (const input of [given({ files }), given({ args: ['--environment', 'production'] })]) {
      expect(refusalOf(() => loadConfiguration(input)).problems).toHaveLength(6);
    }
  });
});
