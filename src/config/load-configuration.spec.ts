import { describe, expect, it } from '@jest/globals';

import { given, PRODUCTION, refusalOf } from './__fixtures__/operator.js';
import { identityProviders } from './identity-providers.js';
import { loadConfiguration, requireBootConfiguration } from './load-configuration.js';
import { publicUrl } from './public-url.js';

const CANARY = 'kanarienvogel';

describe('loadConfiguration', () => {
  it('refuses by naming every offending key at once, with its layer, and never a value', () => {
    const input = given({
      args: ['--server.port', CANARY, CANARY, `--servr.host=${CANARY}`, `--database.url=${CANARY}`],
      environment: {
        PARLEY_LOG_LEVEL: CANARY,
        PARLEY_SERVER_PROT: CANARY,
        PARLEY_SESSION_SECRETS_FILE: `/nowhere/${CANARY}`,
        OPENAI_BASE_URL: CANARY,
      },
      files: {
        'parley.config.yaml': [
          `server: { host: [${CANARY}], bodyLimitBytes: ${CANARY} }`,
          `log: ${CANARY}`,
          `identity.groupRoles: { staff: ${CANARY} }`,
          `providers: { openai: { apiKey:${CANARY} } }`,
        ].join('\n'),
      },
    });
    const error = refusalOf(() => loadConfiguration(input));
    expect(error.problems.map(({ key, layer }) => [key, layer])).toEqual([
      ['argument 3', 'command_line'],
      ['--servr.host', 'command_line'],
      ['session.secrets', 'environment'],
      ['PARLEY_SERVER_PROT', 'environment'],
      ['log', 'file'],
      ['providers.openai.apiKey', 'file'],
      ['server.host', 'file'],
      ['server.port', 'command_line'],
      ['server.bodyLimitBytes', 'file'],
      ['log.level', 'environment'],
      ['database.url', 'command_line'],
      ['identity.groupRoles', 'file'],
      ['providers.openai.baseUrl', 'environment'],
    ]);
    for (const { key } of error.problems) expect(error.message).toContain(`\n  ${key} (`);
    for (const shown of [error.message, error.stack, JSON.stringify(error)])
      expect(shown).not.toContain(CANARY);
  });

  it('refuses a value of the embedded defaults that does not fit', () => {
    const error = refusalOf(() => loadConfiguration(given(), { 'database.url': CANARY }));
    expect(error.problems).toMatchObject([{ key: 'database.url', layer: 'embedded' }]);
    expect(error.stack).not.toContain(CANARY);
  });

  it('takes the command line over the environment, the environment over the file, the file over the rest', () => {
    const configuration = loadConfiguration(
      given({
        args: ['--server.port', '4001', '--log.format=json'],
        environment: {
          PARLEY_SERVER_PORT: '4002',
          PARLEY_DATABASE_POOL_SIZE: '12',
          PARLEY_LOG_FORMAT: 'pretty',
        },
        files: {
          'parley.config.yaml':
            'server.port: 4003\ndatabase: { poolSize: 13, url: postgres://file.test/parley }\ndocs.public: false\n',
        },
      }),
      { 'database.url': 'postgres://embedded.test/parley', 'oidc.issuer': 'http://localhost:3001' },
    );
    expect(configuration).toMatchObject({
      'server.port': 4001,
      'log.format': 'json',
      'database.poolSize': 12,
      'database.url': 'postgres://file.test/parley',
      'docs.public': false,
      'oidc.issuer': 'http://localhost:3001',
      'server.host': '127.0.0.1',
    });
  });

  it('leaves undefined outside production what is neither set nor embedded', () => {
    const configuration = loadConfiguration(given());
    expect(configuration).toMatchObject({ environment: 'development', 'providers.demo.enabled': true });
    expect(configuration['database.url']).toBeUndefined();
  });

  it('takes nothing from the embedded defaults in production', () => {
    const { DATABASE_URL: _, ...environment } = PRODUCTION;
    const embedded = {
      'database.url': 'postgres://parley:q7Rz2mXw9LbT@localhost/parley',
      'oidc.clientSecret': 'n8Kq2vRt5Wz1',
    };
    const error = refusalOf(() => loadConfiguration(given({ environment }), embedded));
    expect(error.problems.map(({ key }) => key)).toEqual(['database.url']);
    const configuration = loadConfiguration(given({ environment: PRODUCTION }), embedded);
    expect(configuration['oidc.clientSecret']).toBeUndefined();
  });

  const elsewhere = { name: 'partner', issuer: 'https://id.partner.test', clientId: 'parley' };

  it.each([
    ['no list', { name: 'partner' }],
    ['a name that is not in lower case', [{ ...elsewhere, name: 'Partner' }]],
    ['the name of the first provider', [{ ...elsewhere, name: 'default' }]],
    ['an entry without clientId', [{ name: 'partner', issuer: 'https://id.partner.test' }]],
    ['a property that nobody knows', [{ ...elsewhere, clientSecert: CANARY }]],
    ['a claim that nobody knows', [{ ...elsewhere, claims: { nickname: 'x' } }]],
    ['a role that there is not', [{ ...elsewhere, groupRoles: { staff: CANARY } }]],
    ['a name twice', [elsewhere, { ...elsewhere, issuer: 'https://id.other.test' }]],
    ['an issuer twice', [elsewhere, { ...elsewhere, name: 'other', issuer: 'https://id.partner.test/' }]],
    ['the issuer of oidc.issuer', [{ ...elsewhere, issuer: 'https://id.acme.test' }]],
  ])('refuses %s as further identity providers', (_name, providers) => {
    const environment = {
      OIDC_ISSUER: 'https://id.acme.test',
      OIDC_CLIENT_ID: 'parley',
      PARLEY_OIDC_PROVIDERS: JSON.stringify(providers),
    };
    const error = refusalOf(() => loadConfiguration(given({ environment })));
    expect(error.problems.map(({ key }) => key)).toEqual(['oidc.providers']);
    expect(error.stack).not.toContain(CANARY);
  });

  it('gives a further identity provider what it does not say itself', () => {
    const providers = [{ ...elsewhere, claims: { tenant: 'hd' }, scopes: ['openid'] }];
    const environment = {
      PARLEY_OIDC_PROVIDERS: JSON.stringify(providers),
      PARLEY_IDENTITY_GROUPS_CLAIM: 'g',
    };
    expect(identityProviders(loadConfiguration(given({ environment })))).toEqual([
      {
        ...elsewhere,
        label: 'partner',
        scopes: ['openid'],
        claims: {
          username: 'preferred_username',
          name: 'name',
          email: 'email',
          groups: 'g',
          tenant: 'hd',
        },
        groupRoles: {},
      },
    ]);
  });

  it.each(['ada', '#ada', 'https://id.acme.test', 'https://id.acme.test#'])(
    'refuses %s as an admin, which is nobody at any issuer',
    (admin) => {
      const environment = { PARLEY_IDENTITY_ADMINS: admin };
      const error = refusalOf(() => loadConfiguration(given({ environment })));
      expect(error.problems.map(({ key }) => key)).toEqual(['identity.admins']);
    },
  );

  it.each([
    ['aws-kms', ['encryption.awsKmsKeyId', 'encryption.awsRegion']],
    ['vault', ['encryption.vaultAddress', 'encryption.vaultToken', 'encryption.vaultKey']],
  ])('refuses %s as the key wrapper without its settings', (wrapper, keys) => {
    const environment = { PARLEY_ENCRYPTION_WRAPPER: wrapper };
    const { problems } = refusalOf(() => loadConfiguration(given({ environment })));
    expect(problems.map(({ key }) => key)).toEqual(keys);
  });

  it('freezes the configuration and every list and map in it', () => {
    const configuration = loadConfiguration(given({ environment: PRODUCTION }));
    expect(Object.isFrozen(configuration)).toBe(true);
    expect(Object.values(configuration).filter((value) => !Object.isFrozen(value))).toEqual([]);
    expect(typeof configuration['identity.groupRoles']).toBe('object');
  });
});

describe('requireBootConfiguration', () => {
  it('refuses by naming every setting that is still missing', () => {
    const configuration = loadConfiguration(given({ environment: { OIDC_CLIENT_ID: 'parley' } }));
    const error = refusalOf(() => requireBootConfiguration(configuration));
    expect(error.problems.map(({ key }) => key)).toEqual(['database.url', 'session.secrets', 'oidc.issuer']);
    expect(error.problems.map(({ layer }) => layer)).toEqual([undefined, undefined, undefined]);
  });

  it('refuses half of an OpenID provider wherever it is, beside others too', () => {
    const { OIDC_CLIENT_ID: _clientId, ...half } = PRODUCTION;
    const providers = [{ name: 'partner', issuer: 'https://id.partner.test', clientId: 'parley' }];
    for (const NODE_ENV of ['production', 'development']) {
      const environment = { ...half, NODE_ENV, PARLEY_OIDC_PROVIDERS: JSON.stringify(providers) };
      const error = refusalOf(() => requireBootConfiguration(loadConfiguration(given({ environment }))));
      expect(error.problems.map(({ key }) => key)).toEqual(['oidc.clientId']);
    }
  });

  it('answers the same configuration when nothing is missing', () => {
    const configuration = loadConfiguration(given({ environment: PRODUCTION }));
    expect(requireBootConfiguration(configuration)).toBe(configuration);
  });
});

describe('publicUrl', () => {
  it('is localhost at the port unless it is set', () => {
    const at = (environment: Readonly<Record<string, string>>) =>
      publicUrl(loadConfiguration(given({ environment }))).href;
    expect(at({ PARLEY_SERVER_PORT: '4000' })).toBe('http://localhost:4000/');
    expect(at({ PARLEY_SERVER_PUBLIC_URL: 'https://chat.acme.test' })).toBe('https://chat.acme.test/');
  });
});
