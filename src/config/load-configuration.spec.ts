import { describe, expect, it } from '@jest/globals';

import { given, PRODUCTION, refusalOf } from './__fixtures__/operator.js';
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
