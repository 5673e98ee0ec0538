import { describe, expect, it } from '@jest/globals';

import { readCommandLine } from './command-line.js';

function read(...args: readonly string[]) {
  const { values, problems, configPath } = readCommandLine(args);
  return { values: Object.fromEntries(values), refused: problems.map(({ key }) => key), configPath };
}

describe('command line layer', () => {
  it('refuses arguments that follow no name, by their place', () => {
    expect(read('start', '--server.port', '1', 'kanarienvogel', '-p').refused).toEqual([
      'argument 1',
      'argument 4',
      'argument 5',
    ]);
  });

  it('refuses a name of no setting without what may be a value', () => {
    expect(
      read('--server.prot', '1', '--oidc.clientSecret:kanarienvogel', '--__proto__', '--=x').refused,
    ).toEqual(['--server.prot', '--oidc.clientSecret', '--__proto__', '--']);
  });

  it('refuses a key given twice', () => {
    expect(read('--server.port', '1', '--server.port=2')).toMatchObject({ refused: ['server.port'] });
  });

  it.each([['--config'], ['--config=']])('refuses %s without a path', (...args) => {
    expect(read(...args).refused).toEqual(['--config']);
  });

  it('takes no name for the value of the name before it', () => {
    expect(read('--log.level', '--server.port', '1').values).toEqual({
      'log.level': undefined,
      'server.port': '1',
    });
  });

  it('reads a value after a space or an equals sign, whatever it holds', () => {
    expect(read('--server.port', '4000', '--oidc.label=a=b\n--c', '--config', 'x.yaml')).toEqual({
      values: { 'server.port': '4000', 'oidc.label': 'a=b\n--c' },
      refused: [],
      configPath: 'x.yaml',
    });
  });
});
