import { describe, expect, it } from '@jest/globals';

import { given } from '../__fixtures__/operator.js';
import { environmentNames } from '../environment-names.js';
import { declarationOf, SETTING_KEYS } from '../registry.js';
import { readEnvironment } from './environment.js';

function read(environment: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
  const { values, problems } = readEnvironment(given({ environment, files }));
  return { values: Object.fromEntries(values), refused: problems.map(({ key }) => key) };
}

describe('environment layer', () => {
  it('refuses a prefixed variable of no setting', () => {
    expect(read({ PARLEY_SERVER_PROT: '1', OTHER: 'x' }).refused).toEqual(['PARLEY_SERVER_PROT']);
  });

  it('refuses a file for what is no secret', () => {
    expect(read({ PARLEY_SERVER_PORT_FILE: 'port' }, { port: '1' }).refused).toEqual([
      'PARLEY_SERVER_PORT_FILE',
    ]);
  });

  it('refuses a secret given both directly and by file', () => {
    const environment = { DATABASE_URL: 'postgres://db/a', DATABASE_URL_FILE: 'url' };
    expect(read(environment, { url: 'postgres://db/b' })).toEqual({ values: {}, refused: ['database.url'] });
  });

  it.each([{}, { key: ' \n' }, { 'key/directory': '' }])(
    'refuses a secret file that gives nothing: %j',
    (files) => {
      expect(read({ OPENAI_API_KEY_FILE: 'key' }, files).refused).toEqual(['providers.openai.apiKey']);
    },
  );

  it.each(['PARLEY_POSTGRES_PORT', 'PARLEY_SERVICE_HOSTS', 'PARLEY_PORT_3000', 'PARLEY_SERVICES_PORT_HTTP'])(
    'refuses %s, which only looks like a service link',
    (name) => {
      expect(read({ [name]: '3000' }).refused).toEqual([name]);
    },
  );

  it('passes over what Kubernetes sets for services named parley and parley-…', () => {
    const environment = {
      PARLEY_SERVICE_HOST: '10.0.0.11',
      PARLEY_SERVICE_PORT: '80',
      PARLEY_SERVICE_PORT_HTTP: '80',
      PARLEY_PORT: 'tcp://10.0.0.11:80',
      PARLEY_PORT_80_TCP: 'tcp://10.0.0.11:80',
      PARLEY_PORT_80_TCP_PROTO: 'tcp',
      PARLEY_PORT_80_TCP_PORT: '80',
      PARLEY_PORT_80_TCP_ADDR: '10.0.0.11',
      PARLEY_POSTGRES_SERVICE_HOST: '10.0.0.12',
      PARLEY_POSTGRES_PORT: 'tcp://10.0.0.12:5432',
    };
    expect(read(environment)).toEqual({ values: {}, refused: [] });
  });

  it('prefers the prefixed name to the alias, and the alias to nothing', () => {
    const alias = { OIDC_ISSUER: 'https://alias.test' };
    expect(read(alias).values).toEqual({ 'oidc.issuer': 'https://alias.test' });
    const both = { ...alias, PARLEY_OIDC_ISSUER: 'https://prefixed.test' };
    expect(read(both).values).toEqual({ 'oidc.issuer': 'https://prefixed.test' });
  });

  it('reads a secret from a file, absolute or from the working directory, trimmed', () => {
    const { values } = read(
      { PARLEY_DATABASE_URL_FILE: 'run/url' },
      { 'run/url': ' postgres://db/parley\n' },
    );
    expect(values).toEqual({ 'database.url': 'postgres://db/parley' });
    const input = given({ files: { url: 'postgres://db/absolute' } });
    const environment = { DATABASE_URL_FILE: `${input.workingDirectory}/url` };
    expect(read(environment).values).toEqual({ 'database.url': 'postgres://db/absolute' });
  });

  it('prefers the prefixed file to the alias', () => {
    const environment = { PARLEY_DATABASE_URL_FILE: 'url', DATABASE_URL: 'postgres://db/alias' };
    expect(read(environment, { url: 'postgres://db/file' })).toEqual({
      values: { 'database.url': 'postgres://db/file' },
      refused: [],
    });
  });

  it('counts an empty variable as unset, known or not', () => {
    const environment = {
      PARLEY_SERVER_PORT: '',
      PARLEY_UNKNOWN: '',
      DATABASE_URL: '',
      DATABASE_URL_FILE: '',
    };
    expect(read(environment)).toEqual({ values: {}, refused: [] });
  });

  it('has a name of its own for every setting', () => {
    const names = SETTING_KEYS.flatMap((key) => environmentNames(key, declarationOf(key)));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('PARLEY_SERVER_PUBLIC_URL');
  });
});
